// SPDX-License-Identifier: Apache-2.0
#include "detect/event/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <forward_list>
#include <limits>
#include <optional>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "detect/event/json_writer.hpp"
#include "detect/text/cidr.hpp"
#include "detect/text/real.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::detect {

namespace json = boost::json;

namespace {

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end)
        return std::nullopt;
    return number;
}

std::optional<std::int64_t> micros_of_millis(double millis) {
    const double micros = millis * 1000.0;
    if (!(micros >= static_cast<double>(kFirstMicros) &&
          micros <= static_cast<double>(kLastMicros)))
        return std::nullopt;
    return static_cast<std::int64_t>(std::floor(micros));
}

// A timestamp as ISO 8601 text or as milliseconds, in a number or in text.
std::optional<std::int64_t> micros_of(const Value& value) {
    switch (value.kind()) {
        case ValueKind::date:
            return value.as_integer();
        case ValueKind::integer: {
            const std::int64_t millis = value.as_integer();
            if (millis < kFirstMicros / 1000 || millis > kLastMicros / 1000)
                return std::nullopt;
            return millis * 1000;
        }
        case ValueKind::real:
            return micros_of_millis(value.as_real());
        case ValueKind::text:
            if (const auto iso = parse_iso_time(value.as_text()))
                return iso;
            if (const auto millis = whole_number<std::int64_t>(value.as_text()))
                return micros_of(Value::integer(*millis));
            return std::nullopt;
        case ValueKind::boolean:
            return std::nullopt;
    }
    return std::nullopt;
}

std::int64_t nanoseconds_of(std::int64_t micros) {
    // Half of what fits (the years 1824 to 2116): the difference of any two times fits, too.
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2 / 1000;
    return std::clamp(micros, -kMost, kMost) * 1000;
}

// As append_json_value, but dates and texts without quotes: what a keyword field indexes.
std::string keyword_of(const Value& value) {
    std::string text;
    if (value.is_text())
        return std::string(value.as_text());
    if (value.kind() == ValueKind::date)
        append_iso_time(text, value.as_integer());
    else
        append_json_value(text, value);
    return text;
}

}  // namespace

// Collects the leaves of one document. Recursion is bounded by the parser's depth.
class JsonEventReader::Walk {
  public:
    explicit Walk(JsonEventReader& reader) : reader_(reader) {}

    void object(const json::object& members) {
        const std::size_t prefix = name_.size();
        for (const auto& [key, member] : members) {
            name_.append(prefix == 0 ? "" : ".").append(key.data(), key.size());
            value(member);
            name_.resize(prefix);
        }
    }

  private:
    void value(const json::value& member) {
        switch (member.kind()) {
            case json::kind::object:
                object(member.get_object());
                return;
            case json::kind::array:
                for (const json::value& element : member.get_array())
                    value(element);
                return;
            case json::kind::string: {
                const json::string& text = member.get_string();
                return leaf(Value::text({text.data(), text.size()}));
            }
            case json::kind::int64:
                return leaf(Value::integer(member.get_int64()));
            case json::kind::uint64:
                return leaf(Value::real(static_cast<double>(member.get_uint64())));
            case json::kind::double_:
                return leaf(Value::real(member.get_double()));
            case json::kind::bool_:
                return leaf(Value::boolean(member.get_bool()));
            case json::kind::null:
                return;
        }
    }

    void leaf(const Value& value) {
        auto field = reader_.fields_.find(name_);
        if (!field && reader_.keep_all_) {
            const auto dots = std::count(name_.begin(), name_.end(), '.');
            if (reader_.fields_.size() < kMaxNames && static_cast<std::size_t>(dots) <= kMaxDots)
                field = reader_.fields_.intern(name_);
            else
                ++reader_.names_dropped_;
        }
        if (field)
            reader_.found_.push_back({*field, value});
    }

    JsonEventReader& reader_;
    std::string name_;
};

JsonEventReader::JsonEventReader(FieldNames& fields, bool keep_all, JsonEventOptions options)
    : fields_(fields),
      keep_all_(keep_all),
      options_(std::move(options)),
      time_field_(fields.intern(options_.timestamp_field)) {
    if (!options_.tiebreaker_field.empty())
        fields_.intern(options_.tiebreaker_field);
}

// One field's values, converted to the row's type.
void JsonEventReader::store(FieldId field, std::size_t first, std::size_t last) {
    const FieldType type = fields_.row(field).type;
    std::forward_list<std::string> converted;  // texts that are not in the document
    const auto text = [&](std::string made) {
        return Value::text(converted.emplace_front(std::move(made)));
    };
    values_.clear();
    for (std::size_t i = first; i < last; ++i) {
        Value value = found_[i].value;
        const bool is_text = value.is_text();
        if (type == FieldType::keyword && is_known(field) && !is_text) {
            value = text(keyword_of(value));
        } else if (type == FieldType::number && is_text) {
            if (const auto integer = whole_number<std::int64_t>(value.as_text()))
                value = Value::integer(*integer);
            else if (const auto real = parse_real(value.as_text()))
                value = Value::real(*real);
        } else if (type == FieldType::boolean && is_text) {
            if (value.as_text() == "true" || value.as_text() == "false")
                value = Value::boolean(value.as_text() == "true");
        } else if (type == FieldType::date) {
            if (const auto micros = micros_of(value))
                value = Value::date(*micros);
        } else if (type == FieldType::ip && is_text) {
            if (const auto address = IpAddress::parse(value.as_text()))
                value = text(address->to_string());
        }
        values_.push_back(value);
    }
    const auto is_text = [](const Value& value) { return value.is_text(); };
    const FieldPlace place = place_of(field);
    BlockBuilder& builder = builders_[static_cast<std::size_t>(place.layer)];
    if (std::none_of(values_.begin(), values_.end(), is_text))
        return builder.set_literals(place.stored, values_);
    // A list of several kinds is indexed as texts.
    texts_.clear();
    for (const Value& value : values_)
        texts_.push_back((value.is_text() ? value : text(keyword_of(value))).as_text());
    builder.set_texts(place.stored, texts_);
}

EventPtr JsonEventReader::read(std::string_view line, std::string& error) {
    ++lines_;
    has_time_ = false;
    found_.clear();
    if (line.size() > kMaxLineBytes) {
        error = "longer than " + std::to_string(kMaxLineBytes) + " bytes";
        return nullptr;
    }
    unsigned char memory[16 * 1024];  // most events' documents need no more
    json::monotonic_resource resource(memory, sizeof memory);
    json::parse_options options;
    options.max_depth = kMaxDepth;
    options.allow_invalid_utf8 = true;  // names and arguments are bytes; the event keeps them
    json::parser parser({}, options);
    parser.reset(&resource);
    boost::system::error_code ec;
    const std::size_t consumed = parser.write_some(line.data(), line.size(), ec);
    const std::size_t rest = line.find_first_not_of(" \t\r\n", consumed);
    if (ec || rest != std::string_view::npos) {
        error = "not valid JSON at byte " + std::to_string(consumed + 1);
        if (ec)
            error += ": " + ec.message();
        return nullptr;
    }
    const json::value document = parser.release();
    if (!document.is_object()) {
        error = "not a JSON object";
        return nullptr;
    }
    Walk(*this).object(document.get_object());
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Found& a, const Found& b) { return a.field < b.field; });

    EventTime time;
    for (std::size_t first = 0, last = 0; first < found_.size(); first = last) {
        const FieldId field = found_[first].field;
        while (last < found_.size() && found_[last].field == field)
            ++last;
        if (field == time_field_) {
            if (const auto micros = micros_of(found_[first].value)) {
                time = {nanoseconds_of(*micros), *micros};
                has_time_ = true;
            }
        }
        store(field, first, last);
    }
    Event::Layers layers;
    for (std::size_t i = 0; i < kLayerCount; ++i) {
        if (!builders_[i].empty())
            layers[i] = builders_[i].finish();
    }
    const Origin origin{Origin::Kind::line, 0, lines_, 0};
    return EventPtr(new Event(time, origin, std::move(layers)));
}

}  // namespace audisp_eql::detect
