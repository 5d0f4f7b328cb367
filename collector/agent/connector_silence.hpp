// SPDX-License-Identifier: Apache-2.0
// Does the proc connector still speak? It tells of every exec that audit reports: where audit goes
// on and it does not, something has silenced it (any process with CAP_NET_ADMIN can end the
// subscriptions of all, PROC_CN_MCAST_IGNORE in kernels before 6.6).
//
// Memory: values. Threads: one.
#pragma once

#include <cstdint>

namespace audisp_eql::collector {

class ConnectorSilence {
  public:
    // An exec that failed is audit's alone, and the two feeds are not read at the same moment.
    static constexpr std::uint64_t kExecs = 5;
    static constexpr std::int64_t kNs = 10LL * 1'000'000'000;

    // Each second: how many execs audit told of so far, and how many messages the connector. True
    // when it has fallen silent, once.
    bool fell_silent(std::uint64_t execs, std::uint64_t messages, std::int64_t now_ns) {
        if (messages != messages_ || since_ns_ == 0) {
            messages_ = messages;
            execs_ = execs;
            since_ns_ = now_ns;
            silent_ = false;
            return false;
        }
        if (silent_ || execs - execs_ < kExecs || now_ns - since_ns_ < kNs)
            return false;
        return silent_ = true;
    }
    bool silent() const { return silent_; }

  private:
    std::uint64_t execs_ = 0, messages_ = 0;
    std::int64_t since_ns_ = 0;  // when the connector was last heard
    bool silent_ = false;
};

}  // namespace audisp_eql::collector
