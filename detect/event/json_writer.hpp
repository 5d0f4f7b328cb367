// SPDX-License-Identifier: Apache-2.0
// Events as JSON. Always valid UTF-8 and one line, whatever the bytes were: U+FFFD stands for every
// byte that is not text, and the exact bytes stand in hex under audisp_eql.raw.<field>.
//
// Memory: appends to the caller's string. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// Appends `text` as a JSON string with its quotes; control characters (C0, DEL, C1) are escaped.
// Returns false if some of it was not UTF-8.
bool append_json_string(std::string& out, std::string_view text);
// RFC 3339 in UTC with microseconds, with quotes.
void append_json_time(std::string& out, std::int64_t micros);
// One value of any kind; false if it was text and some of it not UTF-8.
bool append_json_value(std::string& out, const Value& value);
// All values of a field: one bare (unless `always_list`), more as an array. Not for no value.
bool append_json_values(std::string& out, Values values, bool always_list);

// Order of dotted names by their components: "a.b" < "a.c" < "a-b".
bool name_less(std::string_view a, std::string_view b);

// One nested object from dotted names that come in the order of name_less. The names must live as
// long as the writer. A name below one that has a value ("a" and "a.b") keeps its dots.
class JsonNester {
  public:
    explicit JsonNester(std::string& out) : out_(out) { out_ += '{'; }
    // Everything up to and with the colon; the caller then appends the value.
    void key(std::string_view name);
    void finish();

  private:
    void close_to(std::size_t kept);
    void quoted_key(std::string_view name);

    std::string& out_;
    std::string_view open_;   // the objects that are open: "process.parent."
    std::string_view value_;  // name of the last value that is no object
    bool comma_ = false;
};

// A finished part of a document: `text` is JSON already.
struct JsonMember {
    std::string name;  // dotted
    std::string text;
};

// The event as one nested object, fields sorted by name: {"@timestamp":…,"event":{…},…}.
// `fields` knows names that rules or the input added; null: only the known table. `more`: members
// to be sorted in, names not in the event.
void append_event_json(std::string& out, const Event& event, const FieldNames* fields = nullptr,
                       std::span<const JsonMember> more = {});

// The event's fields as members by their dotted names, sorted, audisp_eql.raw.* included.
std::vector<JsonMember> event_members(const Event& event, const FieldNames* fields = nullptr);

}  // namespace audisp_eql::detect
