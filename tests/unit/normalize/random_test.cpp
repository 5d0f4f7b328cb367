// SPDX-License-Identifier: Apache-2.0
// Streams that no kernel would send: nothing loops, leaks (under the address sanitizer) or is left
// behind.
#include <random>

#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using namespace lines;

class Chaos {
  public:
    explicit Chaos(unsigned seed) : random_(seed) {}

    std::string line() {
        ms_ += number(20);
        switch (number(10)) {
            case 0:
            case 1:
                return fork(ms_, pid(), pid());
            case 2:
                return exec(ms_, pid());
            case 3:
                return exit(ms_, pid());
            case 4:
                return thread(ms_, pid(), 100 + number(5), pid());
            case 5:
                return fmt::format(
                    "type=PROC msg=proc({}): pid={} ppid={} start_tick={} threads={} exe=\"/p\"\n",
                    mono_ns(ms_), pid(), pid(), mono_ns(ms_) / 10'000'000 - number(3), number(3));
            case 6:
                return clock(ms_ + number(2000));
            case 7:
                return execve(ms_ - number(50), ++serial_, pid(), pid(), "/usr/bin/x");
            case 8:
                return connect(ms_ - number(50), ++serial_, pid(), pid(), "/usr/bin/y");
            default: {
                const Call call{.ms = ms_,
                                .serial = ++serial_,
                                .pid = pid(),
                                .ppid = pid(),
                                .exe = "/usr/bin/z",
                                .number = 56,
                                .exit = pid(),
                                .a0 = "0"};
                return syscall(call) + proctitle(call);
            }
        }
    }

  private:
    int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
    int pid() { return 1 + number(6); }
    std::mt19937 random_;
    std::int64_t ms_ = 100;
    int serial_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(any_stream_is_survived) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            Story story;
            Chaos chaos(seed);
            for (int i = 0; i < 500; ++i)
                story.lines(chaos.line());
            story.finish();
            for (const ProcessPtr& process : story.processes) {
                std::size_t above = 0;
                for (const Process* at = process.get(); at && above < 10'000; at = at->parent.get())
                    ++above;
                BOOST_TEST_REQUIRE(above < 10'000U);
                BOOST_TEST_REQUIRE(!process->fork_held);
            }
            const ProcessTableCounters& counters = story.normalizer.processes().counters();
            BOOST_TEST(counters.live + counters.tombstones <= 12U);  // two a pid
            const NormalizerCounters& told = story.normalizer.counters();
            BOOST_TEST(told.exec + told.fork + told.end + told.connect + told.accept ==
                       story.events.size());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
