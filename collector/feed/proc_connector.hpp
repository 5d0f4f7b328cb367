// SPDX-License-Identifier: Apache-2.0
// The kernel's process events (CONFIG_PROC_EVENTS) through its connector: fork, exec, exit and
// changes of identity, each queued by the task itself before it goes on. That order is why
// parentage comes from here.
//
// Memory: owns the socket and the receive slots. Threads: made by the agent's thread, read by the
// reader's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/feed/message.hpp"

struct mnl_socket;

namespace audisp_eql::collector {

// One message of the connector (after the netlink header). `ack` is the cn_msg's, for the answer to
// a subscription. nullopt: too short, or another connector's.
struct ProcFrame {
    ProcEvent event;
    std::uint32_t ack = 0;
};
std::optional<ProcFrame> parse_proc_event(std::string_view payload);

struct ProcDrain {
    bool overrun = false;         // ENOBUFS: at least one message is missing
    bool more = false;            // stopped at the limit, not at the queue's end
    int error = 0;                // errno of a read that failed for another reason
    std::uint64_t foreign = 0;    // messages that the kernel did not send
    std::uint64_t malformed = 0;  // messages that are no process events
};

class ProcConnector {
  public:
    // The kernel doubles it; a message takes 832 bytes of it (measured), so 40,329 fit: one and a
    // half seconds of the hardest fork storm measured (27,000 a second).
    static constexpr int kReceiveBuffer = 16 << 20;
    // More than the socket can hold: who has drained as many has drained all that was queued when
    // the drain began.
    static constexpr std::size_t kMaxDrain = 40'960;
    // How long to wait for the kernel to take a subscription.
    static constexpr int kAnswerMs = 200;

    // What every run asks for: what the process table lives on. Ids are among it: what a fork
    // inherits may have changed since the last audit record.
    static constexpr std::uint32_t kAlways = static_cast<std::uint32_t>(ProcEvent::What::fork) |
                                             static_cast<std::uint32_t>(ProcEvent::What::exec) |
                                             static_cast<std::uint32_t>(ProcEvent::What::exit) |
                                             static_cast<std::uint32_t>(ProcEvent::What::uid) |
                                             static_cast<std::uint32_t>(ProcEvent::What::gid) |
                                             static_cast<std::uint32_t>(ProcEvent::What::sid);

    // Subscribes to those and to `more`, bits of ProcEvent::What. Throws std::runtime_error with
    // the reason.
    explicit ProcConnector(std::uint32_t more = 0);
    // Goes on with a subscription that release() gave away, and owns it, also where it throws.
    ProcConnector(std::uint32_t more, int released);
    ~ProcConnector();
    ProcConnector(const ProcConnector&) = delete;
    ProcConnector& operator=(const ProcConnector&) = delete;

    // The subscribed socket for who goes on with it: what comes meanwhile waits in it. -1: it can't
    // be had. The end of this object leaves the subscription as it is then.
    int release();

    // From now on those and other ones. Of the thread that drains. Throws std::runtime_error where
    // the kernel refuses; then it stays as it was.
    void ask(std::uint32_t more);

    int descriptor() const;
    // Appends what is queued, at most `max_events`, in arrival order. Never blocks.
    ProcDrain drain(std::size_t max_events, std::vector<ProcEvent>& events);

  private:
    struct Slots;
    struct Closer {
        void operator()(mnl_socket* socket) const;
    };
    void open();
    // Asks for all events and waits for the answer; false: none came.
    bool subscribe();
    // Asks for the wanted ones alone, where the kernel can tell them apart.
    void narrow();
    void send(std::uint32_t operation, bool with_mask, std::uint32_t ack);
    ProcDrain receive(std::size_t max_events, std::vector<ProcEvent>& events,
                      std::uint32_t awaited_ack, bool& acknowledged);

    std::uint32_t wanted_;
    bool released_ = false;
    std::unique_ptr<mnl_socket, Closer> socket_;
    std::unique_ptr<Slots> slots_;
    std::vector<ProcEvent> early_;  // arrived while the answer was awaited
};

}  // namespace audisp_eql::collector
