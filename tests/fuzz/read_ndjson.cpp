// SPDX-License-Identifier: Apache-2.0
// Any bytes as events in lines of JSON. What is read and written again is JSON, and once it was
// written so, reading it gives the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>

#include "detect/event/json_reader.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/text/time_text.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::detect;

class Reader {
  public:
    Reader() : reader_(fields_, true, {"@timestamp", "event.sequence"}) {}

    // Empty if the line is none.
    std::string rewritten(std::string_view line) {
        std::string error, out;
        const EventPtr event = reader_.read(line, error);
        FUZZ_CHECK((event == nullptr) == !error.empty());
        if (!event)
            return out;
        FUZZ_CHECK(event->time().wall_us >= kFirstMicros && event->time().wall_us <= kLastMicros);
        append_event_json(out, *event, &fields_);
        boost::json::parse_options options;
        options.max_depth = JsonEventReader::kMaxDepth;
        boost::system::error_code failure;
        const auto document = boost::json::parse(out, failure, {}, options);
        FUZZ_CHECK(!failure && document.is_object());
        const std::vector<JsonMember> members = event_members(*event, &fields_);
        std::string nested;
        JsonNester nester(nested);
        for (const JsonMember& member : members) {
            nester.key(member.name);
            nested += member.text;
        }
        nester.finish();
        FUZZ_CHECK(nested == out);
        has_real_ = false;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            for (const Value& value : event->values(static_cast<FieldId>(i)))
                has_real_ = has_real_ || value.kind() == ValueKind::real;
        }
        return out;
    }
    // Of the last line that was one: Boost.JSON reads some reals to the last bit but one.
    bool has_real() const { return has_real_; }

  private:
    bool has_real_ = false;
    FieldNames fields_;
    JsonEventReader reader_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Reader reader;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() == rest.size() ? rest.size() : line.size() + 1);
        const std::string once = reader.rewritten(line);
        if (once.empty())
            continue;
        // The first time texts become numbers, and names that meet change places.
        const std::string twice = reader.rewritten(once);
        FUZZ_CHECK(!twice.empty());
        FUZZ_CHECK(reader.rewritten(twice) == twice || reader.has_real());
    }
    return 0;
}
