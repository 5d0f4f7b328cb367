// SPDX-License-Identifier: Apache-2.0
#include "collector/command/plugin_file.hpp"

#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(what_a_plugin_file_says) {
    const std::pair<const char*, std::optional<bool>> cases[] = {
        {"active = yes\n", true},
        {"active = no\n", false},
        {"# active = yes\nactive = no\n", false},
        {"  Active =  YES  \n", true},
        {"path = /sbin/x\nactive = yes", true},
        {"active=yes\n", std::nullopt},  // one word for auditd
        {"inactive = yes\n", std::nullopt},
        {"active\n= yes\n", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& [text, active] : cases)
        BOOST_TEST((plugin_is_active(text) == active), text);
}

BOOST_AUTO_TEST_CASE(nothing_but_the_one_word_changes) {
    BOOST_TEST(with_plugin_active("# ours\nactive = no  \nargs = run\n", true) ==
               "# ours\nactive = yes  \nargs = run\n");
    BOOST_TEST(with_plugin_active("args = run", true) == "args = run\nactive = yes\n");
    const std::string file = "\tactive  =\tno\r\n# end";
    BOOST_TEST(with_plugin_active(with_plugin_active(file, true), false) == file);
}

BOOST_AUTO_TEST_CASE(a_file_of_our_own) {
    const std::string file = new_plugin_file("/opt/audisp-eql", "");
    BOOST_TEST((plugin_is_active(file) == true));
    BOOST_TEST(file.find("\npath = /opt/audisp-eql\n") != std::string::npos);
    BOOST_TEST(file.find("\nformat = string\n") != std::string::npos);
    BOOST_TEST(file.find("\nargs = run\n") != std::string::npos);
    BOOST_TEST(new_plugin_file("/opt/audisp-eql", "/etc/x.conf")
                   .find("\nargs = run --config=/etc/x.conf\n") != std::string::npos);
    BOOST_TEST(is_own_plugin_file(file));
    BOOST_TEST(is_own_plugin_file(with_plugin_active(file, false)));
    BOOST_TEST(!is_own_plugin_file(built_in_plugin_file()));
    BOOST_TEST((plugin_is_active(built_in_plugin_file()) == false));
}

BOOST_AUTO_TEST_SUITE_END()
