// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_reloader.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;
using audisp_eql::detect::RuleSet;

namespace {

std::string rule(const std::string& id, const std::string& query) {
    return "[rule]\nrule_id = \"" + id + "\"\nname = \"" + id +
           "\"\nlanguage = \"eql\"\ntype = \"eql\"\nrisk_score = 47\nseverity = \"medium\"\n"
           "query = '''" +
           query + "'''\n";
}

struct Running {
    TemporaryDirectory directory;
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{
        boost::asio::make_work_guard(io)};
    Settings settings;
    std::vector<std::shared_ptr<const RuleSet>> sets;  // that took the place of the first
    std::unique_ptr<RuleReloader> reloader;

    Running() {
        settings.rules = {directory.path("")};
        directory.write("a.toml", rule("a", "any where odd.name == 1"));
        reloader = std::make_unique<RuleReloader>(
            io, settings, [this] { return read_rule_input(settings.rules, {}); },
            load_rule_set(settings.rules, false).set,
            [this](std::shared_ptr<const RuleSet> fresh) {
                sets.push_back(std::move(fresh));
                return 0;
            });
    }
    // Until what was begun has come to its end; then so many sets have come in all.
    void wait_for(std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (reloader->is_building() && std::chrono::steady_clock::now() < end)
            io.run_for(std::chrono::milliseconds(10));
        BOOST_REQUIRE(sets.size() == count);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(rule_reloader_takes_a_sound_set_and_keeps_the_old_one_otherwise) {
    Running run;
    run.directory.write("b.toml", rule("b", "any where another.name == 1"));
    run.reloader->reload();
    run.wait_for(1);
    BOOST_TEST(run.sets[0]->rules().size() == 2u);
    const auto odd = run.sets[0]->fields().find("odd.name");

    // Broken: the next set that comes is that of the reload after it was mended.
    run.directory.write("b.toml", rule("b", "any where lenght(x) == 1"));
    run.reloader->reload();
    run.wait_for(1);
    run.directory.write("b.toml", rule("b", "any where length(x) == 1"));
    run.reloader->reload();
    run.wait_for(2);
    BOOST_TEST(run.sets[1]->rules().size() == 2u);
    BOOST_CHECK(odd && run.sets[1]->fields().find("odd.name") == odd);
}

BOOST_AUTO_TEST_CASE(rule_reloader_without_any_file_keeps_the_old_set) {
    Running run;
    std::filesystem::remove(run.directory.path("a.toml"));
    run.reloader->reload();
    run.wait_for(0);
    run.directory.write("a.toml", rule("a", "any where true"));
    run.reloader->reload();
    run.wait_for(1);
}

BOOST_AUTO_TEST_CASE(rule_reloader_reads_once_more_what_changed_while_it_was_building) {
    Running run;
    run.reloader->reload();
    run.reloader->reload();
    run.reloader->reload();
    run.wait_for(2);
}

BOOST_AUTO_TEST_CASE(rule_reloader_can_end_while_it_is_building) {
    Running run;
    run.reloader->reload();
    run.reloader.reset();
    run.io.stop();
    BOOST_TEST(run.sets.empty());
}

BOOST_AUTO_TEST_SUITE_END()
