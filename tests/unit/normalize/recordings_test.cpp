// SPDX-License-Identifier: Apache-2.0
// The shapes of the recorded scenarios (tests/data/captures): what came out, who is shown as whom.
#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include <boost/test/unit_test.hpp>

#include "collector/feed/log_file.hpp"
#include "detect/event/json_writer.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

namespace fs = std::filesystem;

void replay(Story& story, const fs::path& file) {
    read_lines(file.string(), [&](std::string_view line) { story.line(line); });
    story.finish();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(recordings_show_their_story) {
    struct Row {
        const char* capture;
        std::vector<std::string> told;  // among others, in this order
    };
    const Row rows[] = {
        {"c_devshm_web",
         {"connection_accepted 20653 php8.2<", "exec 20820 dash,sh<php8.2",
          "fork 20821 dash,sh<dash,sh", "exec 20821 x<dash,sh", "connection_attempted 20821 x<",
          "exec 20821 dash,sh<dash,sh", "end 20821 dash,sh<dash,sh"}},
        {"c_tmp_relative_web",
         {"exec 20135 u<dash,sh", "connection_attempted 20135 u<dash,sh",
          "exec 20135 dash,sh<dash,sh"}},
        {"c_tmp_service", {"exec 22948 svc<systemd", "connection_attempted 22948 svc<systemd"}},
        {"cron_tmp_script_curl",
         {"exec 29653 dash,check.sh,sh<dash,sh", "exec 29655 curl<dash,check.sh,sh",
          "connection_attempted 29655 curl<dash,check.sh,sh"}},
        {"java_runtime_ssh",
         {"exec 19637 java<bash", "fork 19656 java<java", "exec 19656 jspawnhelper<java",
          "exec 19656 bash<java", "connection_attempted 19656 bash<java"}},
        {"nc_bind_e_ssh",
         {"exec 14472 nc.traditional,nc<bash", "connection_accepted 14472 nc.traditional,nc<bash",
          "exec 14472 dash,sh<bash", "fork 14473 dash,sh<dash,sh"}},
        {"nc_renamed_tmp_ssh",
         {"exec 14416 .x<bash", "connection_attempted 14416 .x<bash", "exec 14416 dash,sh<bash"}},
        {"perl_fork_mio_cron",
         {"fork 16571 perl<perl", "connection_attempted 16571 perl<perl", "exec 16572 id<perl"}},
        {"perl_prefork_server",
         {"fork 31810 perl<perl", "fork 31811 perl<perl", "fork 31812 perl<perl",
          "connection_attempted 31811 perl<perl"}},
        {"x86_socketcall_ssh",
         {"exec 23310 reverse.elf<bash", "connection_attempted 23310 reverse.elf<bash",
          "exec 23310 dash,sh<bash"}},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.capture) {
            for (const char* const ending : {".capture.gz", ".fds.capture.gz"}) {
                const fs::path file =
                    fs::path(TEST_DATA) / "captures" / (row.capture + std::string(ending));
                if (!fs::exists(file))
                    continue;  // one of the two is kept
                Story story;
                replay(story, file);
                const std::string told = story.told();
                std::size_t at = 0;
                for (const std::string& stage : row.told) {
                    at = told.find(stage, at);
                    BOOST_TEST_REQUIRE(at != std::string::npos, stage << " in " << told);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(recordings_leave_nothing_unexplained) {
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA) / "captures")) {
        if (entry.path().extension() != ".gz")
            continue;
        ++files;
        BOOST_TEST_CONTEXT(entry.path().filename().string()) {
            Story story;
            replay(story, entry.path());
            const NormalizerCounters& counters = story.normalizer.counters();
            const ProcessTableCounters& processes = story.normalizer.processes().counters();
            BOOST_TEST(counters.undecoded == 0U);
            BOOST_TEST(counters.images_by_deadline == 0U);
            BOOST_TEST(counters.ends_cancelled == 0U);
            BOOST_TEST(processes.images_awaited == 0U);
            BOOST_TEST(processes.images_missed == 0U);
            BOOST_TEST(processes.reused_pids == 0U);
            BOOST_TEST(story.epochs == 0);
            // What the connector and audit tell of one process is one process: a child's parent
            // is the one that forked it.
            for (const detect::EventPtr& event : story.events) {
                const auto ancestry = event->values(detect::FieldId::process_ext_ancestry);
                if (!ancestry.empty())
                    BOOST_TEST(ancestry[0].as_text() ==
                               event->text(detect::FieldId::process_parent_entity_id));
            }
        }
    }
    BOOST_TEST(files >= 12U);
}

// Bytes that no kernel sends, in records of every call on files: what is made of them keeps to the
// form of its fields, and nothing else happens (under the address sanitizer).
BOOST_AUTO_TEST_CASE(broken_records_of_files_give_whole_paths_or_none) {
    std::vector<std::string> lines;
    read_lines((fs::path(TEST_DATA) / "captures" / "file_calls.capture.gz").string(),
               [&](std::string_view line) { lines.emplace_back(line); });
    std::mt19937 random(20'261'122);
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    constexpr std::string_view kBytes = "0123456789abcdef= \"/.-\x01()";
    std::size_t files = 0;
    for (int round = 0; round < 40; ++round) {
        Story story;
        for (std::string line : lines) {
            // Behind the event's key; the lines' own form is tested elsewhere.
            const std::size_t body = line.find("): ");
            if (below(3) == 0 && body != std::string::npos && body + 4 < line.size())
                for (std::size_t n = 1 + below(4); n > 0; --n)
                    line[body + 3 + below(line.size() - body - 3)] = kBytes[below(kBytes.size())];
            story.line(line);
        }
        story.finish();
        for (const detect::EventPtr& event : story.events) {
            using detect::FieldId;
            for (const FieldId path :
                 {FieldId::file_path, FieldId::file_directory, FieldId::file_ext_original_path}) {
                const std::string_view text = event->text(path);
                BOOST_TEST_REQUIRE((text.empty() || text.front() == '/'), text);
                files += text.empty() ? 0 : 1;
            }
            BOOST_TEST_REQUIRE(event->text(FieldId::file_name).find('/') == std::string_view::npos);
        }
    }
    BOOST_TEST(files > 1000U);
}

// Whatever is left out, the events that are made say what they would have said.
BOOST_AUTO_TEST_CASE(events_that_nobody_wants_change_no_other) {
    using detect::FieldId;
    // About half, by what is known before an event is made.
    const auto wanted = [](const detect::Event& event) {
        const std::string names = joined(event.values(FieldId::process_name)) + '<' +
                                  joined(event.values(FieldId::process_parent_name));
        return std::accumulate(names.begin(), names.end(), 0) % 2 == 0;
    };
    const auto asked = [](const detect::Event& event) {
        const auto action = event.text(FieldId::event_action);
        return action == "fork" || action == "exec" || action == "end" ||
               action == "connection_attempted" || action == "connection_accepted";
    };
    const auto json = [](const detect::Event& event) {
        std::string text;
        detect::append_event_json(text, event);
        return text;
    };
    std::size_t left_out = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA) / "captures")) {
        if (entry.path().extension() != ".gz")
            continue;
        BOOST_TEST_CONTEXT(entry.path().filename().string()) {
            Story all, some;
            some.wanted = wanted;
            replay(all, entry.path());
            replay(some, entry.path());
            std::vector<std::string> expected, made;
            for (const auto& event : all.events)
                if (!asked(*event) || wanted(*event))
                    expected.push_back(json(*event));
            for (const auto& event : some.events)
                made.push_back(json(*event));
            BOOST_TEST(made == expected, boost::test_tools::per_element());
            left_out += all.events.size() - some.events.size();
        }
    }
    BOOST_TEST(left_out > 100U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
