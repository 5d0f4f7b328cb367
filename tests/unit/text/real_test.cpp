// SPDX-License-Identifier: Apache-2.0
#include "detect/text/real.hpp"

#include <boost/test/unit_test.hpp>

using namespace audisp_eql::detect;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(both_ways_to_read_a_number_agree) {
    struct Row {
        const char* text;
        std::optional<double> number;
    };
    for (const Row& row :
         {Row{"0.5", 0.5}, Row{"-1.25", -1.25}, Row{".5", 0.5}, Row{"1e3", 1000.0},
          Row{"1E-3", 0.001}, Row{"12345678901234567890", 12345678901234567890.0}, Row{"0.1", 0.1},
          Row{"", {}}, Row{"1,5", {}}, Row{" 1.5", {}}, Row{"1.5 ", {}}, Row{"+1.5", {}},
          Row{"-0x1", {}}, Row{"1e999", {}}, Row{"1.5.2", {}}, Row{"--1", {}}, Row{".", {}}}) {
        BOOST_TEST_CONTEXT(row.text) {
            BOOST_TEST((parse_real(row.text) == row.number));
            BOOST_TEST((parse_real_portably(row.text) == row.number));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
