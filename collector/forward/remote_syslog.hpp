// SPDX-License-Identifier: Apache-2.0
// Alerts to a syslog server elsewhere: RFC 5424 over UDP (RFC 5426), TCP with octet counting (RFC
// 6587) or TLS (RFC 5425).
//
// None of the three says what the server has read. What was sent within the spool's time to resend
// before a connection was lost goes out again over the next, under the same event.id.
//
// Memory: owns its connection. Threads: see output.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "collector/forward/queued_output.hpp"
#include "collector/forward/remote_link.hpp"

namespace audisp_eql::collector {

struct RemoteSyslogOptions {
    RemoteServer server;
    TlsOptions tls;
    int facility = 10;  // authpriv
    bool cee = false;
    std::size_t max_bytes = 8000;  // of the JSON
    std::string tag = "audisp-eql";
    std::string host;  // who we are; empty: the host's name
};

class RemoteSyslogOutput final : public QueuedOutput {
  public:
    // A server that has not taken a message for so long has stopped reading.
    static constexpr std::chrono::seconds kStalled{30};

    // Throws std::runtime_error where the TLS files can't be used. An absent server is no error.
    RemoteSyslogOutput(boost::asio::io_context& io, Spool& spool, RemoteSyslogOptions options,
                       OutputWarning warn);
    ~RemoteSyslogOutput() override;

  private:
    bool reach(std::string& why) override;
    bool receiver_changed() override;
    Item render(const detect::Alert& alert) override;
    Attempt attempt(Item& item, std::string& why) override;
    void open();

    boost::asio::io_context& io_;
    RemoteSyslogOptions options_;
    std::shared_ptr<RemoteLink> link_;
    enum class State { closed, opening, ready, sending, sent } state_ = State::closed;
    bool fresh_ = false;  // connected, and nothing sent since
    std::string failed_;  // why the last connection ended, until it is told
    std::chrono::steady_clock::time_point began_;
};

}  // namespace audisp_eql::collector
