// SPDX-License-Identifier: Apache-2.0
#include "detect/text/time_text.hpp"

#include <limits>
#include <random>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;

std::string iso(std::int64_t micros) {
    std::string text;
    append_iso_time(text, micros);
    return text;
}

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(times_are_read) {
    struct Row {
        const char* text;
        std::int64_t micros;
    };
    const Row rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1970-01-01 00:00:01", 1'000'000},
        {"1970-01-01T01:00:00.5+01:00", 500'000},
        {"1970-01-01T00:00+0030", -1'800'000'000},
        {"1969-12-31T23:59:59.9-00:00", -100'000},
        {"2023-11-14T22:13:20.123Z", 1'700'000'000'123'000},
        {"2024-02-29T00:00:00Z", 1'709'164'800'000'000},
        {"2016-12-31T23:59:60Z", 1'483'228'800'000'000},
        {"0001-01-01T00:00:00Z", kFirstMicros},
        {"9999-12-31T23:59:59.999999Z", kLastMicros},
    };
    for (const Row& row : rows) {
        const auto micros = parse_iso_time(row.text);
        BOOST_TEST_REQUIRE(micros.has_value(), row.text);
        BOOST_TEST(*micros == row.micros, row.text);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused) {
    for (const char* text :
         {"", "now", "2023", "2023-13-01", "2023-02-29", "2023-1-1", "0000-01-01", "2023-01-01T",
          "2023-01-01T24:00:00Z", "2023-01-01T00:60:00Z", "2023-01-01T00:00:00.Z",
          "2023-01-01T00:00:00Zx", "2023-01-01T00:00:00+", "2023-01-01T00:00:00+01:",
          "2023-01-01X00:00:00Z", "-2023-01-01", "2023-01-01T00:00:00+1"})
        BOOST_TEST(!parse_iso_time(text), text);
}

BOOST_AUTO_TEST_CASE(times_are_written) {
    BOOST_TEST(iso(0) == "1970-01-01T00:00:00.000000Z");
    BOOST_TEST(iso(-1) == "1969-12-31T23:59:59.999999Z");
    BOOST_TEST(iso(1'700'000'000'123'456) == "2023-11-14T22:13:20.123456Z");
    BOOST_TEST(iso(std::numeric_limits<std::int64_t>::max()) == "9999-12-31T23:59:59.999999Z");
    BOOST_TEST(iso(std::numeric_limits<std::int64_t>::min()) == "0001-01-01T00:00:00.000000Z");
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> any(kFirstMicros, kLastMicros);
    for (int i = 0; i < 10'000; ++i) {
        const std::int64_t micros = any(random);
        if (parse_iso_time(iso(micros)) != micros)
            BOOST_ERROR(iso(micros));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
