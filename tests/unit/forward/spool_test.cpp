// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/spool.hpp"

#include <algorithm>
#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>

#include "collector/forward/json_file.hpp"
#include "tests/unit/forward/fixture.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;
using namespace audisp_eql::collector::forward_test;

struct Fixture {
    TemporaryDirectory directory;
    std::vector<std::string> warnings;
    std::int64_t now = 1'000'000'000;

    SpoolOptions options() const {
        SpoolOptions made;
        made.directory = directory.file(".");
        return made;
    }
    std::unique_ptr<Spool> open(const SpoolOptions& made) {
        return std::make_unique<Spool>(
            made, [this](const std::string& line) { warnings.push_back(line); },
            [this] { return now; });
    }
    std::unique_ptr<Spool> open() { return open(options()); }
    std::vector<std::string> segments() const {
        std::vector<std::string> found;
        for (const auto& file : std::filesystem::directory_iterator(directory.file(".")))
            if (file.path().extension() == ".spool")
                found.push_back(file.path());
        std::ranges::sort(found);
        return found;
    }
};

// The ids from a number on.
std::vector<std::string> ids(Spool& spool, std::uint64_t from) {
    std::vector<std::string> found;
    for (const SpooledAlert* next = nullptr; (next = spool.next(from)) != nullptr;
         from = next->number + 1)
        found.push_back(next->alert.id);
    return found;
}

using Ids = std::vector<std::string>;

detect::Alert whole_alert() {
    detect::Alert made = alert("1");
    made.severity = detect::RuleSeverity::high;
    made.wall_us = 123;
    made.document.sequence = {{{"a", "1"}, {"b", "\"\\u0000\""}}, {}};
    made.document.ancestry = {{{"name", "\"x\""}}};
    made.document.trimmed = {"env"};
    made.json = made.document.text();
    return made;
}

BOOST_AUTO_TEST_SUITE(forward)

BOOST_AUTO_TEST_CASE(a_record_comes_back_whole) {
    const SpooledAlert before{7, 8, whole_alert()};
    const std::string bytes = write_record(before);
    const auto head = look_at_record(bytes + "more");
    BOOST_TEST_REQUIRE(head.has_value());
    BOOST_TEST(head->number == 7u);
    BOOST_TEST(head->raised_us == 8);
    BOOST_TEST(head->size == bytes.size());
    const auto after = read_record(bytes);
    BOOST_TEST_REQUIRE(after.has_value());
    BOOST_TEST(after->alert.json == before.alert.json);
    BOOST_TEST(after->alert.document.text() == before.alert.json);
    BOOST_TEST(after->alert.message == before.alert.message);
    BOOST_TEST(after->alert.wall_us == 123);
    BOOST_TEST((after->alert.severity == detect::RuleSeverity::high));
}

BOOST_AUTO_TEST_CASE(half_a_record_and_a_changed_one_are_none) {
    const std::string bytes = write_record({7, 8, whole_alert()});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(!look_at_record(std::string_view(bytes).substr(0, size)).has_value());
        std::string changed = bytes;
        changed[size] = static_cast<char>(changed[size] ^ 0x10);
        BOOST_TEST(!read_record(changed).has_value(), size);
    }
}

BOOST_FIXTURE_TEST_CASE(alerts_and_positions_are_there_after_a_restart, Fixture) {
    auto spool = open();
    BOOST_TEST(spool->join("out", true).next == 1u);
    for (const char* id : {"1", "2", "3"})
        spool->append(alert(id));
    spool->taken("out", 2);
    spool.reset();

    spool = open();
    const std::uint64_t position = spool->join("out", true).next;
    BOOST_TEST(position == 2u);
    BOOST_TEST(ids(*spool, position) == (Ids{"2", "3"}), boost::test_tools::per_element());
    BOOST_TEST(spool->join("new", true).next == 4u);  // it was not there when they were raised
    BOOST_TEST(spool->join("terminal", false).next == 4u);
    BOOST_TEST(warnings.empty());
    struct stat about {};
    BOOST_TEST(stat(segments().at(0).c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 0777) == 0600u);
}

// As after kill -9 in the middle of write(2): every length that the last record can have.
BOOST_FIXTURE_TEST_CASE(a_file_cut_at_any_byte_keeps_what_is_whole, Fixture) {
    open()->append(alert("1"));
    const std::size_t first = std::filesystem::file_size(segments().at(0));
    auto spool = open();
    spool->append(alert("2"));
    spool.reset();
    const std::string file = segments().at(0), whole = contents(file);
    for (std::size_t size = first; size < whole.size(); ++size) {
        std::ofstream(file, std::ios::trunc) << whole.substr(0, size);
        warnings.clear();
        spool = open();
        BOOST_TEST(ids(*spool, 0) == Ids{"1"}, boost::test_tools::per_element());
        BOOST_TEST(warnings.size() == (size == first ? 0u : 1u));
        spool->append(alert("3"));
        BOOST_TEST(ids(*spool, 0) == (Ids{"1", "3"}), boost::test_tools::per_element());
        spool.reset();
        BOOST_TEST(ids(*open(), 0) == (Ids{"1", "3"}), boost::test_tools::per_element());
    }
}

// Whoever may write to the spool: a sound head, numbers at their end, and no alert behind them.
BOOST_FIXTURE_TEST_CASE(numbers_that_would_count_on_to_nothing_are_not_ours, Fixture) {
    open()->append(alert("1"));
    const std::string file = segments().at(0);
    const auto positions = std::filesystem::path(file).parent_path() / "positions";
    for (const std::uint64_t number : {UINT64_MAX, UINT64_MAX - 1, kMaxSpoolNumber + 1}) {
        std::ofstream(file, std::ios::app) << write_record({number, 8, alert("x")});
        std::ofstream(positions) << number << " out\n";
        auto spool = open();
        BOOST_TEST(spool->end() == 2u);
        BOOST_TEST(spool->next(2) == nullptr);
        BOOST_TEST(ids(*spool, 0) == Ids{"1"}, boost::test_tools::per_element());
    }
    BOOST_TEST(warnings.size() == 3u);
}

// The greatest that is read: what is raised then must be read again, too.
BOOST_FIXTURE_TEST_CASE(a_spool_of_numbers_that_none_comes_to_is_begun_anew, Fixture) {
    for (const std::uint64_t number : {kMaxSpoolNumber, kMaxSpoolNumber - 1}) {
        open()->append(alert("1"));
        const std::string file = segments().at(0);
        std::ofstream(file, std::ios::app) << write_record({number, 8, alert("x")});
        auto spool = open();
        BOOST_TEST(spool->end() == 1u);
        spool->append(alert("fresh"));
        spool.reset();
        spool = open();
        BOOST_TEST(ids(*spool, 0) == Ids{"fresh"}, boost::test_tools::per_element());
        BOOST_TEST(segments().size() == 1u);
        std::filesystem::remove(segments().at(0));
    }
    BOOST_TEST(warnings.size() == 2u);
    BOOST_TEST(warnings[0].find("numbers that no spool comes to") != std::string::npos);
    // The same of a position.
    open();
    std::ofstream(directory.file("positions")) << kMaxSpoolNumber - 1 << " out\n";
    auto spool = open();
    BOOST_TEST(spool->end() == 1u);
    spool->append(alert("fresh"));
    BOOST_TEST(ids(*spool, 0) == Ids{"fresh"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(what_everyone_had_goes_after_the_time_to_resend, Fixture) {
    auto spool = open();
    spool->join("out", true);
    const std::string padding(1000, 'x');
    for (int i = 0; i < 6000; ++i)
        spool->append(alert(std::to_string(i), 1000));
    BOOST_TEST(segments().size() > 1u);
    spool->taken("out", spool->end());
    const auto run = [](const std::function<void()>& work) { work(); };
    spool->flush(run);
    BOOST_TEST(spool->counters().kept == 6000u);  // 30 s are not over
    BOOST_TEST(spool->resend_from() == 1u);
    now += 31'000'000;
    BOOST_TEST(spool->resend_from() == spool->end());
    spool->flush(run);
    BOOST_TEST(spool->counters().kept == 0u);
    BOOST_TEST(spool->counters().dropped == 0u);
    BOOST_TEST(segments().size() == 1u);  // the one that is written to
}

BOOST_FIXTURE_TEST_CASE(the_oldest_file_goes_when_there_are_too_many_bytes, Fixture) {
    SpoolOptions small = options();
    small.max_bytes = 3 * Spool::kSegmentBytes;
    auto spool = open(small);
    spool->join("out", true);
    for (int i = 0; i < 20'000; ++i)
        spool->append(alert(std::to_string(i), 1000));
    const SpoolCounters counters = spool->counters();
    BOOST_TEST(counters.bytes <= small.max_bytes);
    BOOST_TEST(counters.dropped == 20'000 - counters.kept);
    BOOST_TEST(counters.kept > 5'000u);
    BOOST_TEST(ids(*spool, 1).back() == "19999");
    std::size_t on_disk = 0;
    for (const auto& segment : segments())
        on_disk += std::filesystem::file_size(segment);
    BOOST_TEST(on_disk == counters.bytes);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_keeps_alerts_in_memory_and_is_said, Fixture) {
    auto spool = open();
    spool->join("out", true);
    spool->append(alert("1"));
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit full = before;
    full.rlim_cur = std::filesystem::file_size(segments().at(0)) + 10;
    setrlimit(RLIMIT_FSIZE, &full);
    spool->append(alert("2"));
    spool->append(alert("3"));
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    BOOST_TEST(spool->counters().not_written == 2u);
    BOOST_TEST(!spool->is_on_disk());
    BOOST_TEST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0].find("File too large") != std::string::npos, warnings[0]);
    spool->append(alert("4"));
    BOOST_TEST(warnings.size() == 2u);
    BOOST_TEST(ids(*spool, 1) == (Ids{"1", "2", "3", "4"}), boost::test_tools::per_element());
    spool.reset();
    BOOST_TEST(ids(*open(), 1) == (Ids{"1", "4"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(one_program_at_a_time_has_the_directory, Fixture) {
    const auto first = open();
    const auto second = open();
    BOOST_TEST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0].find("another audisp-eql has it") != std::string::npos, warnings[0]);
    second->join("out", true);
    second->append(alert("1"));
    BOOST_TEST(ids(*second, 1) == Ids{"1"}, boost::test_tools::per_element());
    BOOST_TEST(ids(*first, 1).empty());
}

BOOST_FIXTURE_TEST_CASE(an_output_goes_on_where_the_last_run_ended, Fixture) {
    boost::asio::io_context io;
    const std::string path = directory.file("alerts.json");
    auto spool = open();
    {
        JsonFileOutput output(io, *spool, path, nullptr);
        raise(*spool, output, alert("1"));
    }
    spool->append(alert("2"));  // and the program is killed before the output has it
    spool.reset();
    spool = open();
    JsonFileOutput output(io, *spool, path, nullptr);
    output.probe();
    BOOST_TEST(contents(path) == alert("1").json + "\n" + alert("2").json + "\n");
    BOOST_TEST(output.counters().delivered == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
