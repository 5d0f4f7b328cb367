// SPDX-License-Identifier: Apache-2.0
// What the program's events hold, as a page of documentation: every kind of event, every field.
#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "collector/agent/own_alert.hpp"
#include "collector/command/command.hpp"
#include "collector/normalize/actions.hpp"
#include "detect/event/field_table.hpp"

namespace audisp_eql::collector {
namespace {

std::string_view name_of(detect::FieldType type) {
    switch (type) {
        case detect::FieldType::keyword:
            return "keyword";
        case detect::FieldType::number:
            return "number";
        case detect::FieldType::boolean:
            return "boolean";
        case detect::FieldType::ip:
            return "ip";
        case detect::FieldType::date:
            return "date";
    }
    return {};
}

std::string joined(detect::Values values) {
    std::string text;
    for (const detect::Value& value : values)
        text.append(text.empty() ? "" : ", ").append(value.as_text());
    return text;
}

// A bar would end the table's cell.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|')
            out += '\\';
        out += c;
    }
    return out;
}

std::string events_page() {
    std::string page =
        "| event.category | event.type | event.action | made from |\n|---|---|---|---|\n";
    for (std::size_t i = 0; i < kEventKinds; ++i) {
        const auto kind = static_cast<EventKind>(i);
        const EventShape& shape = shape_of(kind);
        page += fmt::format("| {} | {} | {} | {} |\n", joined(shape.category), joined(shape.type),
                            joined(shape.action), cell(source_of(kind)));
    }
    return page;
}

std::string fields_page() {
    std::string page = "| field | type | what it is | from | when |\n|---|---|---|---|---|\n";
    for (const detect::FieldRow& row : detect::kFieldRows) {
        const bool several = row.has(detect::FieldFlag::list);
        const bool rules_only = row.has(detect::FieldFlag::internal);
        page += fmt::format("| `{}` | {}{} | {}{} | {} | {} |\n", row.name, name_of(row.type),
                            several ? ", several" : "", cell(row.doc),
                            rules_only ? " (rules see it; it is not in the JSON of an event)" : "",
                            cell(row.source), cell(row.surely));
    }
    return page;
}

std::string own_alerts_page() {
    std::string page = "| rule.id | rule.name | severity | what it says |\n|---|---|---|---|\n";
    for (std::size_t i = 0; i < kOwnAlerts; ++i) {
        const OwnAlertKind& kind = kind_of(static_cast<OwnAlert>(i));
        page += fmt::format("| `{}` | {} | {} | {} |\n", kind.id, kind.name,
                            to_string(kind.severity), cell(kind.description));
    }
    return page;
}

}  // namespace

int fields_command(const Settings&) {
    const std::string page = fmt::format(
        "# Events and their fields\n\n"
        "What rules can test for, as `audisp-eql fields` prints it. Names are those of the "
        "Elastic\n"
        "Common Schema and of Elastic Endpoint; `auditd.*` is what auditbeat calls them, "
        "`audisp_eql.*`\nour own.\n\n"
        "## Events\n\n"
        "Of several actions or types a rule may name any. All but forks, ends and changes of ids "
        "need an\naudit rule in the kernel; `audisp-eql audit-rules` shows those that the loaded "
        "rules need.\n\n{}\n"
        "## Fields\n\n"
        "UPPER CASE words are types of audit records, the connector is the kernel's process "
        "connector.\n\"Racy\": it is asked of /proc after the fact, and the process may have ended "
        "or gone on.\n\"Where a loaded rule asks\": what no loaded rule tests for is not looked "
        "up.\n\n{}\n"
        "## Alerts of the agent's own\n\n"
        "They come without a rule, with `event.dataset: audisp_eql.agent` and these rule ids. "
        "Signs of\ntampering name the actor (`process.*`, `user.audit.id`) where audit's records "
        "do.\n\n{}",
        events_page(), fields_page(), own_alerts_page());
    return std::fputs(page.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kExitCannotRun
                                                                            : kExitFine;
}

}  // namespace audisp_eql::collector
