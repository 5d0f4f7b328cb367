// SPDX-License-Identifier: Apache-2.0
#include "detect/text/nearest.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace audisp_eql::detect {
namespace {

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names) {
    NearestName search(word);
    for (const std::string_view name : names) {
        search.offer(name);
    }
    return search.best();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(distances) {
    struct Row {
        std::string_view left, right;
        std::size_t distance;
    };
    const Row rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"length", "length", 0},
        {"Length", "lENGTH", 0},
        {"lenght", "length", 1},  // swapped neighbours
        {"lengh", "length", 1},
        {"lengthh", "length", 1},
        {"lemgth", "length", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},  // no move of what was swapped
        {"abcdef", "uvwxyz", 6},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.left << " " << row.right) {
            BOOST_TEST(edit_distance(row.left, row.right, 10) == row.distance);
            BOOST_TEST(edit_distance(row.right, row.left, 10) == row.distance);
        }
    }
    BOOST_TEST(edit_distance("abcdef", "uvwxyz", 2) == 3U);
    BOOST_TEST(edit_distance("a", "abcdef", 2) == 3U);
    BOOST_TEST(edit_distance(std::string(200, 'a'), std::string(200, 'a'), 5) == 6U);
}

BOOST_AUTO_TEST_CASE(nearest_names) {
    const std::vector<std::string_view> fields = {"process.name", "process.args", "process.pid",
                                                  "process.parent.name", "destination.ip"};
    BOOST_TEST(nearest("proces.name", fields) == "process.name");
    BOOST_TEST(nearest("process.nmae", fields) == "process.name");
    BOOST_TEST(nearest("process.arg", fields) == "process.args");
    BOOST_TEST(nearest("Process.Name", fields) == "process.name");
    BOOST_TEST(nearest("process.name", fields) == "process.name");
    BOOST_TEST(nearest("process.parentname", fields) == "process.parent.name");
    BOOST_TEST(nearest("registry.path", fields) == "");
    BOOST_TEST(nearest("ip", fields) == "");
    BOOST_TEST(nearest("", fields) == "");
    BOOST_TEST(nearest(std::string(1000, 'p'), fields) == "");
    // The first of equals; a nearer one later displaces a farther one, even an exact one.
    BOOST_TEST(nearest("abcx", {"abcd", "abce"}) == "abcd");
    BOOST_TEST(nearest("abcd", {"abcx", "abcd"}) == "abcd");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
