// SPDX-License-Identifier: Apache-2.0
// Questions to events as lines of JSON: read whole, sorted by time, then asked.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "collector/command/counted.hpp"
#include "collector/command/query_input.hpp"
#include "detect/event/json_reader.hpp"

namespace audisp_eql::collector {
namespace {

// Lines that could not be used, each told with its place; what more there are is counted. A person
// reads ten, and knows what is wrong.
constexpr std::uint64_t kShownLines = 10;

// What the order of events is made of: time, then tiebreaker (numbers before texts, a missing one
// last), then the line.
struct SortKey {
    enum class Kind : std::uint8_t { number, text, missing };

    std::int64_t micros = 0;
    Kind kind = Kind::missing;
    long double number = 0;  // holds every 64 bit integer
    std::string text;

    bool operator<(const SortKey& other) const {
        return std::tie(micros, kind, number, text) <
               std::tie(other.micros, other.kind, other.number, other.text);
    }
};

SortKey sort_key(const detect::Event& event, std::optional<detect::FieldId> tiebreaker) {
    SortKey key;
    key.micros = event.time().wall_us;
    const detect::Values values = tiebreaker ? event.values(*tiebreaker) : detect::Values{};
    if (values.empty())
        return key;
    const detect::Value& value = values.front();
    key.kind = value.is_text() ? SortKey::Kind::text : SortKey::Kind::number;
    if (value.is_text())
        key.text = value.as_text();
    else if (value.kind() == detect::ValueKind::real)
        key.number = value.as_real();
    else
        key.number = static_cast<long double>(value.as_integer());
    return key;
}

class NdjsonInput final : public QueryInput {
  public:
    explicit NdjsonInput(const QuerySetup& setup)
        : setup_(setup),
          options_{setup.settings.timestamp_field, setup.settings.tiebreaker_field},
          reader_(names_, false, options_),
          engine_(setup.rules, kQueryLimits) {
        if (!options_.tiebreaker_field.empty())
            tiebreaker_ = names_.find(options_.tiebreaker_field);
    }

    void line(const InputLine& line) override;
    bool finish() override;
    std::string_view text_of(const detect::Event& event) const override {
        return lines_.at(event.origin().serial - 1).text;
    }
    void tell_statistics(std::chrono::nanoseconds took, std::uint64_t matches) const override;

  private:
    struct Line {
        SortKey key;
        std::string text;
    };

    void refuse(const InputLine& line, std::string_view reason);
    void ask();

    QuerySetup setup_;
    detect::JsonEventOptions options_;
    detect::FieldNames names_;
    detect::JsonEventReader reader_;
    std::optional<detect::FieldId> tiebreaker_;
    detect::Engine engine_;
    std::uint64_t refused_ = 0;
    std::uint64_t names_dropped_ = 0;
    std::deque<Line> lines_;  // a deque: no copy of all while it grows
};

void NdjsonInput::line(const InputLine& line) {
    if (line.text.find_first_not_of(" \t\r") == std::string_view::npos)
        return;
    std::string error;
    const detect::EventPtr event = reader_.read(line.text, error);
    if (!event)
        return refuse(line, error);
    if (!reader_.has_time())
        return refuse(line, fmt::format("no time in '{}'", options_.timestamp_field));
    lines_.push_back({sort_key(*event, tiebreaker_), std::string(line.text)});
}

void NdjsonInput::refuse(const InputLine& line, std::string_view reason) {
    if (++refused_ > kShownLines)
        return;
    setup_.status.erase();
    log::warning(fmt::format("{}:{}: {}: the line is skipped",
                             line.path == "-" ? "standard input" : line.path, line.number, reason));
}

bool NdjsonInput::finish() {
    if (refused_ > kShownLines)
        log::warning(fmt::format("{} more lines are skipped", refused_ - kShownLines));
    std::stable_sort(lines_.begin(), lines_.end(),
                     [](const Line& a, const Line& b) { return a.key < b.key; });
    ask();
    setup_.status.erase();
    if (names_dropped_ != 0)
        log::warning(fmt::format(
            "{} values are left out: their names have more than {} dots, or "
            "there are more than {} different fields",
            names_dropped_, detect::JsonEventReader::kMaxDots, detect::JsonEventReader::kMaxNames));
    const bool none = lines_.empty() && refused_ != 0;
    if (none)
        log::error(
            fmt::format("no line holds an event: each line is one JSON object with a time "
                        "in '{}'; --timestamp-field names another field, and 'jq -c' makes "
                        "lines of other JSON",
                        options_.timestamp_field));
    return !none;
}

// Read a second time, one by one: events take several times the memory of their lines, and the
// engine keeps those that it needs.
void NdjsonInput::ask() {
    // What --fields writes need not be a field of the query.
    const bool keep_all = !setup_.settings.fields.empty();
    detect::JsonEventReader reader(setup_.rules->fields(), keep_all, options_);
    constexpr std::size_t kBetween = 20'000;  // some ten times a second
    std::string error;
    for (std::size_t i = 0; i < lines_.size() && !setup_.matches.is_full(); ++i) {
        if (i % kBetween == 0)
            setup_.status.show(fmt::format("{} of {} events asked, {} %", i, lines_.size(),
                                           i * 100 / lines_.size()));
        engine_.on_event(reader.read(lines_[i].text, error), setup_.matches);
    }
    engine_.finish(setup_.matches);
    names_dropped_ = reader.names_dropped();
}

void NdjsonInput::tell_statistics(std::chrono::nanoseconds took, std::uint64_t matches) const {
    log::info(fmt::format(
        "{} in {:.2f} s, {} skipped; matches: {}", counted(lines_.size(), "event"),
        std::chrono::duration<double>(took).count(), counted(refused_, "line"), matches));
    if (const std::uint64_t dropped = engine_.counters().pending_dropped; dropped != 0)
        log::warning(fmt::format("not all is well: {} pending matches had to be dropped", dropped));
}

}  // namespace

std::unique_ptr<QueryInput> make_ndjson_input(const QuerySetup& setup) {
    return std::make_unique<NdjsonInput>(setup);
}

}  // namespace audisp_eql::collector
