// SPDX-License-Identifier: Apache-2.0
// Events as JSON. Always valid UTF-8 and one line, whatever the bytes were: U+FFFD stands for what
// is not text, and the exact bytes stand in hex under audisp_eql.raw.<field>.
//
// Memory: appends to the caller's string. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// Appends `text` as a JSON string with its quotes. Returns false if some of it was not UTF-8.
bool append_json_string(std::string& out, std::string_view text);
// RFC 3339 in UTC with microseconds, with quotes.
void append_json_time(std::string& out, std::int64_t micros);
// One value of any kind.
void append_json_value(std::string& out, const Value& value);

// The event as one nested object, fields sorted by name: {"@timestamp":…,"event":{…},…}.
// `fields` knows names that rules or the input added; null: only the known table.
void append_event_json(std::string& out, const Event& event, const FieldNames* fields = nullptr);

}  // namespace audisp_eql::detect
