// SPDX-License-Identifier: Apache-2.0
// The unix stream socket on which a running agent answers. A client sends one line and gets one
// answer, then the connection is closed:
//   status text|json|prometheus    the report
//   maintenance SECONDS            a maintenance begins; 0: ends. root only. One line: what became
//                                  of it, after "ok: " or "no: "
// No client can hold the agent up: few are served at once, each has little time, and a report is
// made once a second at most.
//
// Memory: owns the socket, and its file until it is destroyed. Threads: the io_context's one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/agent/own_alert.hpp"
#include "collector/agent/status_listener.hpp"
#include "collector/agent/status_report.hpp"

namespace audisp_eql::collector {

struct StatusCounters {
    std::uint64_t answered = 0;
    std::uint64_t refused = 0;    // too many at once
    std::uint64_t timed_out = 0;  // sent no line, or did not read
};

class StatusSocket {
  public:
    static constexpr std::size_t kMaxClients = StatusListener::kMaxClients;
    static constexpr std::chrono::seconds kClientTime{10};
    static constexpr std::size_t kMaxLine = 256;

    using Report = std::function<std::string(StatusOutput)>;
    // What to answer to who asked; the actor is whom the kernel says that is.
    using Maintain = std::function<std::string(std::chrono::seconds, const AuditActor&)>;

    // What is known of a process beside what the kernel says of who asks.
    using Who = std::function<void(AuditActor&)>;

    StatusSocket(boost::asio::io_context& io, StatusListener listener, Report report,
                 Maintain maintain, Who who = nullptr);
    ~StatusSocket();
    StatusSocket(const StatusSocket&) = delete;
    StatusSocket& operator=(const StatusSocket&) = delete;

    // Why nothing answers; empty: it does, or is off.
    const std::string& trouble() const { return listener_.trouble(); }
    const StatusCounters& counters() const { return counters_; }

  private:
    using Socket = boost::asio::local::stream_protocol::socket;
    struct Client {
        Client(boost::asio::io_context& io, Socket connected)
            : socket(std::move(connected)), timer(io) {}
        Socket socket;
        boost::asio::steady_timer timer;
        std::array<char, kMaxLine> bytes{};
        std::size_t received = 0;
        std::string answer;
    };
    using ClientPtr = std::shared_ptr<Client>;

    void accept();
    void serve(const ClientPtr& client);
    void answer(const ClientPtr& client, std::string_view line);
    std::string answer_to(std::string_view line, Client& client);
    std::string report(StatusOutput form);
    void drop(const ClientPtr& client);

    boost::asio::io_context& io_;
    Report report_;
    Maintain maintain_;
    Who who_;
    StatusListener listener_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    std::list<ClientPtr> clients_;
    StatusCounters counters_;
    struct Made {
        std::chrono::steady_clock::time_point when{};
        std::string text;
    };
    std::array<Made, 3> made_;  // by form
};

}  // namespace audisp_eql::collector
