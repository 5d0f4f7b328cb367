// SPDX-License-Identifier: Apache-2.0
#include "detect/event/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "detect/text/time_text.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

// What an exec shows with its parent and its leaders.
constexpr std::size_t kUsualMembers = 128;

constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes that stand for themselves inside a JSON string.
constexpr std::array<bool, 256> make_plain() {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7f; ++c)
        plain[c] = c != '"' && c != '\\';
    return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain();

void append_escaped(std::string& out, unsigned char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out += kHexDigits[c >> 4];
            out += kHexDigits[c & 15];
    }
}

// The character at `at`, which is not plain ASCII. Returns its bytes, 0 if it is not UTF-8.
std::size_t append_character(std::string& out, std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) {
        append_escaped(out, first);
        return 1;
    }
    const std::size_t length = code_point_length(text, at);
    const auto second = static_cast<unsigned char>(length == 2 ? text[at + 1] : '\0');
    if (first == 0xc2 && second != 0 && second < 0xa0)
        append_escaped(out, second);  // C1: terminals act on them
    else if (length == 0)
        out += "\xef\xbf\xbd";
    else
        out.append(text, at, length);
    return length;
}

void append_hex(std::string& out, std::string_view bytes) {
    out += '"';
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kHexDigits[byte >> 4];
        out += kHexDigits[byte & 15];
    }
    out += '"';
}

// Values of other kinds than text stand as they are.
void append_raw_values(std::string& out, Values values, bool always_list) {
    const bool list = always_list || values.size() > 1;
    if (list)
        out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0)
            out += ',';
        if (values[i].is_text())
            append_hex(out, values[i].as_text());
        else
            append_json_value(out, values[i]);
    }
    if (list)
        out += ']';
}

constexpr bool always_list(const FieldRow& row) {
    return row.has(FieldFlag::list);
}

// What is to be written beside the known table's fields, few or none.
struct Extra {
    std::string_view name;
    Values values;                      // of an added field
    const std::string* text = nullptr;  // or finished JSON
};

// Calls visit(name, values, row) for every known field of the event and visit(extra) for each
// extra, in the order of names. Of equal names the extra counts.
template <typename OnField, typename OnExtra>
void walk(const Event& event, std::span<const Extra> extras, OnField&& on_field,
          OnExtra&& on_extra) {
    auto extra = extras.begin();
    const Value fallback = Value::date(event.time().wall_us);
    for (std::size_t i = 0; i < kKnownFields; ++i) {
        const FieldRow& row = kFieldRows[i];
        if (row.has(FieldFlag::internal))
            continue;
        Values values = event.values(static_cast<FieldId>(i));
        if (values.empty() && static_cast<FieldId>(i) == FieldId::timestamp &&
            event.time().wall_us != 0)
            values = Values(&fallback, 1);
        if (values.empty())
            continue;
        while (extra != extras.end() && name_less(extra->name, row.name))
            on_extra(*extra++);
        if (extra == extras.end() || extra->name != row.name)
            on_field(row, values);
    }
    while (extra != extras.end())
        on_extra(*extra++);
}

bool append_extra(std::string& out, const Extra& extra) {
    if (!extra.text)
        return append_json_values(out, extra.values, false);
    out += *extra.text;
    return true;
}

class EventWriter {
  public:
    EventWriter(const Event& event, const FieldNames* fields, std::span<const JsonMember> more)
        : event_(event) {
        for (const JsonMember& member : more)
            extras_.push_back({member.name, {}, &member.text});
        for (std::size_t i = kKnownFields; fields && i < fields->size(); ++i) {
            const auto field = static_cast<FieldId>(i);
            if (const Values values = event.values(field); !values.empty())
                extras_.push_back({fields->row(field).name, values, nullptr});
        }
        sort_extras();
    }

    // Texts that are not UTF-8 are rare: only when one was met the event is written a second time,
    // with the exact bytes.
    template <typename Key>
    void write(std::string& out, Key&& key, bool remember_bad) {
        walk(
            event_, extras_,
            [&](const FieldRow& row, Values values) {
                key(row.name);
                if (!append_json_values(out, values, always_list(row)) && remember_bad)
                    add_raw(row.name, values, always_list(row));
            },
            [&](const Extra& extra) {
                key(extra.name);
                if (!append_extra(out, extra) && remember_bad)
                    add_raw(extra.name, extra.values, false);
            });
    }
    // True if some text was not UTF-8: write again.
    bool take_raw() {
        for (const JsonMember& member : raw_)
            extras_.push_back({member.name, {}, &member.text});
        sort_extras();
        return !raw_.empty();
    }

  private:
    void sort_extras() {
        // Finished members first among equals: the input cannot take the place of what is ours.
        std::stable_sort(extras_.begin(), extras_.end(), [](const Extra& a, const Extra& b) {
            return name_less(a.name, b.name) || (a.name == b.name && a.text && !b.text);
        });
        extras_.erase(std::unique(extras_.begin(), extras_.end(),
                                  [](const Extra& a, const Extra& b) { return a.name == b.name; }),
                      extras_.end());
    }
    void add_raw(std::string_view name, Values values, bool list) {
        JsonMember& member = raw_.emplace_back();
        member.name = "audisp_eql.raw.";
        member.name += name;
        append_raw_values(member.text, values, list);
    }

    const Event& event_;
    std::vector<Extra> extras_;
    std::vector<JsonMember> raw_;
};

}  // namespace

bool append_json_string(std::string& out, std::string_view text) {
    bool valid = true;
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && kPlain[static_cast<unsigned char>(text[end])])
            ++end;
        out.append(text, at, end - at);
        at = end;
        if (at == text.size())
            break;
        const std::size_t length = append_character(out, text, at);
        valid &= length != 0;
        at += std::max<std::size_t>(length, 1);
    }
    out += '"';
    return valid;
}

void append_json_time(std::string& out, std::int64_t micros) {
    out += '"';
    append_iso_time(out, micros);
    out += '"';
}

bool append_json_value(std::string& out, const Value& value) {
    char digits[32];
    switch (value.kind()) {
        case ValueKind::text:
            return append_json_string(out, value.as_text());
        case ValueKind::integer:
            out.append(digits,
                       std::to_chars(digits, digits + sizeof digits, value.as_integer()).ptr);
            return true;
        case ValueKind::real: {
            if (!std::isfinite(value.as_real())) {
                out += "null";  // JSON has no word for it
                return true;
            }
            const char* const end =
                std::to_chars(digits, digits + sizeof digits, value.as_real()).ptr;
            const std::string_view shortest(digits, static_cast<std::size_t>(end - digits));
            out += shortest;
            if (shortest.find_first_of(".e") == std::string_view::npos)
                out += ".0";  // stays a real when it is read again
            return true;
        }
        case ValueKind::boolean:
            out += value.as_boolean() ? "true" : "false";
            return true;
        case ValueKind::date:
            append_json_time(out, value.as_integer());
            return true;
    }
    return true;
}

bool append_json_values(std::string& out, Values values, bool always_list) {
    if (values.size() == 1 && !always_list)
        return append_json_value(out, values[0]);
    bool valid = true;
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0)
            out += ',';
        valid &= append_json_value(out, values[i]);
    }
    out += ']';
    return valid;
}

bool name_less(std::string_view a, std::string_view b) {
    const auto rank = [](char c) {
        return c == '.' ? -1 : static_cast<int>(static_cast<unsigned char>(c));
    };
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (y == b.end())
        return false;
    return x == a.end() || rank(*x) < rank(*y);
}

void JsonNester::quoted_key(std::string_view name) {
    if (comma_)
        out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
}

void JsonNester::close_to(std::size_t kept) {
    for (const char c : open_.substr(kept)) {
        if (c == '.') {
            out_ += '}';
            comma_ = true;
        }
    }
    open_ = open_.substr(0, kept);
}

void JsonNester::key(std::string_view name) {
    const bool below_value = !value_.empty() && name.size() > value_.size() &&
                             name.starts_with(value_) && name[value_.size()] == '.';
    if (below_value) {
        quoted_key(name.substr(open_.size()));
        comma_ = true;
        return;
    }
    // Mostly the next name of the object at hand.
    if (name.starts_with(open_) && name.find('.', open_.size()) == std::string_view::npos) {
        value_ = name;
        quoted_key(name.substr(open_.size()));
        comma_ = true;
        return;
    }
    const std::string_view objects = name.substr(0, name.rfind('.') + 1);
    auto kept = static_cast<std::size_t>(
        std::mismatch(open_.begin(), open_.end(), objects.begin(), objects.end()).first -
        open_.begin());
    while (kept > 0 && open_[kept - 1] != '.')
        --kept;
    close_to(kept);
    while (kept < objects.size()) {
        const std::size_t dot = objects.find('.', kept);
        quoted_key(objects.substr(kept, dot - kept));
        out_ += '{';
        comma_ = false;
        kept = dot + 1;
    }
    open_ = objects;
    value_ = name;
    quoted_key(name.substr(objects.size()));
    comma_ = true;
}

void JsonNester::finish() {
    close_to(0);
    out_ += '}';
}

void append_event_json(std::string& out, const Event& event, const FieldNames* fields,
                       std::span<const JsonMember> more) {
    EventWriter writer(event, fields, more);
    const std::size_t start = out.size();
    for (const bool first : {true, false}) {
        JsonNester nester(out);
        writer.write(
            out, [&](std::string_view name) { nester.key(name); }, first);
        nester.finish();
        if (!first || !writer.take_raw())
            return;
        out.resize(start);
    }
}

std::vector<JsonMember> event_members(const Event& event, const FieldNames* fields) {
    EventWriter writer(event, fields, {});
    std::vector<JsonMember> members;
    members.reserve(kUsualMembers);
    for (const bool first : {true, false}) {
        members.clear();
        std::string text;
        const auto settle = [&] {
            if (!members.empty())
                members.back().text = text;  // of the size that it needs; the buffer stays
            text.clear();
        };
        writer.write(
            text,
            [&](std::string_view name) {
                settle();
                members.push_back({std::string(name), {}});
            },
            first);
        settle();
        if (!first || !writer.take_raw())
            break;
    }
    return members;
}

}  // namespace audisp_eql::detect
