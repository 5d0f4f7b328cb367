// SPDX-License-Identifier: Apache-2.0
#include "collector/command/overhear.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <utility>

#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/feed/audit_netlink.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/feed/clock.hpp"
#include "collector/feed/host_facts.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

// Null where the kernel does not let us (CAP_AUDIT_READ, the host's network namespace).
std::unique_ptr<AuditSource> open_multicast() {
    try {
        return AuditNetlink::listen();
    } catch (const std::runtime_error&) {
        return nullptr;
    }
}

bool asks_for_technique(const detect::RuleSet& rules) {
    bool exec = false, connect = false;
    for (const NeededLine& line : kernel_needs(rules, {}).lines)
        for (const AuditRule& rule : parse_audit_rules(line.text).rules) {
            const AuditLine described = describe(rule.bytes);
            exec = exec || described.exec;
            connect = connect || described.connect;
        }
    return exec && connect;
}

bool holds(detect::Values values, std::string_view word) {
    return std::any_of(values.begin(), values.end(), [word](const detect::Value& value) {
        return value.is_text() && value.as_text().find(word) != std::string_view::npos;
    });
}

}  // namespace

class Ears::Keeper final : public MessageSink {
  public:
    explicit Keeper(Ears& ears) : ears_(ears) {}
    void on_message(const Message& message) override { ears_.keep(message); }

  private:
    Ears& ears_;
};

Ears::Ears() : audit_(open_multicast()) {
    try {
        connector_ = std::make_unique<ProcConnector>();
    } catch (const std::runtime_error&) {
        // Told by overheard().
    }
    Keeper keeper(*this);
    LinuxProcReader proc;
    tell_host_facts(keeper, proc, {"audit,proc", ""});
}

Ears::~Ears() = default;

void Ears::keep(const Message& message) {
    if (bytes_ > kMaxBytes)
        return;
    heard_.push_back({message, std::string(message.bytes)});
    heard_.back().message.bytes = {};
    bytes_ += message.bytes.size() + sizeof(Heard);
}

// In the order of the reader: what the connector has is older than a batch of audit records.
void Ears::listen() {
    AuditBatch batch;
    do {
        batch.clear();
        Message clock{};
        clock.kind = MessageKind::clock;
        clock.mono_ns = nanoseconds(CLOCK_MONOTONIC);
        clock.real_ns = nanoseconds(CLOCK_REALTIME);
        keep(clock);
        if (audit_ != nullptr)
            audit_->read(AuditSource::kMaxBatch, batch);
        std::vector<ProcEvent> events;
        if (connector_ != nullptr)
            connector_->drain(ProcConnector::kMaxDrain, events);
        for (const ProcEvent& event : events) {
            Message message{};
            message.kind = MessageKind::proc_event;
            message.mono_ns = event.ns;
            message.bytes = {reinterpret_cast<const char*>(&event), sizeof event};
            keep(message);
        }
        for (const AuditBatch::Record& record : batch.records) {
            Message message{};
            message.kind = record.kind;
            message.audit_type = record.audit_type;
            message.mono_ns = clock.mono_ns;
            message.bytes = record.bytes;
            keep(message);
        }
    } while (batch.records.size() == AuditSource::kMaxBatch);
}

void Ears::play(MessageSink& sink) const {
    for (const Heard& heard : heard_) {
        Message message = heard.message;
        message.bytes = heard.bytes;
        sink.on_message(message);
    }
}

Overheard Ears::overheard(const std::string& nonce) const {
    Overheard result;
    result.audit = audit_ != nullptr;
    result.connector = connector_ != nullptr;
    PipelineOptions options;
    options.on_event = [&](const detect::Event& event) {
        if (!holds(event.values(detect::FieldId::process_args), nonce))
            return;
        const detect::Values action = event.values(detect::FieldId::event_action);
        result.exec = result.exec || holds(action, "exec");
        result.fork = result.fork || holds(action, "fork");
        result.connect = result.connect || holds(action, "connection_attempted");
    };
    Pipeline pipeline(nullptr, std::move(options), {});
    play(pipeline);
    pipeline.stop();
    return result;
}

Rehearsal Ears::rehearse(const Settings& settings, const std::string& nonce) const {
    Rehearsal rehearsal;
    // Once as the agent runs, and where that finds nothing, once without its exceptions.
    const auto finds = [&](const std::shared_ptr<const detect::RuleSet>& rules,
                           std::vector<detect::SuppressedEvents>& suppressed) {
        bool found = false;
        Pipeline pipeline(rules, {}, [&](const detect::Alert& alert) {
            if (alert.json.find(nonce) == std::string::npos)
                return;
            found = true;
            rehearsal.rule = alert.rule_name;
        });
        play(pipeline);
        pipeline.stop();
        suppressed = pipeline.counters().engine.suppressed;
        return found;
    };
    try {
        std::vector<detect::SuppressedEvents> suppressed, none;
        const LoadedRules rules =
            load_rule_set(settings.rules, settings.deprecated, settings.exceptions);
        rehearsal.asks = asks_for_technique(*rules.set);
        if (finds(rules.set, suppressed)) {
            rehearsal.result = Rehearsal::Result::match;
        } else if (finds(load_rule_set(settings.rules, settings.deprecated, {"/dev/null"}).set,
                         none)) {
            rehearsal.result = Rehearsal::Result::excepted;
            for (const detect::SuppressedEvents& exception : suppressed)
                if (exception.count != 0)
                    rehearsal.exceptions.push_back(exception.exception);
        } else {
            rehearsal.result = Rehearsal::Result::no_match;
        }
    } catch (const std::runtime_error& error) {
        rehearsal.error = error.what();
    }
    return rehearsal;
}

}  // namespace audisp_eql::collector
