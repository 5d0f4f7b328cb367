// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_files.hpp"

#include <filesystem>
#include <string>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

// File names below the directory, with their texts.
std::string told(const RuleFiles& files, const TemporaryDirectory& directory) {
    std::string text;
    for (const auto& source : files.sources)
        text += source.name.substr(directory.path("").size()) + "=" + source.text + " ";
    for (const auto& trouble : files.troubles)
        text += trouble.path.substr(directory.path("").size()) + ": " + trouble.message + "; ";
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(rule_files_of_directories_and_as_given) {
    TemporaryDirectory directory;
    directory.write("rules/b.toml", "1");
    directory.write("rules/a/z.toml", "2");
    directory.write("rules/a/y.toml", "3");
    directory.write("rules/readme.md", "no");
    directory.write("rules/.hidden.toml", "no");
    directory.write("rules/.git/x.toml", "no");
    directory.write("single.txt", "4");
    BOOST_TEST(told(read_rule_files({directory.path("single.txt"), directory.path("rules")}),
                    directory) == "single.txt=4 rules/a/y.toml=3 rules/a/z.toml=2 rules/b.toml=1 ");
}

BOOST_AUTO_TEST_CASE(rule_files_links_in_a_ring_end) {
    TemporaryDirectory directory;
    directory.write("rules/x.toml", "1");
    directory.write("rules/sub/y.toml", "2");
    std::filesystem::create_directory_symlink(directory.path("rules"),
                                              directory.path("rules/sub/up"));
    BOOST_TEST(told(read_rule_files({directory.path("rules")}), directory) ==
               "rules/sub/y.toml=2 rules/x.toml=1 ");
}

BOOST_AUTO_TEST_CASE(rule_files_troubles_are_told_and_the_rest_is_read) {
    TemporaryDirectory directory;
    directory.write("rules/x.toml", "1");
    std::filesystem::create_symlink(directory.path("gone"), directory.path("rules/dangling.toml"));
    BOOST_REQUIRE(mkfifo(directory.path("rules/fifo.toml").c_str(), 0600) == 0);
    directory.write("rules/large.toml",
                    std::string(audisp_eql::detect::kMaxRuleFileBytes + 1, ' '));
    BOOST_TEST(
        told(read_rule_files({directory.path("none"), directory.path("rules")}), directory) ==
        "rules/x.toml=1 none: No such file or directory; rules/dangling.toml: No such file "
        "or directory; rules/fifo.toml: not a regular file; rules/large.toml: larger than " +
            std::to_string(audisp_eql::detect::kMaxRuleFileBytes) + " bytes; ");
}

BOOST_AUTO_TEST_SUITE_END()
