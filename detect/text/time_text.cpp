// SPDX-License-Identifier: Apache-2.0
#include "detect/text/time_text.hpp"

#include <algorithm>
#include <chrono>

namespace audisp_eql::detect {

namespace {

class TimeCursor {
  public:
    explicit TimeCursor(std::string_view text) : rest_(text) {}

    bool end() const { return rest_.empty(); }
    bool skip(char c) {
        if (rest_.empty() || rest_.front() != c)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    // Exactly `count` digits, at most `most`.
    bool number(std::size_t count, int most, int& out) {
        if (rest_.size() < count)
            return false;
        out = 0;
        for (const char c : rest_.substr(0, count)) {
            if (c < '0' || c > '9')
                return false;
            out = out * 10 + (c - '0');
        }
        rest_.remove_prefix(count);
        return out <= most;
    }
    // One digit or more, as microseconds.
    bool fraction(std::int64_t& micros) {
        std::int64_t unit = 100'000;
        std::size_t digits = 0;
        for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
            micros += (rest_[digits] - '0') * unit;
            unit /= 10;
        }
        rest_.remove_prefix(digits);
        return digits > 0;
    }

  private:
    std::string_view rest_;
};

bool parse_clock(TimeCursor& in, std::int64_t& micros) {
    int hour = 0, minute = 0, second = 0;
    if (!in.number(2, 23, hour) || !in.skip(':') || !in.number(2, 59, minute))
        return false;
    // 60: a leap second, which is the first of the next minute on every Unix clock.
    if (in.skip(':') && !in.number(2, 60, second))
        return false;
    if ((in.skip('.') || in.skip(',')) && !in.fraction(micros))
        return false;
    micros += ((hour * 60LL + minute) * 60 + second) * 1'000'000;
    return true;
}

bool parse_zone(TimeCursor& in, std::int64_t& micros) {
    if (in.skip('Z') || in.skip('z') || in.end())
        return in.end();
    const bool east = in.skip('+');
    if (!east && !in.skip('-'))
        return false;
    int hours = 0, minutes = 0;
    if (!in.number(2, 23, hours))
        return false;
    const bool colon = in.skip(':');
    if ((colon || !in.end()) && !in.number(2, 59, minutes))
        return false;
    const std::int64_t offset = (hours * 60LL + minutes) * 60'000'000;
    micros += east ? -offset : offset;
    return in.end();
}

void append_padded(std::string& out, int number, std::size_t width) {
    char digits[8];
    for (std::size_t i = width; i-- > 0; number /= 10)
        digits[i] = static_cast<char>('0' + number % 10);
    out.append(digits, width);
}

}  // namespace

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
    using namespace std::chrono;
    TimeCursor in(text);
    int year_number = 0, month_number = 0, day_number = 0;
    if (!in.number(4, 9999, year_number) || !in.skip('-') || !in.number(2, 12, month_number) ||
        !in.skip('-') || !in.number(2, 31, day_number))
        return std::nullopt;
    const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                              day(static_cast<unsigned>(day_number))};
    if (!date.ok() || year_number == 0)
        return std::nullopt;
    std::int64_t micros = sys_days(date).time_since_epoch() / microseconds(1);
    if (in.end())
        return micros;
    if ((!in.skip('T') && !in.skip('t') && !in.skip(' ')) || !parse_clock(in, micros) ||
        !parse_zone(in, micros))
        return std::nullopt;
    return micros;
}

void append_iso_time(std::string& out, std::int64_t micros) {
    using namespace std::chrono;
    micros = std::clamp(micros, kFirstMicros, kLastMicros);
    const auto days_since = floor<days>(microseconds(micros));
    const year_month_day date{sys_days(days_since)};
    const auto of_day = microseconds(micros) - days_since;
    const auto seconds_of_day = static_cast<int>(of_day / seconds(1));
    append_padded(out, static_cast<int>(date.year()), 4);
    out += '-';
    append_padded(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
    out += '-';
    append_padded(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
    out += 'T';
    append_padded(out, seconds_of_day / 3600, 2);
    out += ':';
    append_padded(out, seconds_of_day / 60 % 60, 2);
    out += ':';
    append_padded(out, seconds_of_day % 60, 2);
    out += '.';
    append_padded(out, static_cast<int>(of_day % seconds(1) / microseconds(1)), 6);
    out += 'Z';
}

}  // namespace audisp_eql::detect
