// SPDX-License-Identifier: Apache-2.0
// Every recording of tests/data/captures: its alerts agree with the hand-made table, its events and
// alerts are what they were when somebody last looked at them, and nothing in it went unread.
//
// With AUDISP_EQL_WRITE_GOLDEN set the kept files are written anew, but never against the table.
#define BOOST_TEST_MODULE golden

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/golden/expected_table.hpp"
#include "tests/golden/replayed.hpp"

namespace {

using namespace audisp_eql::golden;

const std::string kEnd = ".capture.gz";

std::vector<std::string> recordings() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/captures")) {
        const std::string file = entry.path().filename();
        if (file.size() > kEnd.size() && file.ends_with(kEnd))
            names.push_back(file.substr(0, file.size() - kEnd.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

// "c_tmp_relative_web.fds" is a recording of the scenario c_tmp_relative_web.
std::string scenario_of(const std::string& recording) {
    return recording.substr(0, recording.find('.'));
}

const Replayed& replayed(const std::string& recording) {
    static std::map<std::string, Replayed> all;
    const auto found = all.find(recording);
    if (found != all.end())
        return found->second;
    return all.emplace(recording, replay(TEST_DATA "/captures/" + recording + kEnd)).first->second;
}

std::string listed(const std::vector<std::string>& alerts) {
    std::string text;
    for (const std::string& alert : alerts)
        text += (text.empty() ? "" : ", ") + alert;
    return text.empty() ? "-" : text;
}

// What differs from the table, one line a difference; empty if nothing does.
std::string difference_from_table(const std::string& recording) {
    static const auto table = read_expected(GOLDEN_DIR "/expected.md");
    const auto row = table.find(scenario_of(recording));
    if (row == table.end())
        return "no row for " + scenario_of(recording) + "\n";
    std::string difference;
    std::map<std::string, std::vector<std::string>> alerts;
    std::map<std::string, std::vector<std::vector<std::uint64_t>>> serials;
    for (const std::string& line : replayed(recording).alerts) {
        const Said said = said_by(line);
        alerts[said.rule].push_back(said.alert);
        serials[said.rule].push_back(said.serials);
    }
    for (const auto& [rule, expected] : row->second.alerts) {
        if (alerts[rule] != expected)
            difference += "rule " + rule + " says " + listed(alerts[rule]) + ", the table " +
                          listed(expected) + "\n";
    }
    for (const auto& [rule, expected] : row->second.serials) {
        if (serials[rule] != expected)
            difference +=
                "rule " + rule + ": an alert's events have other serials than the table\n";
    }
    return difference;
}

std::vector<std::string> kept_lines(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    BOOST_REQUIRE_MESSAGE(file, path << " cannot be read");
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

void check_kept(const std::string& path, const std::vector<std::string>& lines) {
    const std::vector<std::string> kept = kept_lines(path);
    const std::size_t both = std::min(kept.size(), lines.size());
    for (std::size_t i = 0; i < both; ++i) {
        if (kept[i] == lines[i])
            continue;
        BOOST_ERROR(path << ":" << i + 1 << " is\n  " << kept[i] << "\nand now it would be\n  "
                         << lines[i]);
        return;
    }
    BOOST_CHECK_MESSAGE(kept.size() == lines.size(), path << " has " << kept.size()
                                                          << " lines, now there would be "
                                                          << lines.size());
}

void write_kept(const std::string& path, const std::vector<std::string>& lines) {
    std::ofstream file(path);
    for (const std::string& line : lines)
        file << line << '\n';
    BOOST_REQUIRE_MESSAGE(file.flush(), path << " cannot be written");
}

const bool kWrite = std::getenv("AUDISP_EQL_WRITE_GOLDEN") != nullptr;

BOOST_AUTO_TEST_CASE(there_are_recordings) {
    BOOST_TEST(recordings().size() >= 12u);
}

BOOST_DATA_TEST_CASE(alerts_agree_with_the_table, boost::unit_test::data::make(recordings()),
                     recording) {
    const std::string difference = difference_from_table(recording);
    BOOST_CHECK_MESSAGE(difference.empty(), recording << ": " << difference);
}

BOOST_DATA_TEST_CASE(nothing_goes_unread, boost::unit_test::data::make(recordings()), recording) {
    const Replayed& one = replayed(recording);
    BOOST_TEST(one.lines.lines > 100u);
    BOOST_TEST(one.lines.unknown_lines == 0u);
    BOOST_TEST(one.lines.long_lines == 0u);
    BOOST_TEST(one.counters.unknown_types == 0u);
    BOOST_TEST(one.counters.assembler.unparsed == 0u);
    BOOST_TEST(one.counters.assembler.incomplete == 0u);
    BOOST_TEST(one.counters.assembler.without_syscall == 0u);
    BOOST_TEST(one.counters.assembler.orphans == 0u);
    BOOST_TEST(one.counters.assembler.capped_records == 0u);
    BOOST_TEST(one.counters.normalizer.undecoded == 0u);
    BOOST_TEST(one.counters.epochs == 0u);
}

BOOST_DATA_TEST_CASE(events_and_alerts_are_as_kept, boost::unit_test::data::make(recordings()),
                     recording) {
    const Replayed& one = replayed(recording);
    const std::string path = GOLDEN_DIR "/" + recording;
    if (kWrite) {
        const std::string difference = difference_from_table(recording);
        BOOST_REQUIRE_MESSAGE(
            difference.empty(),
            recording << " is not written, it differs from expected.md: " << difference);
        write_kept(path + ".events.ndjson", one.events);
        write_kept(path + ".alerts.ndjson", one.alerts);
        return;
    }
    check_kept(path + ".events.ndjson", one.events);
    check_kept(path + ".alerts.ndjson", one.alerts);
}

BOOST_DATA_TEST_CASE(a_second_replay_gives_the_same_bytes,
                     boost::unit_test::data::make(recordings()), recording) {
    const Replayed again = replay(TEST_DATA "/captures/" + recording + kEnd);
    BOOST_TEST((again.events == replayed(recording).events));
    BOOST_TEST((again.alerts == replayed(recording).alerts));
}

}  // namespace
