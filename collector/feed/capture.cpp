// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/capture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {

namespace {

using What = ProcEvent::What;

struct WhatName {
    std::string_view name;
    What what;
};
constexpr std::array<WhatName, 9> kWhatNames{{
    {"fork", What::fork},
    {"exec", What::exec},
    {"exit", What::exit},
    {"uid", What::uid},
    {"gid", What::gid},
    {"sid", What::sid},
    {"ptrace", What::ptrace},
    {"comm", What::comm},
    {"coredump", What::coredump},
}};

std::string_view name_of(What what) {
    const auto found = std::find_if(kWhatNames.begin(), kWhatNames.end(),
                                    [what](const WhatName& row) { return row.what == what; });
    return found == kWhatNames.end() ? "none" : found->name;
}

What what_of(std::string_view name) {
    const auto found = std::find_if(kWhatNames.begin(), kWhatNames.end(),
                                    [name](const WhatName& row) { return row.name == name; });
    return found == kWhatNames.end() ? What::none : found->what;
}

template <class Number>
void append_number(std::string& out, std::string_view key, Number number) {
    std::array<char, 24> text;
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    static_cast<void>(error);  // 64 bits have 20 characters at most
    out += key;
    out.append(text.data(), end);
}

// Takes "prefix(NUMBER): " from the front of `text`.
bool take_stamp(std::string_view& text, std::string_view prefix, std::int64_t& number) {
    if (!text.starts_with(prefix))
        return false;
    const char* const begin = text.data() + prefix.size();
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(begin, end, number);
    if (error != std::errc{} || !std::string_view(at, end).starts_with("):"))
        return false;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 2);
    if (text.starts_with(' '))
        text.remove_prefix(1);
    return true;
}

template <class Number>
bool store(const FieldCursor& field, Number& number) {
    const char* const end = field.value.data() + field.value.size();
    const auto [at, error] = std::from_chars(field.value.data(), end, number);
    return error == std::errc{} && at == end;
}

bool store_comm(const FieldCursor& field, ProcEvent& event) {
    std::string text;
    if (!append_untrusted(field.value, field.quoted, text) || text.size() >= sizeof event.comm)
        return false;
    std::memcpy(event.comm, text.data(), text.size());
    return true;
}

bool store_field(const FieldCursor& field, ProcEvent& event) {
    switch (field.code) {
        case field_code("what"):
            event.what = what_of(field.value);
            return true;
        case field_code("cpu"):
            return store(field, event.cpu);
        case field_code("seq"):
            return store(field, event.seq);
        case field_code("pid"):
            return store(field, event.pid);
        case field_code("tgid"):
            return store(field, event.tgid);
        case field_code("ruid"):
        case field_code("rgid"):
            return store(field, event.first);
        case field_code("euid"):
        case field_code("egid"):
            return store(field, event.second);
        case field_code("comm"):
            return store_comm(field, event);
        default:
            break;
    }
    if (field.key == "parent_pid")
        return store(field, event.parent_pid);
    if (field.key == "parent_tgid")
        return store(field, event.parent_tgid);
    if (field.key == "exit_code")
        return store(field, event.first);
    if (field.key == "exit_signal")
        return store(field, event.second);
    if (field.key == "concluded")
        event.concluded = field.value == "1";
    return true;  // of a later version
}

// A netlink payload as auditd writes it: one line, no blank at its end.
void append_payload(std::string_view bytes, std::string& out) {
    const std::size_t begin = out.size();
    out += bytes;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
        [](char c) { return c == '\n' || c == '\0'; }, ' ');
    while (out.size() > begin && out.back() == ' ')
        out.pop_back();
}

// Takes "key=WORD " from the front of `text`; a word is printable ASCII.
template <std::size_t kSize>
bool take_word(std::string_view& text, const char (&key)[kSize]) {
    // Of a size that the compiler knows: comparing is a load or two.
    if (text.size() < kSize || std::memcmp(text.data(), key, kSize - 1) != 0)
        return false;
    std::size_t end = kSize - 1;
    while (end < text.size() && text[end] > ' ' && text[end] <= '~')
        ++end;
    if (end == kSize - 1 || end == text.size() || text[end] != ' ')
        return false;
    text.remove_prefix(end + 1);
    return true;
}

// "type=NAME msg=audit(", perhaps with a node before it.
bool looks_like_record(std::string_view text) {
    take_word(text, "node=");
    return take_word(text, "type=") && text.starts_with("msg=audit(");
}

}  // namespace

std::optional<ProcEvent> proc_event_from_text(std::string_view text) {
    ProcEvent event;
    FieldCursor fields(text);
    while (fields.next()) {
        if (!store_field(fields, event))
            return std::nullopt;
    }
    if (event.what == What::none || event.pid <= 0)
        return std::nullopt;
    return event;
}

void append_text(const ProcEvent& event, std::string& out) {
    out += "what=";
    out += name_of(event.what);
    append_number(out, " cpu=", event.cpu);
    append_number(out, " seq=", event.seq);
    const auto parent = [&] {
        append_number(out, " parent_pid=", event.parent_pid);
        append_number(out, " parent_tgid=", event.parent_tgid);
    };
    if (event.what == What::fork)
        parent();
    append_number(out, " pid=", event.pid);
    append_number(out, " tgid=", event.tgid);
    switch (event.what) {
        case What::uid:
            append_number(out, " ruid=", event.first);
            append_number(out, " euid=", event.second);
            break;
        case What::gid:
            append_number(out, " rgid=", event.first);
            append_number(out, " egid=", event.second);
            break;
        case What::comm:
            out += " comm=";
            append_as_untrusted({event.comm, ::strnlen(event.comm, sizeof event.comm)}, out);
            break;
        case What::exit:
            append_number(out, " exit_code=", event.first);
            append_number(out, " exit_signal=", event.second);
            parent();
            if (event.concluded)
                append_number(out, " concluded=", 1);
            break;
        case What::ptrace:
        case What::coredump:
            parent();
            break;
        case What::none:
        case What::fork:
        case What::exec:
        case What::sid:
            break;
    }
}

void CaptureReader::line(std::string_view text) {
    if (text.empty())
        return;
    ++counters_.lines;
    if (text.size() > kMaxLineBytes) {
        ++counters_.long_lines;
        return;
    }
    if (looks_like_record(text)) {
        send(MessageKind::audit_line, clock_mono_ns_, text);
        return;
    }
    const std::size_t space = text.find(' ');
    if (!text.starts_with("type=") || space == std::string_view::npos ||
        !capture_line(text.substr(5, space - 5), text.substr(space + 1)))
        ++counters_.unknown_lines;
}

bool CaptureReader::capture_line(std::string_view name, std::string_view rest) {
    std::int64_t number = 0;
    if (take_stamp(rest, "msg=proc(", number)) {
        if (name == "CN_PROC")
            return proc_event(number, rest);
        if (name == "CLOCK")
            return clock(number, rest);
        if (name != "PROC" && name != "PROC_EXEC" && name != "LOSS")
            return false;
        send(name == "PROC"        ? MessageKind::process
             : name == "PROC_EXEC" ? MessageKind::process_exec
                                   : MessageKind::loss,
             number, rest);
        return true;
    }
    if (!take_stamp(rest, "msg=capture(", number))
        return false;
    if (name != "HOST" && name != "USER" && name != "GROUP")
        return false;
    send(name == "HOST"   ? MessageKind::host
         : name == "USER" ? MessageKind::user
                          : MessageKind::group,
         0, rest);
    return true;
}

bool CaptureReader::clock(std::int64_t mono_ns, std::string_view body) {
    const std::optional<std::string_view> real = find_field(body, "real");
    const std::optional<std::int64_t> real_ns = real ? parse_decimal(*real) : std::nullopt;
    if (!real_ns)
        return false;
    clock_mono_ns_ = mono_ns;
    Message message{};
    message.kind = MessageKind::clock;
    message.mono_ns = mono_ns;
    message.real_ns = *real_ns;
    sink_.on_message(message);
    return true;
}

bool CaptureReader::proc_event(std::int64_t mono_ns, std::string_view body) {
    std::optional<ProcEvent> event = proc_event_from_text(body);
    if (!event)
        return false;
    event->ns = mono_ns;
    send(MessageKind::proc_event, mono_ns, {reinterpret_cast<const char*>(&*event), sizeof *event});
    return true;
}

void CaptureReader::send(MessageKind kind, std::int64_t mono_ns, std::string_view bytes) {
    Message message{};
    message.kind = kind;
    message.mono_ns = mono_ns;
    message.bytes = bytes;
    sink_.on_message(message);
}

void CaptureWriter::on_clock(const Message& message, std::string& out) {
    now_ns_ = message.mono_ns;
    pending_clock_.clear();
    append_number(pending_clock_, "type=CLOCK msg=proc(", message.mono_ns);
    append_number(pending_clock_, "): real=", message.real_ns);
    pending_clock_ += '\n';
    if (now_ns_ - traffic_ns_ > kQuietNs)
        return;
    out += pending_clock_;
    pending_clock_.clear();
}

void CaptureWriter::write(const Message& message, std::string& out) {
    if (message.kind == MessageKind::clock) {
        on_clock(message, out);
        return;
    }
    out += pending_clock_;
    pending_clock_.clear();
    traffic_ns_ = now_ns_;
    const auto stamped = [&](std::string_view head) {
        append_number(out, head, message.mono_ns);
        out += "): ";
    };
    switch (message.kind) {
        case MessageKind::audit_record:
            out += "type=";
            append_type_name(message.audit_type, out);
            out += " msg=";
            append_payload(message.bytes, out);
            break;
        case MessageKind::proc_event: {
            ProcEvent event;
            std::memcpy(&event, message.bytes.data(), sizeof event);
            append_number(out, "type=CN_PROC msg=proc(", event.ns);
            out += "): ";
            append_text(event, out);
            break;
        }
        case MessageKind::host:
            out += "type=HOST msg=capture(1): ";
            append_payload(message.bytes, out);
            break;
        case MessageKind::user:
            out += "type=USER msg=capture(1): ";
            append_payload(message.bytes, out);
            break;
        case MessageKind::group:
            out += "type=GROUP msg=capture(1): ";
            append_payload(message.bytes, out);
            break;
        case MessageKind::process:
            stamped("type=PROC msg=proc(");
            append_payload(message.bytes, out);
            break;
        case MessageKind::process_exec:
            stamped("type=PROC_EXEC msg=proc(");
            append_payload(message.bytes, out);
            break;
        case MessageKind::loss:
            stamped("type=LOSS msg=proc(");
            append_payload(message.bytes, out);
            break;
        case MessageKind::audit_line:
        case MessageKind::clock:
            append_payload(message.bytes, out);
            break;
    }
    out += '\n';
}

}  // namespace audisp_eql::collector
