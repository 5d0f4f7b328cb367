// SPDX-License-Identifier: Apache-2.0
// audisp-eql record: what the live feeds say, into a capture. The messages go through the pipeline
// without rules, so that the capture has what a live run would have asked /proc; save the
// environment, of which only rules can say what is worth keeping.
#include <chrono>
#include <string>

#include <fmt/core.h>
#include <system_error>

#include "collector/agent/agent.hpp"
#include "collector/agent/capture_file.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/command/command.hpp"
#include "collector/command/status_line.hpp"
#include "collector/privilege/divide.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

// What is there so far, while a person watches.
class Progress {
  public:
    Progress(Agent& agent, const CaptureFile& capture) : capture_(capture) {
        if (line_.watched())
            agent.every(std::chrono::seconds(1), [this] { show(); });
    }

  private:
    void show() {
        line_.show(fmt::format("{} s, {} messages, {} kB; Ctrl-C ends it", ++seconds_,
                               capture_.messages(), capture_.bytes() / 1000));
    }

    const CaptureFile& capture_;
    StatusLine line_;
    int seconds_ = 0;
};

// Stops the run when the disk is full or the pipe's reader gone.
class RecordSink final : public MessageSink {
  public:
    RecordSink(CaptureFile& capture, Agent& agent, ProcReader& proc)
        : capture_(capture),
          agent_(agent),
          proc_(proc),
          pipeline_(nullptr, options(), [](const auto&) {}) {}
    void on_message(const Message& message) override {
        pipeline_.on_message(message);
        if (capture_.error() != 0)
            agent_.stop();
    }

  private:
    PipelineOptions options() {
        PipelineOptions options;
        options.proc = &proc_;
        options.tee = &capture_;
        return options;
    }

    CaptureFile& capture_;
    Agent& agent_;
    ProcReader& proc_;
    Pipeline pipeline_;
};

}  // namespace

int record_command(const Settings& settings) {
    if (settings.arguments.size() != 1) {
        log::error("record takes one file to write to; '-' is standard output");
        return kExitUserMistake;
    }
    CaptureFile capture(settings.arguments.front());
    Settings alone = settings;
    alone.status_socket = "off";
    Division division = divide(alone, {capture.descriptor()});
    if (division.exit_code)
        return *division.exit_code;
    Agent agent(settings, nullptr, division.access);
    RecordSink sink(capture, agent, *division.access.proc);
    if (settings.record_seconds.value != 0)
        agent.stop_after(std::chrono::seconds(settings.record_seconds.value));
    {
        Progress progress(agent, capture);
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
