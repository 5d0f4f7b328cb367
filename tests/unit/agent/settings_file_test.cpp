// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/settings_file.hpp"

#include <filesystem>

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

std::string left_in(const std::string& directory) {
    const auto left = SettingsFile::left_in(directory);
    return left ? left->to_text() : "nothing";
}

AuditSettings changed(const char* text) {
    return *AuditSettings::from_text(text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(changed_settings_are_on_disk_while_a_run_lasts) {
    TemporaryDirectory state;
    {
        const SettingsFile file(state.path("."), changed("backlog_limit=64>32768 enabled=0>1"));
        BOOST_TEST(file.trouble() == "");
        BOOST_TEST(left_in(state.path(".")) == "backlog_limit=64>32768 enabled=0>1");
    }
    BOOST_TEST(left_in(state.path(".")) == "nothing");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_of_nothing) {
    TemporaryDirectory state;
    const SettingsFile nothing(state.path("."), {});
    BOOST_TEST(std::filesystem::is_empty(state.path(".")));
    const SettingsFile off("off", changed("enabled=0>1"));
    const SettingsFile missing(state.path(".") + "/none", changed("enabled=0>1"));
    BOOST_TEST(missing.trouble() == "");
}

BOOST_AUTO_TEST_CASE(what_a_crash_left_outlives_the_next_run) {
    TemporaryDirectory state;
    state.write("audit-settings", "backlog_limit=64>32768 backlog_wait_time=60000>0");
    {
        // The wait time was set anew in between; the limit is as the first run left it.
        const SettingsFile file(state.path("."), changed("backlog_wait_time=15000>0"));
        BOOST_TEST(left_in(state.path(".")) == "backlog_limit=64>32768 backlog_wait_time=15000>0");
    }
    BOOST_TEST(left_in(state.path(".")) == "backlog_limit=64>32768 backlog_wait_time=15000>0");
    SettingsFile::remove_from(state.path("."));
    BOOST_TEST(left_in(state.path(".")) == "nothing");
}

BOOST_AUTO_TEST_CASE(what_a_link_leads_to_is_not_believed) {
    TemporaryDirectory state;
    state.write("elsewhere", "enabled=0>1");
    std::filesystem::create_symlink("elsewhere", state.path("audit-settings"));
    BOOST_TEST(left_in(state.path(".")) == "nothing");
    std::filesystem::remove(state.path("audit-settings"));
    std::filesystem::rename(state.path("elsewhere"), state.path("audit-settings"));
    BOOST_TEST(left_in(state.path(".")) == "enabled=0>1");
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_told) {
    TemporaryDirectory state;
    std::filesystem::create_directory(state.path(".") + "/audit-settings");
    const SettingsFile file(state.path("."), changed("enabled=0>1"));
    BOOST_TEST(file.trouble().find("cannot be written") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
