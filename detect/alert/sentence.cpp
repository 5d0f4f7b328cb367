// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/sentence.hpp"

#include <algorithm>

#include "detect/text/code_point.hpp"

namespace audisp_eql::detect {

namespace {

// A name in a sentence is a word, not evidence: the fields hold all of it.
constexpr std::size_t kMostOfAName = 80;
constexpr std::size_t kMostOfARule = 160;
constexpr std::size_t kMostOfAPath = 160;

// What was done with a file, by its action.
struct Deed {
    std::string_view action;
    const char* words;
};
constexpr Deed kDeeds[] = {
    {"creation", "created"},
    {"modification", "opened for writing"},
    {"open", "opened"},
    {"rename", "renamed"},
    {"deletion", "deleted"},
    {"changed-file-permissions-of", "changed the mode of"},
    {"changed-file-ownership-of", "changed the owner of"},
    {"changed-file-attributes-of", "changed the attributes of"},
    {"changed-timestamp-of", "changed the times of"},
};

void append_pid(std::string& out, const Event& event, FieldId field) {
    const Values pid = event.values(field);
    if (!pid.empty() && pid[0].kind() == ValueKind::integer)
        out += "pid " + std::to_string(pid[0].as_integer());
}

// "sh (pid 42, /usr/bin/dash)"; nothing known: nothing.
std::string process_of(const Event& event, FieldId name, FieldId pid, FieldId executable) {
    std::string out;
    const std::string_view called = event.text(name);
    append_printable(out, called.empty() ? "a process" : called, kMostOfAName);
    std::string detail;
    append_pid(detail, event, pid);
    if (const std::string_view path = event.text(executable); !path.empty()) {
        detail += detail.empty() ? "" : ", ";
        append_printable(detail, path, kMostOfAName);
    }
    if (!detail.empty())
        out += " (" + detail + ")";
    return out;
}

bool has_action(const Event& event, std::string_view action) {
    const Values actions = event.values(FieldId::event_action);
    return std::any_of(actions.begin(), actions.end(), [&](const Value& value) {
        return value.is_text() && value.as_text() == action;
    });
}

// "192.0.2.1:4444", "[2001:db8::1]:443"
std::string endpoint(const Event& event, FieldId ip, FieldId port) {
    std::string out;
    const std::string_view address = event.text(ip);
    const bool v6 = address.find(':') != std::string_view::npos;
    const Values number = event.values(port);
    const bool with_port = !number.empty() && number[0].kind() == ValueKind::integer;
    out += v6 && with_port ? "[" : "";
    append_printable(out, address, kMostOfAName);
    out += v6 && with_port ? "]" : "";
    if (with_port)
        out += ":" + std::to_string(number[0].as_integer());
    return out;
}

// The connection nearest to the end of the story.
std::string connection_of(const Match& match) {
    for (auto event = match.events.rbegin(); event != match.events.rend(); ++event) {
        if (!*event)
            continue;
        if (has_action(**event, "connection_accepted") &&
            !(*event)->text(FieldId::source_ip).empty())
            return ", accepted a connection from " +
                   endpoint(**event, FieldId::source_ip, FieldId::source_port);
        if (!(*event)->text(FieldId::destination_ip).empty())
            return ", connected to " +
                   endpoint(**event, FieldId::destination_ip, FieldId::destination_port);
    }
    return {};
}

// What was done with the file nearest to the end of the story.
std::string deed_of(const Match& match) {
    for (auto at = match.events.rbegin(); at != match.events.rend(); ++at) {
        if (!*at)
            continue;
        const Event& event = **at;
        std::string_view file = event.text(FieldId::file_path);
        if (file.empty())
            file = event.text(FieldId::file_name);
        const auto* const deed =
            std::find_if(std::begin(kDeeds), std::end(kDeeds),
                         [&](const Deed& known) { return has_action(event, known.action); });
        if (file.empty() || deed == std::end(kDeeds))
            continue;
        std::string out = std::string(", ") + deed->words + " ";
        if (const std::string_view old = event.text(FieldId::file_ext_original_path);
            !old.empty()) {
            append_printable(out, old, kMostOfAPath);
            out += " to ";
        }
        append_printable(out, file, kMostOfAPath);
        return out;
    }
    return {};
}

}  // namespace

void append_printable(std::string& out, std::string_view text, std::size_t most) {
    const std::size_t start = out.size();
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (out.size() - start + point.length > most) {
            out += "\u2026";
            return;
        }
        if (point.valid && is_printable(point.value))
            out.append(text, at, point.length);
        else
            out += '?';
        at += point.length;
    }
}

std::string alert_sentence(const Rule& rule, const Match& match) {
    std::string out;
    append_printable(out, rule.name.empty() ? rule.id : rule.name, kMostOfARule);
    const auto last = std::find_if(match.events.rbegin(), match.events.rend(),
                                   [](const EventPtr& event) { return event != nullptr; });
    if (last == match.events.rend())
        return out;
    const Event& event = **last;
    out += ": " + process_of(event, FieldId::process_name, FieldId::process_pid,
                             FieldId::process_executable);
    std::string_view user = event.text(FieldId::user_name);
    if (user.empty())
        user = event.text(FieldId::user_id);
    if (!user.empty()) {
        out += " of user ";
        append_printable(out, user, kMostOfAName);
    }
    if (!event.text(FieldId::process_parent_name).empty())
        out += ", child of " + process_of(event, FieldId::process_parent_name,
                                          FieldId::process_parent_pid,
                                          FieldId::process_parent_executable);
    out += connection_of(match);
    out += deed_of(match);
    std::string_view host = event.text(FieldId::host_name);
    if (!host.empty()) {
        out += ", on host ";
        append_printable(out, host, kMostOfAName);
    }
    return out;
}

}  // namespace audisp_eql::detect
