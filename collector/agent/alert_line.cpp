// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/alert_line.hpp"

#include <cctype>
#include <initializer_list>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/core.h>

namespace audisp_eql::collector {
namespace {

namespace json = boost::json;

// A member of a member…; null if some of them is not there.
const json::value* at(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* here = &from;
    for (const auto name : path) {
        const auto* object = here->if_object();
        here = object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
        if (here == nullptr)
            return nullptr;
    }
    return here;
}

// The first value of a field, as text; empty if there is none.
std::string first(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* value = at(from, path);
    if (value != nullptr && value->is_array())
        value = value->get_array().empty() ? nullptr : &value->get_array().front();
    if (value == nullptr)
        return {};
    if (const auto* text = value->if_string())
        return std::string(text->data(), text->size());
    if (const auto* number = value->if_int64())
        return std::to_string(*number);
    return {};
}

// C0, DEL, C1; and the characters that turn the direction of the text around them.
bool steers_terminal(unsigned code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// The input is what a JSON parser let through: valid UTF-8.
std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        unsigned code = length == 1 ? lead : lead & (0xffU >> (length + 1));
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
            code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
        if (steers_terminal(code))
            out += fmt::format("\\u{{{:x}}}", code);
        else
            out += text.substr(i, length);
        i += length;
    }
    return out;
}

std::string process_text(const json::value& from, std::initializer_list<std::string_view> name,
                         std::initializer_list<std::string_view> pid) {
    const std::string who = first(from, name), number = first(from, pid);
    if (number.empty())
        return who;
    return (who.empty() ? "?" : who) + "(" + number + ")";
}

// "to 192.0.2.7:4444" of an event; for an accepted connection "from …". Empty if it has no peer.
std::string peer_text(const json::value& event) {
    const bool accepted = first(event, {"event", "action"}) == "connection_accepted";
    const std::string_view end = accepted ? "source" : "destination";
    std::string address = first(event, {end, "ip"});
    if (address.empty())
        return {};
    if (const std::string port = first(event, {end, "port"}); !port.empty())
        address =
            (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + port;
    return (accepted ? "from " : "to ") + address;
}

// The last event need not be the connection.
std::string peer_of_alert(const json::value& alert) {
    std::string peer = peer_text(alert);
    const json::value* sequence = at(alert, {"audisp_eql", "sequence"});
    if (!peer.empty() || sequence == nullptr || !sequence->is_array())
        return peer;
    const auto& events = sequence->get_array();
    for (auto event = events.rbegin(); event != events.rend() && peer.empty(); ++event)
        peer = peer_text(*event);
    return peer;
}

// The last event's.
std::string file_of_alert(const json::value& alert) {
    const std::string path = first(alert, {"file", "path"});
    return path.empty() ? first(alert, {"file", "name"}) : path;
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

// The process and what surrounds it; `pid` tells whether numbers that differ from run to run are
// in.
std::string subject(const json::value& document, bool pid) {
    const auto process = [&](std::initializer_list<std::string_view> name,
                             std::initializer_list<std::string_view> number) {
        return pid ? process_text(document, name, number) : first(document, name);
    };
    std::string text = process({"process", "name"}, {"process", "pid"});
    std::string user = first(document, {"user", "name"});
    if (user.empty())
        user = first(document, {"user", "id"});
    const std::string parent = process({"process", "parent", "name"}, {"process", "parent", "pid"});
    const std::string peer = peer_of_alert(document);
    if (!user.empty())
        text += ", user " + user;
    if (!parent.empty())
        text += ", parent " + parent;
    if (!peer.empty())
        text += ", " + peer;
    if (const std::string file = file_of_alert(document); !file.empty())
        text += ", " + first(document, {"event", "action"}) + " " + file;
    return text;
}

json::value document_of(const detect::Alert& alert) {
    boost::system::error_code error;
    return json::parse(alert.json, error);
}

}  // namespace

std::string alert_line(const detect::Alert& alert) {
    const json::value document = document_of(alert);
    const std::string time = first(document, {"@timestamp"});
    return printable(time.substr(0, std::string_view("2026-01-31T02:31:05").size()) + "Z " +
                     upper(detect::to_string(alert.severity)) + " " + alert.rule_name + ": " +
                     subject(document, true));
}

std::string alert_group(const detect::Alert& alert) {
    return printable(subject(document_of(alert), false));
}

}  // namespace audisp_eql::collector
