// SPDX-License-Identifier: Apache-2.0
// ECS JSON -> Event: dotted names and nested objects both resolve, arrays of objects flatten
// (a:[{b:1},{b:2}] is a.b = [1,2]). Tests, rule tests and queries over NDJSON use it.
//
// A known field is stored in the layer of its row and in its row's type, as Elasticsearch would
// index it (text of digits for a number, a number as text for a keyword, addresses in canonical
// form); what does not convert stays what it was. Null is a missing value.
//
// Memory: the event owns its bytes. Threads: one reader a thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

struct JsonEventOptions {
    std::string timestamp_field = "@timestamp";  // ISO 8601 text or milliseconds
    std::string tiebreaker_field;                // empty: none; always kept in the event
};

class JsonEventReader {
  public:
    // An event has some kB; a line like this is no event.
    static constexpr std::size_t kMaxLineBytes = 16 << 20;
    // ECS is six deep.
    static constexpr std::size_t kMaxDepth = 32;
    // Field ids are 16 bits wide; names beyond these are dropped and counted.
    static constexpr std::size_t kMaxNames = 20'000;
    // A name with more dots is dropped and counted, too: written again as nested objects (with
    // audisp_eql.raw before it, and a list in it) it would be too deep to be read.
    static constexpr std::size_t kMaxDots = kMaxDepth - 4;

    // `fields`: names to keep; unknown names in the input are dropped unless `keep_all`.
    explicit JsonEventReader(FieldNames& fields, bool keep_all, JsonEventOptions options = {});

    // One JSON object. Null with a message in `error` for bad input. A missing timestamp is no
    // error: time is then 0 and has_time false. The event's engine time is its wall time; its
    // origin is `line` with the number of read() calls so far.
    EventPtr read(std::string_view line, std::string& error);
    bool has_time() const { return has_time_; }
    // Values that were not kept because of kMaxNames or kMaxDots, in all lines.
    std::uint64_t names_dropped() const { return names_dropped_; }

  private:
    struct Found {
        FieldId field;
        Value value;  // texts lie in the parsed document
    };
    class Walk;
    void store(FieldId field, std::size_t first, std::size_t last);

    FieldNames& fields_;
    bool keep_all_;
    JsonEventOptions options_;
    FieldId time_field_;
    bool has_time_ = false;
    std::uint64_t lines_ = 0;
    std::uint64_t names_dropped_ = 0;
    // Kept between lines for their capacity.
    std::array<BlockBuilder, kLayerCount> builders_;
    std::vector<Found> found_;
    std::vector<Value> values_;
    std::vector<std::string_view> texts_;
};

}  // namespace audisp_eql::detect
