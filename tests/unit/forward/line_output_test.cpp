// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <fcntl.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "collector/forward/json_file.hpp"
#include "collector/forward/stdout.hpp"
#include "tests/unit/forward/fixture.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;
using namespace audisp_eql::collector::forward_test;

struct Fixture {
    TemporaryDirectory directory;
    std::string path = directory.file("alerts.json");
    boost::asio::io_context io;
    Spool spool{SpoolOptions(), [](const std::string&) {}};
    std::vector<std::string> warnings;
    OutputWarning warn = [this](const std::string& line) { warnings.push_back(line); };
};

std::string line(const std::string& id) {
    return alert(id).json + "\n";
}

// Both ends of a pipe, closed at the end.
struct Pipe {
    Pipe() { BOOST_TEST_REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
    ~Pipe() {
        close_reader();
        close(ends[1]);
    }
    void close_reader() {
        if (ends[0] >= 0)
            close(ends[0]);
        ends[0] = -1;
    }
    std::string read_all() {
        std::string all, buffer(65'536, '\0');
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        for (ssize_t size = 0; (size = read(ends[0], buffer.data(), buffer.size())) > 0;)
            all.append(buffer, 0, static_cast<std::size_t>(size));
        return all;
    }
    int ends[2] = {-1, -1};
};

BOOST_AUTO_TEST_SUITE(forward)

BOOST_FIXTURE_TEST_CASE(a_file_gets_whole_lines_and_is_not_for_everyone, Fixture) {
    const mode_t before = umask(022);
    JsonFileOutput output(io, spool, path, warn);
    umask(before);
    raise(spool, output, alert("1", 100'000));
    raise(spool, output, alert("2"));
    BOOST_TEST(contents(path) == alert("1", 100'000).json + "\n" + line("2"));
    struct stat about {};
    BOOST_TEST(stat(path.c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 0777) == 0640u);
    BOOST_TEST(output.counters().delivered == 2u);
    BOOST_TEST(output.name() == "file:" + path);
}

BOOST_FIXTURE_TEST_CASE(a_file_is_appended_to_and_half_a_line_is_ended, Fixture) {
    std::ofstream(path) << "{\"a\":1}\n{\"b\"";
    {
        JsonFileOutput output(io, spool, path, warn);
        raise(spool, output, alert("1"));
    }
    BOOST_TEST(contents(path) == "{\"a\":1}\n{\"b\"\n" + line("1"));
    JsonFileOutput again(io, spool, path, warn);
    BOOST_TEST(contents(path) == "{\"a\":1}\n{\"b\"\n" + line("1"));
}

BOOST_FIXTURE_TEST_CASE(a_rotated_file_is_left_at_reopen, Fixture) {
    JsonFileOutput output(io, spool, path, warn);
    raise(spool, output, alert("1"));
    const std::string rotated = directory.file("alerts.json.1");
    BOOST_TEST(rename(path.c_str(), rotated.c_str()) == 0);
    raise(spool, output, alert("2"));
    output.reopen();
    BOOST_TEST(contents(path) == "");  // there at once, also without an alert
    raise(spool, output, alert("3"));
    BOOST_TEST(contents(rotated) == line("1") + line("2"));
    BOOST_TEST(contents(path) == line("3"));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_cannot_be_opened_is_said_once_and_retried, Fixture) {
    const std::string missing = directory.file("later");
    JsonFileOutput output(io, spool, missing + "/alerts.json", warn);
    output.probe();
    BOOST_TEST(warnings.size() == 1u);  // before there is an alert
    raise(spool, output, alert("1"));
    raise(spool, output, alert("2"));
    BOOST_TEST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0].find("No such file or directory") != std::string::npos);
    std::filesystem::create_directory(missing);
    BOOST_TEST(run_until(io, [&] { return output.counters().queued == 0; }));
    BOOST_TEST(contents(missing + "/alerts.json") == line("1") + line("2"));
    BOOST_TEST(warnings.size() == 2u);
}

// As on a full disk: the second line stops half-way, and is ended when there is room.
BOOST_FIXTURE_TEST_CASE(a_line_that_did_not_fit_is_ended_later, Fixture) {
    JsonFileOutput output(io, spool, path, warn);
    raise(spool, output, alert("1"));
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit full = before;
    full.rlim_cur = line("1").size() + 10;
    setrlimit(RLIMIT_FSIZE, &full);
    raise(spool, output, alert("2"));
    raise(spool, output, alert("3"));
    const std::string while_full = contents(path);
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    BOOST_TEST(while_full == line("1") + line("2").substr(0, 10));
    BOOST_TEST(output.counters().queued == 2u);
    BOOST_TEST(output.counters().trouble == "File too large");
    output.flush(1000);
    BOOST_TEST(contents(path) == line("1") + line("2") + line("3"));
    BOOST_TEST(output.counters().delivered == 3u);
}

BOOST_FIXTURE_TEST_CASE(standard_output_gets_json_or_lines, Fixture) {
    Pipe pipe;
    StdoutOutput ndjson(io, spool, nullptr, warn, pipe.ends[1]);
    raise(spool, ndjson, alert("1"));
    StdoutOutput text(
        io, spool, [](const detect::Alert& made) { return "ALERT " + made.id; }, warn,
        pipe.ends[1]);
    raise(spool, text, alert("2"));
    BOOST_TEST(pipe.read_all() == line("1") + "ALERT 2\n");  // no colour: it is no terminal
}

BOOST_FIXTURE_TEST_CASE(terminals_get_colour_by_severity, Fixture) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        BOOST_TEST_MESSAGE("skipped: no pseudo terminal can be had here");
        close(master);
        return;
    }
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    BOOST_TEST_REQUIRE(terminal >= 0);
    unsetenv("NO_COLOR");
    const auto form = [](const detect::Alert& made) { return made.id; };
    StdoutOutput output(io, spool, form, warn, terminal);
    detect::Alert made = alert("1");
    made.severity = detect::RuleSeverity::high;
    raise(spool, output, made);
    char seen[100];
    const ssize_t size = read(master, seen, sizeof seen);
    BOOST_TEST(std::string(seen, static_cast<std::size_t>(std::max<ssize_t>(size, 0))) ==
               "\x1b[31m1\x1b[0m\r\n");
    close(terminal);
    close(master);
}

BOOST_FIXTURE_TEST_CASE(a_reader_that_is_behind_gets_everything_in_the_end, Fixture) {
    Pipe pipe;
    StdoutOutput output(io, spool, nullptr, warn, pipe.ends[1]);
    std::string expected;
    for (int i = 0; i < 30; ++i) {
        raise(spool, output, alert(std::to_string(i), 10'000));
        expected += alert(std::to_string(i), 10'000).json + "\n";
    }
    BOOST_TEST(output.counters().queued > 10u);  // a pipe holds 64 kB
    std::string seen;
    BOOST_TEST(run_until(io, [&] {
        seen += pipe.read_all();
        return seen.size() == expected.size();
    }));
    BOOST_TEST((seen == expected));
}

BOOST_FIXTURE_TEST_CASE(a_reader_that_goes_away_is_trouble_only, Fixture) {
    const auto old_handler = std::signal(SIGPIPE, SIG_IGN);  // as the agent does
    Pipe pipe;
    StdoutOutput output(io, spool, nullptr, warn, pipe.ends[1]);
    pipe.close_reader();
    raise(spool, output, alert("1"));
    std::signal(SIGPIPE, old_handler);
    BOOST_TEST(output.counters().trouble == "its reader has gone");
    BOOST_TEST(warnings.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
