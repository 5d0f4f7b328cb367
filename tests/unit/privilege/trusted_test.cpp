// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/trusted.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include "collector/privilege/confine.hpp"

namespace audisp_eql::collector {
namespace {

namespace fs = std::filesystem;

struct Directory {
    std::string path;
    Directory() {
        std::string pattern = fs::temp_directory_path() / "audisp-eql-trusted.XXXXXX";
        path = ::mkdtemp(pattern.data());
        fs::create_directory(path + "/rules");
        std::ofstream(path + "/rules/a.toml") << "# nothing\n";
        ::chmod((path + "/rules/a.toml").c_str(), 0644);
        ::chmod((path + "/rules").c_str(), 0755);
    }
    ~Directory() { fs::remove_all(path); }
    std::string trouble(const char* file = "/rules/a.toml") const {
        return Trust(::geteuid()).trouble_with(path + file).value_or("");
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(privilege)

BOOST_AUTO_TEST_CASE(what_everybody_may_write_is_not_trusted) {
    const Directory directory;
    const std::string file = directory.path + "/rules/a.toml";
    // Below /tmp, where all may write and nobody may remove others' files.
    BOOST_TEST(directory.trouble() == "");
    BOOST_TEST(directory.trouble("/rules/none.toml") == "");
    ::chmod(file.c_str(), 0646);
    BOOST_TEST(directory.trouble() == file +
                                          " can be written by everybody (mode 0646); mend it "
                                          "with: chmod o-w " +
                                          file);
    ::chmod(file.c_str(), 0664);
    BOOST_TEST(directory.trouble() == "");
    ::chmod((directory.path + "/rules").c_str(), 0777);
    BOOST_TEST(directory.trouble().find("a directory above it, can be written by everybody") !=
               std::string::npos);
    ::chmod((directory.path + "/rules").c_str(), 01777);
    BOOST_TEST(directory.trouble() == "");
    BOOST_TEST(directory.trouble("/rules").find("chmod o-w") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_link_leads_to_what_counts) {
    const Directory directory;
    fs::create_symlink(directory.path + "/rules/a.toml", directory.path + "/link.toml");
    BOOST_TEST(directory.trouble("/link.toml") == "");
    ::chmod((directory.path + "/rules/a.toml").c_str(), 0666);
    BOOST_TEST(directory.trouble("/link.toml").find("chmod o-w") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_belongs_to_others_is_not_trusted) {
    const Directory directory;
    if (::geteuid() != 0) {
        BOOST_TEST_MESSAGE("skipped: only root gives files away");
        return;
    }
    BOOST_TEST(::chown((directory.path + "/rules").c_str(), 65534, 65534) == 0);
    BOOST_TEST(directory.trouble().find("belongs to uid 65534") != std::string::npos);
    BOOST_TEST(!Trust(65534).trouble_with(directory.path + "/rules/a.toml").has_value());
    const RuleInput input = read_trusted_rules({directory.path + "/rules"}, {directory.path});
    BOOST_TEST(input.rules.sources.empty());
    BOOST_TEST(input.rules.troubles.size() == 1);
}

BOOST_AUTO_TEST_CASE(users_are_found_in_the_file) {
    const Directory directory;
    const std::string passwd = directory.path + "/passwd";
    std::ofstream(passwd) << "root:x:0:0::/:/bin/sh\n_agent:x:990:991::/:/bin/false\n";
    const auto user = find_user("_agent", passwd.c_str());
    BOOST_REQUIRE(user.has_value());
    BOOST_TEST(user->uid == 990U);
    BOOST_TEST(user->gid == 991U);
    BOOST_TEST(!find_user("nobody", passwd.c_str()).has_value());
    BOOST_TEST(!find_user("root", (directory.path + "/none").c_str()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
