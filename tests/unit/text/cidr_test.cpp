// SPDX-License-Identifier: Apache-2.0
#include "detect/text/cidr.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(networks_contain_addresses) {
    struct Row {
        const char* block;
        const char* address;
        bool inside;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.6.48.157/8", "10.1.2.3", true},  // host bits are ignored
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.0/25", "192.0.2.127", true},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "::1", false},  // the families never meet
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"::1", "::2", false},
        {"FE80::/10", "fe80::1", true},
        {"FE80::/10", "fec0::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},  // v4-mapped is IPv4
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3", false},
        {"10.0.0.0/8", "no address", false},
        {"10.0.0.0/8", "", false},
    };
    for (const Row& row : rows) {
        CidrSet set;
        BOOST_TEST_CONTEXT(row.block << " and " << row.address) {
            BOOST_TEST_REQUIRE(set.add(row.block));
            BOOST_TEST(set.contains(std::string_view(row.address)) == row.inside);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_network_is_refused) {
    for (const char* block :
         {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::1/129", "10.0.0/8",
          "010.0.0.1", "fe80::1%eth0", "host", "1.2.3.4.5", "10.0.0.0/ 8", "1:2:3:4:5:6:7:8:9",
          "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
        CidrSet set;
        BOOST_TEST(!set.add(block), block);
        BOOST_TEST(!set.contains(std::string_view("10.0.0.0")));
    }
    BOOST_TEST(!IpAddress::parse(std::string_view("10.0.0.1\0x", 10)));
}

BOOST_AUTO_TEST_CASE(several_networks) {
    CidrSet set;
    for (const char* block : {"127.0.0.0/8", "169.254.0.0/16", "::1"})
        set.add(block);
    BOOST_TEST(set.contains(std::string_view("169.254.1.1")));
    BOOST_TEST(set.contains(std::string_view("::1")));
    BOOST_TEST(!set.contains(std::string_view("192.0.2.1")));
}

BOOST_AUTO_TEST_CASE(addresses_compare_however_they_are_written) {
    BOOST_TEST(same_address("::1", "0:0:0:0:0:0:0:1"));
    BOOST_TEST(same_address("2001:DB8::1", "2001:db8:0:0::1"));
    BOOST_TEST(same_address("::ffff:192.0.2.1", "192.0.2.1"));
    BOOST_TEST(same_address("not an address", "not an address"));
    BOOST_TEST(!same_address("::1", "127.0.0.1"));
    BOOST_TEST(!same_address("", "::"));
    BOOST_TEST(IpAddress::parse("2001:0DB8:0:0:0::1")->to_string() == "2001:db8::1");
    BOOST_TEST(IpAddress::parse("::ffff:c000:201")->to_string() == "192.0.2.1");
    BOOST_TEST(IpAddress::v4({192, 0, 2, 1}).to_string() == "192.0.2.1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
