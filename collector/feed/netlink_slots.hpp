// SPDX-License-Identifier: Apache-2.0
// Netlink messages, many a system call: what recvmmsg(2) fills.
//
// Memory: the owner's; views are good until the next receive(). Threads: the owner's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include <linux/netlink.h>
#include <sys/socket.h>

namespace audisp_eql::collector {

template <std::size_t kSlots, std::size_t kSlotBytes>
class NetlinkSlots {
  public:
    NetlinkSlots() {
        for (std::size_t i = 0; i < kSlots; ++i)
            parts_[i] = {bytes_.get() + i * kSlotBytes, kSlotBytes};
    }

    // How many came, without waiting: at most `wanted`. -1: errno says why.
    int receive(int descriptor, std::size_t wanted) {
        prepare(wanted);
        const int got = ::recvmmsg(descriptor, headers_.data(), static_cast<unsigned>(wanted),
                                   MSG_DONTWAIT, nullptr);
        used_ = static_cast<std::size_t>(std::max(got, 0));
        return got;
    }

    bool is_from_kernel(std::size_t i) const {
        return headers_[i].msg_hdr.msg_namelen < sizeof(sockaddr_nl) || senders_[i].nl_pid == 0;
    }
    bool is_cut(std::size_t i) const { return (headers_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }
    std::string_view bytes(std::size_t i) const {
        return {bytes_.get() + i * kSlotBytes,
                std::min<std::size_t>(headers_[i].msg_len, kSlotBytes)};
    }

  private:
    // The kernel writes the lengths of names and flags back: they are set before each read.
    void prepare(std::size_t count) {
        for (std::size_t i = 0; i < used_; ++i)
            prepare_one(i);
        for (; prepared_ < count; ++prepared_)
            prepare_one(prepared_);
    }
    void prepare_one(std::size_t i) {
        msghdr& header = headers_[i].msg_hdr;
        header = {};
        header.msg_name = &senders_[i];
        header.msg_namelen = sizeof senders_[i];
        header.msg_iov = &parts_[i];
        header.msg_iovlen = 1;
    }

    // Not initialized: pages that no message ever reaches take no memory.
    std::unique_ptr<char[]> bytes_{new char[kSlots * kSlotBytes]};
    std::array<mmsghdr, kSlots> headers_{};
    std::array<iovec, kSlots> parts_{};
    std::array<sockaddr_nl, kSlots> senders_{};
    std::size_t prepared_ = 0;  // headers that were, once
    std::size_t used_ = 0;      // of them, by the last read
};

}  // namespace audisp_eql::collector
