// SPDX-License-Identifier: Apache-2.0
// ECS JSON -> Event: dotted names and nested objects both resolve, arrays of objects flatten
// (a:[{b:1},{b:2}] is a.b = [1,2]). Tests, rule tests and queries over NDJSON use it.
//
// Memory: the event owns its bytes. Threads: one reader a thread.
#pragma once

#include <string>
#include <string_view>

#include "detect/eql/diagnostic.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

struct JsonEventOptions {
    std::string timestamp_field = "@timestamp";  // ISO 8601 text or milliseconds
    std::string tiebreaker_field;                // empty: none
};

class JsonEventReader {
  public:
    // `fields`: names to keep; unknown names in the input are dropped unless `keep_all`.
    explicit JsonEventReader(FieldNames& fields, bool keep_all, JsonEventOptions options = {});

    // One JSON object. Null with a message in `error` for bad input. A missing timestamp is no
    // error: time is then 0 and has_time false.
    EventPtr read(std::string_view line, std::string& error);
    bool has_time() const { return has_time_; }

  private:
    FieldNames& fields_;
    bool keep_all_;
    JsonEventOptions options_;
    bool has_time_ = false;
};

}  // namespace audisp_eql::detect
