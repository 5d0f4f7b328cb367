// SPDX-License-Identifier: Apache-2.0
// What systemd wants to hear of a service of Type=notify: the protocol of sd_notify(3), a datagram
// of lines to the socket that NOTIFY_SOCKET names. Without that variable nothing is sent.
//
// Memory: owns its socket. Threads: any one at a time; no call waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace audisp_eql::collector {

class ServiceNotify {
  public:
    // One datagram to the manager; false: it could not be sent.
    using Send = std::function<bool(std::string_view)>;

    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. The socket is opened now, while that is
    // still allowed. `send`: another process does, whom the manager listens to.
    explicit ServiceNotify(Send send = nullptr);
    ~ServiceNotify();
    ServiceNotify(const ServiceNotify&) = delete;
    ServiceNotify& operator=(const ServiceNotify&) = delete;

    bool is_used() const { return send_ != nullptr || descriptor_ >= 0; }
    // How often the watchdog must be fed at least; 0: not asked for.
    std::chrono::microseconds watchdog() const { return watchdog_; }

    void ready(std::string_view status);
    void reloading();
    void stopping();
    void status(std::string_view text);
    void feed_watchdog();
    std::uint64_t not_sent() const { return not_sent_; }

  private:
    void tell(const std::string& text);

    Send send_;
    int descriptor_ = -1;
    std::chrono::microseconds watchdog_{0};
    std::uint64_t not_sent_ = 0;  // the manager's socket was full, or gone
};

// Sends what another process of this program has to say, as long as the manager is there.
class NotifyRelay {
  public:
    NotifyRelay();
    ~NotifyRelay();
    NotifyRelay(const NotifyRelay&) = delete;
    NotifyRelay& operator=(const NotifyRelay&) = delete;
    bool is_used() const { return descriptor_ >= 0; }
    // False: it could not be sent, or is nothing that ServiceNotify says. The manager takes other
    // words for more than news: MAINPID=, FDSTORE=.
    bool send(std::string_view text) const;

  private:
    int descriptor_;
};

// Is the watchdog to be fed? Only where both threads went on since it was fed last: the reader puts
// a clock into the ring every quarter of a second, and the worker takes it out.
class Liveness {
  public:
    // `made`: clocks that the reader made; `taken`: messages that the worker took.
    bool goes_on(std::uint64_t made, std::uint64_t taken);

  private:
    std::uint64_t made_ = 0, taken_ = 0;
};

}  // namespace audisp_eql::collector
