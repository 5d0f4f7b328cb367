// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/audit_costs.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {

namespace {

// "type=NAME msg=audit(SEC.MSEC:SERIAL): body\n"
std::uint64_t bytes_of(const AuditEvent& event, const AuditEvent::Record& record) {
    std::string name;
    append_type_name(record.type, name);
    return fmt::formatted_size("type={} msg=audit({}.{:03}:{}): \n", name,
                               event.key().time_ms / 1000, event.key().time_ms % 1000,
                               event.key().serial) +
           record.size;
}

std::uint64_t number(const std::map<std::string, std::string>& conf, const char* name,
                     std::uint64_t otherwise) {
    const auto found = conf.find(name);
    if (found == conf.end())
        return otherwise;
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

}  // namespace

void AuditCosts::on_audit_event(const AuditEvent& event) {
    AuditCost cost{1, 0, 0};
    std::string key, executable;
    bool changes = false;
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type == audit_type::kEoe)
            continue;
        ++cost.records;
        cost.bytes += bytes_of(event, record);
        const bool of_call =
            record.type == audit_type::kSyscall || record.type == audit_type::kUringop;
        changes = changes || record.type == audit_type::kConfigChange;
        if (!of_call && record.type != audit_type::kConfigChange)
            continue;
        for (FieldCursor field(event.body(record)); field.next();) {
            if (field.key == "key" && key.empty())
                append_untrusted(field.value, field.quoted, key);
            else if (field.key == "exe" && executable.empty())
                append_untrusted(field.value, field.quoted, executable);
        }
    }
    const std::size_t line = line_of_(key);
    // The rules' own coming and going.
    if (changes && line < lines_.size())
        return;
    if (line >= lines_.size()) {
        others_.add(cost);
        return;
    }
    lines_[line].add(cost);
    all_.add(cost);
    if (!programs_.contains(executable) && programs_.size() >= kMaxPrograms)
        executable.clear();
    Program& program = programs_[executable];
    program.cost.add(cost);
    program.lines.insert(line);
}

LogRoom log_room(const std::map<std::string, std::string>& conf, std::string path) {
    LogRoom room;
    room.path = std::move(path);
    if (conf.empty())
        return room;
    const std::uint64_t files = number(conf, "num_logs", 0);
    const auto action = conf.find("max_log_file_action");
    room.rotates = files >= 2 && action != conf.end() && action->second == "rotate";
    room.bytes = number(conf, "max_log_file", 0) * files * 1024 * 1024;
    return room;
}

std::string reach_text(std::uint64_t room, double bytes_a_second) {
    constexpr double kHour = 3600, kDay = 24 * kHour, kYear = 365 * kDay;
    const double seconds =
        bytes_a_second > 0 ? static_cast<double>(room) / bytes_a_second : kYear * 99;
    if (seconds > 10 * kYear)
        return "more than 10 years";
    if (seconds > 2 * kYear)
        return fmt::format("{:.0f} years", seconds / kYear);
    if (seconds > 2 * kDay)
        return fmt::format("{:.0f} days", seconds / kDay);
    if (seconds > 2 * kHour)
        return fmt::format("{:.0f} hours", seconds / kHour);
    return fmt::format("{:.0f} minutes", seconds / 60);
}

}  // namespace audisp_eql::collector
