// SPDX-License-Identifier: Apache-2.0
// audisp-eql record: what the live feeds say, into a capture.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/core.h>
#include <system_error>

#include "collector/agent/agent.hpp"
#include "collector/agent/capture_file.hpp"
#include "collector/agent/log.hpp"
#include "collector/command/command.hpp"

namespace audisp_eql::collector {
namespace {

namespace asio = boost::asio;

// One line that rewrites itself while a person watches.
class Progress {
  public:
    Progress(asio::io_context& io, const CaptureFile& capture) : timer_(io), capture_(capture) {
        if (::isatty(STDERR_FILENO) == 1)
            show();
    }
    ~Progress() {
        if (shown_)
            std::fputs("\r\033[K", stderr);
    }

  private:
    void show() {
        const auto running = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::steady_clock::now() - start_);
        fmt::print(stderr, "\r\033[K{} s, {} messages, {} kB; Ctrl-C ends it", running.count(),
                   capture_.messages(), capture_.bytes() / 1000);
        std::fflush(stderr);
        shown_ = true;
        timer_.expires_after(std::chrono::seconds(1));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error)
                show();
        });
    }

    asio::steady_timer timer_;
    const CaptureFile& capture_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool shown_ = false;
};

// Stops the run when the disk is full or the pipe's reader gone.
class RecordSink final : public MessageSink {
  public:
    RecordSink(CaptureFile& capture, Agent& agent) : capture_(capture), agent_(agent) {}
    void on_message(const Message& message) override {
        capture_.on_message(message);
        if (capture_.error() != 0)
            agent_.stop();
    }

  private:
    CaptureFile& capture_;
    Agent& agent_;
};

}  // namespace

int record_command(const Settings& settings) {
    if (settings.arguments.size() != 1) {
        log::error("record takes one file to write to; '-' is standard output");
        return kExitUserMistake;
    }
    asio::io_context io{1};
    Agent agent(io, settings);
    CaptureFile capture(settings.arguments.front());
    RecordSink sink(capture, agent);
    asio::steady_timer end(io);
    if (settings.record_seconds.value != 0) {
        end.expires_after(std::chrono::seconds(settings.record_seconds.value));
        end.async_wait([&](const boost::system::error_code& error) {
            if (!error)
                agent.stop();
        });
    }
    {
        Progress progress(io, capture);
        agent.run(sink);
    }
    capture.flush();
    if (capture.error() != 0)
        throw std::system_error(capture.error(), std::generic_category(),
                                "cannot write the capture " + capture.path());
    log::info(fmt::format("{}: {} messages, {} bytes; {}", capture.path(), capture.messages(),
                          capture.bytes(), agent.statistics()));
    return kExitFine;
}

}  // namespace audisp_eql::collector
