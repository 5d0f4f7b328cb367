// SPDX-License-Identifier: Apache-2.0
// Feeds capture lines through reader, assembler and normalizer, and tells the events as short text.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/audit/assembler.hpp"
#include "collector/feed/capture.hpp"
#include "collector/normalize/normalizer.hpp"
#include "collector/process/exec_context.hpp"

namespace audisp_eql::collector {

inline std::string joined(detect::Values values) {
    std::string out;
    for (const detect::Value& value : values) {
        if (!out.empty())
            out += ',';
        if (value.is_text())
            out += value.as_text();
        else
            out += std::to_string(value.as_integer());
    }
    return out;
}

inline std::string joined(const detect::EventPtr& event, detect::FieldId field) {
    return joined(event->values(field));
}

// What /proc shows in a test. Every question is counted.
class FakeProcReader final : public ProcReader {
  public:
    std::map<std::int32_t, ProcSnapshot> processes;
    std::map<std::int32_t, ExecContext> after_exec;
    int asked = 0;

    std::vector<std::int32_t> pids() override {
        std::vector<std::int32_t> all;
        for (const auto& [pid, snapshot] : processes)
            all.push_back(pid);
        return all;
    }
    std::optional<ProcSnapshot> read(std::int32_t pid) override {
        ++asked;
        const auto found = processes.find(pid);
        return found == processes.end() ? std::nullopt : std::optional(found->second);
    }

    std::map<std::pair<std::int32_t, std::int32_t>, DescriptorTarget> descriptors;
    int descriptors_asked = 0;
    std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) override {
        ++descriptors_asked;
        const auto found = descriptors.find({pid, fd});
        return found == descriptors.end() ? std::nullopt : std::optional(found->second);
    }

    std::map<std::pair<std::int32_t, std::int32_t>, SocketEnds> sockets;
    int sockets_asked = 0;
    std::optional<SocketEnds> socket(std::int32_t pid, std::int32_t fd) override {
        ++sockets_asked;
        const auto found = sockets.find({pid, fd});
        return found == sockets.end() ? std::nullopt : std::optional(found->second);
    }
    std::map<std::string, std::string, std::less<>> modules;  // flags by name
    std::optional<ModuleTaint> module(std::string_view name) override {
        const auto found = modules.find(name);
        if (found == modules.end())
            return std::nullopt;
        return ModuleTaint{found->first, found->second};
    }
    void read_exec(std::int32_t pid, const ExecQuestions&, ExecContext& out) override {
        out.clear(pid);
        const auto found = after_exec.find(pid);
        out.gone = found == after_exec.end();
        if (!out.gone)
            out = found->second;
    }
};

class Story : private MessageSink, private AuditEventSink, private EventSink {
  public:
    explicit Story(ProcReader* proc = nullptr)
        : normalizer(*this, proc, &learned_), assembler_(*this), reader_(*this) {}

    // Live feeds and captures with receive times (CLOCK) end each event with EOE; files don't.
    void line(std::string_view text) {
        reader_.line(text);
        clocked_ |= text.starts_with("type=CLOCK ");
        constexpr std::string_view kTitle = "type=PROCTITLE ";
        if (clocked_ && text.starts_with(kTitle)) {
            const std::size_t end = text.find("): ");
            reader_.line("type=EOE " + std::string(text.substr(0, end + 2).substr(kTitle.size())));
        }
    }
    void lines(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            line(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }
    void finish() {
        assembler_.finish();
        normalizer.finish();
    }
    // "fork 11 bash<sshd | exec 11 ls<bash": action, pid, names, names of the parent.
    std::string told() const {
        std::string out;
        for (const detect::EventPtr& event : events) {
            using detect::FieldId;
            if (!out.empty())
                out += " | ";
            const auto action = event->values(FieldId::event_action);
            out += action.empty() ? joined(event, FieldId::auditd_syscall)
                                  : std::string(action[0].as_text());
            out += ' ' + joined(event, FieldId::process_pid);
            out += ' ' + joined(event, FieldId::process_name);
            out += '<' + joined(event, FieldId::process_parent_name);
        }
        return out;
    }
    std::string told_and_forget() {
        std::string out = told();
        events.clear();
        return out;
    }

    std::vector<detect::EventPtr> events;
    std::vector<ProcessPtr> processes;
    std::vector<std::string> learned;
    int epochs = 0;
    std::function<bool(const detect::Event&)> wanted;  // of what can be told before it is made
    Normalizer normalizer;

  private:
    struct Learned final : MessageSink {
        explicit Learned(Story& s) : story(s) {}
        void on_message(const Message& message) override {
            story.learned.emplace_back(message.bytes);
        }
        Story& story;
    };

    void on_message(const Message& message) override {
        if (message.mono_ns > 0)
            normalizer.advance(message.mono_ns);
        if (message.kind != MessageKind::audit_line) {
            normalizer.on_message(message);
            return;
        }
        if (auto record = parse_line(message.bytes)) {
            record->received_ns = message.mono_ns;
            if (const auto head = parse_head(record->bytes))
                now_ns_ = std::max(now_ns_, head->key.time_ms * 1'000'000);
            assembler_.add(*record, now_ns_);
        }
    }
    void on_audit_event(const AuditEvent& event) override { normalizer.on_audit_event(event); }
    void on_event(const detect::EventPtr& event, const ProcessPtr& process) override {
        events.push_back(event);
        processes.push_back(process);
    }
    bool wants(const detect::Event& sketch) override { return !wanted || wanted(sketch); }
    void on_epoch() override { ++epochs; }

    Learned learned_{*this};
    bool clocked_ = false;
    std::int64_t now_ns_ = 0;
    Assembler assembler_;
    CaptureReader reader_;
};

}  // namespace audisp_eql::collector
