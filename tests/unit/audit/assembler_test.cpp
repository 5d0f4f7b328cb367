// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/assembler.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/unit/audit/event_collector.hpp"

namespace {

using namespace audisp_eql::collector;
using audisp_eql::collector::test::AssemblerBench;

using Serials = std::vector<std::uint64_t>;
constexpr std::int64_t kSecond = 1'000'000'000;

std::string record(std::string_view type, std::uint64_t serial, std::string_view body = "a=1") {
    std::string line = "type=";
    line += type;
    line += " msg=audit(1700000000.000:" + std::to_string(serial) + "): ";
    line += body;
    return line;
}

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(a_live_event_ends_with_its_eoe_and_not_before) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 1), 10);
    bench.live(record("EXECVE", 1), 11);
    bench.live(record("PROCTITLE", 1), 12);
    BOOST_TEST(bench.sink.events.empty());
    bench.live(record("EOE", 1, ""), 13);
    BOOST_REQUIRE(bench.sink.serials() == Serials{1});
    const AuditEvent& event = bench.sink.events[0];
    BOOST_TEST(event.complete());
    BOOST_TEST(event.records().size() == 3u);
    BOOST_TEST(event.first_received_ns() == 10);
    BOOST_TEST(event.received_ns() == 13);
    BOOST_TEST(event.body_of(audit_type::kExecve) == "a=1");
    BOOST_TEST(bench.assembler.in_flight() == 0u);
}

BOOST_AUTO_TEST_CASE(in_a_file_without_eoe_proctitle_ends_an_event) {
    AssemblerBench bench;
    bench.line(record("SYSCALL", 1));
    bench.line(record("PROCTITLE", 1));
    BOOST_TEST(bench.sink.serials() == Serials{1});
    BOOST_TEST(bench.sink.events[0].complete());
}

BOOST_AUTO_TEST_CASE(the_first_eoe_of_an_input_turns_proctitle_off) {
    AssemblerBench bench;
    bench.line(record("SYSCALL", 1));
    bench.line(record("PROCTITLE", 1));
    bench.line(record("EOE", 1, ""));
    BOOST_TEST(bench.assembler.counters().orphans == 0u);
    bench.line(record("SYSCALL", 2));
    bench.line(record("PROCTITLE", 2));
    BOOST_TEST(bench.sink.serials() == Serials{1});
    bench.line(record("EOE", 2, ""));
    BOOST_TEST((bench.sink.serials() == Serials{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_live_feed_whose_eoe_is_excluded_falls_back_to_proctitle) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 1), kSecond);
    bench.live(record("PROCTITLE", 1), kSecond);
    bench.assembler.advance(3 * kSecond);
    BOOST_TEST(bench.sink.serials() == Serials{1});
    BOOST_TEST(bench.sink.events[0].complete());
    bench.live(record("SYSCALL", 2), 4 * kSecond);
    bench.live(record("PROCTITLE", 2), 4 * kSecond);
    BOOST_TEST((bench.sink.serials() == Serials{1, 2}));
    BOOST_TEST(bench.assembler.counters().incomplete == 0u);
}

BOOST_AUTO_TEST_CASE(one_lost_eoe_does_not_change_how_events_end) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 1), 1);
    bench.live(record("EOE", 1, ""), 1);
    bench.live(record("SYSCALL", 2), kSecond);
    bench.live(record("PROCTITLE", 2), kSecond);
    bench.assembler.advance(3 * kSecond);
    BOOST_TEST((bench.sink.serials() == Serials{1, 2}));
    BOOST_TEST(!bench.sink.events[1].complete());
    BOOST_TEST(bench.assembler.counters().incomplete == 1u);
    bench.live(record("SYSCALL", 3), 4 * kSecond);
    bench.live(record("PROCTITLE", 3), 4 * kSecond);
    BOOST_TEST(bench.assembler.in_flight() == 1u);
}

BOOST_AUTO_TEST_CASE(a_plain_log_after_a_recording_is_an_input_of_its_own) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 1), 5);
    bench.live(record("EOE", 1, ""), 5);
    bench.line(record("SYSCALL", 2));
    bench.line(record("PROCTITLE", 2));
    BOOST_TEST((bench.sink.serials() == Serials{1, 2}));
}

BOOST_AUTO_TEST_CASE(interleaved_events_keep_their_records) {
    AssemblerBench bench;
    for (const char* type : {"SYSCALL", "EXECVE", "CWD", "PATH"}) {
        for (const std::uint64_t serial : {7, 5, 6})
            bench.live(record(type, serial, type + std::to_string(serial) + "=1"), 1);
    }
    for (const std::uint64_t serial : {6, 7, 5})
        bench.live(record("EOE", serial, ""), 1);
    BOOST_TEST((bench.sink.serials() == Serials{6, 7, 5}));
    for (const AuditEvent& event : bench.sink.events) {
        BOOST_REQUIRE(event.records().size() == 4u);
        const std::string serial = std::to_string(event.key().serial);
        BOOST_TEST(event.body_of(audit_type::kSyscall) == "SYSCALL" + serial + "=1");
        BOOST_TEST(event.body_of(audit_type::kPath) == "PATH" + serial + "=1");
    }
}

BOOST_AUTO_TEST_CASE(time_and_node_are_part_of_the_key) {
    AssemblerBench bench;
    bench.line("type=SYSCALL msg=audit(1.000:9): a=1");
    bench.line("type=SYSCALL msg=audit(2.000:9): a=2");
    bench.line("node=n1 type=SYSCALL msg=audit(1.000:9): a=3");
    bench.line("node=n2 type=SYSCALL msg=audit(1.000:9): a=4");
    bench.line("node=n1 type=PROCTITLE msg=audit(1.000:9): a=5");
    BOOST_REQUIRE(bench.sink.events.size() == 1u);
    BOOST_TEST(bench.sink.events[0].node() == "n1");
    BOOST_TEST(bench.sink.events[0].body_of(audit_type::kSyscall) == "a=3");
    BOOST_TEST(bench.assembler.in_flight() == 3u);
}

BOOST_AUTO_TEST_CASE(messages_of_one_record_are_complete_at_once) {
    AssemblerBench bench;
    for (const char* type : {"USER_LOGIN", "DAEMON_START", "EVENT_LISTENER", "ANOM_LOGIN_TIME"})
        bench.live(record(type, 3), 1);
    BOOST_TEST(bench.sink.events.size() == 4u);
    for (const AuditEvent& event : bench.sink.events)
        BOOST_TEST(event.complete());
}

BOOST_AUTO_TEST_CASE(a_user_message_cannot_enter_an_event_in_flight) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 3, "real=1"), 1);
    bench.live(record("USER_CMD", 3, "forged=1"), 1);
    BOOST_REQUIRE(bench.sink.events.size() == 1u);
    BOOST_TEST(bench.sink.events[0].records().size() == 1u);
    bench.live(record("EOE", 3, ""), 1);
    BOOST_REQUIRE(bench.sink.events.size() == 2u);
    BOOST_TEST(bench.sink.events[1].records().size() == 1u);
    BOOST_TEST(bench.sink.events[1].body_of(audit_type::kSyscall) == "real=1");
}

BOOST_AUTO_TEST_CASE(a_configuration_change_may_open_a_syscall_event) {
    AssemblerBench bench;
    bench.line(record("CONFIG_CHANGE", 1));
    BOOST_TEST(bench.sink.events.empty());
    bench.line(record("SYSCALL", 1));
    bench.line(record("PROCTITLE", 1));
    BOOST_REQUIRE(bench.sink.events.size() == 1u);
    BOOST_TEST(bench.sink.events[0].records().size() == 3u);

    // By itself it has no end mark, and is complete when its time is over.
    bench.line(record("CONFIG_CHANGE", 2), kSecond);
    bench.assembler.advance(3 * kSecond);
    BOOST_REQUIRE(bench.sink.events.size() == 2u);
    BOOST_TEST(bench.sink.events[1].complete());
    BOOST_TEST(bench.assembler.counters().incomplete == 0u);
}

BOOST_AUTO_TEST_CASE(a_uring_operation_may_come_before_its_syscall) {
    AssemblerBench bench;
    bench.live(record("URINGOP", 1, "uring_op=16 exit=-11"), 1);
    bench.live(record("SYSCALL", 1), 1);
    bench.live(record("SOCKADDR", 1), 1);
    bench.live(record("EOE", 1, ""), 1);
    bench.live(record("URINGOP", 2), 1);
    bench.live(record("EOE", 2, ""), 1);
    BOOST_REQUIRE(bench.sink.events.size() == 2u);
    BOOST_TEST(bench.sink.events[0].records().size() == 3u);
    BOOST_TEST(bench.sink.events[0].complete());
    BOOST_TEST(bench.sink.events[1].complete());
}

BOOST_AUTO_TEST_CASE(an_end_without_a_beginning_is_counted) {
    AssemblerBench bench;
    bench.live(record("EOE", 1, ""), 1);
    BOOST_TEST(bench.sink.events.empty());
    BOOST_TEST(bench.assembler.counters().orphans == 1u);

    bench.live(record("CWD", 2), 1);
    bench.live(record("EOE", 2, ""), 1);
    BOOST_REQUIRE(bench.sink.events.size() == 1u);
    BOOST_TEST(!bench.sink.events[0].complete());
    BOOST_TEST(bench.assembler.counters().without_syscall == 1u);
}

BOOST_AUTO_TEST_CASE(time_outs_run_on_the_clock_of_the_input_and_in_order) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 2), kSecond);
    bench.live(record("SYSCALL", 1), 2 * kSecond);
    bench.live(record("EXECVE", 2), 2 * kSecond + kSecond / 2);  // does not prolong its wait
    bench.assembler.advance(3 * kSecond - 1);
    BOOST_TEST(bench.sink.events.empty());
    bench.assembler.advance(3 * kSecond);
    BOOST_TEST(bench.sink.serials() == Serials{2});
    BOOST_TEST(!bench.sink.events[0].complete());
    BOOST_TEST(bench.sink.events[0].records().size() == 2u);
    bench.assembler.advance(10 * kSecond);
    BOOST_TEST((bench.sink.serials() == Serials{2, 1}));
    BOOST_TEST(bench.assembler.counters().incomplete == 2u);
    bench.live(record("EOE", 2, ""), 11 * kSecond);  // late
    BOOST_TEST(bench.assembler.counters().orphans == 1u);
    BOOST_TEST(bench.sink.events.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_input_lets_everything_go) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 4), 1);
    bench.live(record("EOE", 4, ""), 1);
    for (const std::uint64_t serial : {3, 1, 2})
        bench.live(record("SYSCALL", serial), 1);
    bench.assembler.finish();
    BOOST_TEST((bench.sink.serials() == Serials{4, 3, 1, 2}));
    BOOST_TEST(bench.assembler.counters().incomplete == 3u);
}

BOOST_AUTO_TEST_CASE(too_many_in_flight_let_the_oldest_go) {
    AssemblerBench bench;
    for (std::uint64_t serial = 1; serial <= Assembler::kMaxInFlight + 2; ++serial)
        bench.live(record("SYSCALL", serial), 1);
    BOOST_TEST((bench.sink.serials() == Serials{1, 2}));
    BOOST_TEST(bench.assembler.in_flight() == Assembler::kMaxInFlight);
    BOOST_TEST(bench.assembler.counters().evicted == 2u);
}

BOOST_AUTO_TEST_CASE(bytes_in_flight_are_bounded) {
    AssemblerBench bench;
    const std::string body(Assembler::kMaxEventBytes, 'x');
    const std::size_t fit = Assembler::kMaxBytesInFlight / Assembler::kMaxEventBytes;
    for (std::uint64_t serial = 1; serial <= fit + 1; ++serial)
        bench.live(record("SYSCALL", serial, body), 1);
    BOOST_TEST(bench.sink.serials() == Serials{1});
    BOOST_TEST(bench.assembler.in_flight() == fit);
}

BOOST_AUTO_TEST_CASE(a_storm_of_arguments_leaves_room_for_the_rest_of_the_event) {
    AssemblerBench bench;
    bench.live(record("SYSCALL", 1), 1);
    for (int i = 0; i < 487; ++i)
        bench.live(record("EXECVE", 1, "a1[" + std::to_string(i) + "]=" + std::string(7500, '4')),
                   1);
    bench.live(record("CWD", 1, "cwd=\"/\""), 1);
    bench.live(record("PATH", 1), 1);
    bench.live(record("PROCTITLE", 1), 1);
    bench.live(record("EOE", 1, ""), 1);
    BOOST_REQUIRE(bench.sink.events.size() == 1u);
    const AuditEvent& event = bench.sink.events[0];
    BOOST_TEST(event.truncated());
    BOOST_TEST(event.complete());
    BOOST_TEST(event.has(audit_type::kCwd));
    BOOST_TEST(event.has(audit_type::kProctitle));
    BOOST_TEST(bench.assembler.counters().capped_records == 484u);
}

BOOST_AUTO_TEST_CASE(a_record_without_a_key_is_counted) {
    AssemblerBench bench;
    RawRecord wrong;
    wrong.type = 1300;
    wrong.bytes = "audit(x): pid=1";
    bench.assembler.add(wrong, 0);
    BOOST_TEST(bench.assembler.counters().unparsed == 1u);
    BOOST_TEST(bench.assembler.in_flight() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
