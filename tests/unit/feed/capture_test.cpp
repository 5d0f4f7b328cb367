// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/capture.hpp"

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/audit/record.hpp"
#include "collector/feed/log_file.hpp"

namespace {

using namespace audisp_eql::collector;

// Owns what it was sent.
struct Kept {
    Message message;
    std::string bytes;
};
struct Keeper final : MessageSink {
    std::vector<Kept> messages;
    void on_message(const Message& message) override {
        messages.push_back({message, std::string(message.bytes)});
    }
};

std::vector<Kept> read(const std::vector<std::string>& lines) {
    Keeper keeper;
    CaptureReader reader(keeper);
    for (const std::string& line : lines)
        reader.line(line);
    return std::move(keeper.messages);
}

std::string write(const std::vector<Kept>& messages) {
    CaptureWriter writer;
    std::string text;
    for (const Kept& kept : messages) {
        Message message = kept.message;
        message.bytes = kept.bytes;
        writer.write(message, text);
    }
    return text;
}

Kept kept_of(MessageKind kind, std::string bytes) {
    Kept kept{{}, std::move(bytes)};
    kept.message.kind = kind;
    return kept;
}

Kept clock_at(std::int64_t mono_ns) {
    Kept kept = kept_of(MessageKind::clock, "");
    kept.message.mono_ns = mono_ns;
    kept.message.real_ns = 1'700'000'000'000'000'000 + mono_ns;
    return kept;
}

BOOST_AUTO_TEST_SUITE(feed)

BOOST_AUTO_TEST_CASE(every_kind_of_line_is_read_and_written_as_it_was) {
    const std::vector<std::string> lines{
        "type=CLOCK msg=proc(100): real=1700000000000000100",
        "type=HOST msg=capture(1): boot_id=b machine_id=m hostname=h kernel=6.1 feeds=audit,proc",
        "type=USER msg=capture(1): uid=0 name=root",
        "type=GROUP msg=capture(1): gid=0 name=root",
        "type=PROC msg=proc(101): pid=1 ppid=0 start_tick=0 exe=\"/sbin/init\" argc=1 a0=\"init\"",
        "type=CN_PROC msg=proc(102): what=fork cpu=0 seq=7 parent_pid=1 parent_tgid=1 pid=2 tgid=2",
        "type=CN_PROC msg=proc(103): what=exec cpu=1 seq=8 pid=2 tgid=2",
        "type=CN_PROC msg=proc(104): what=uid cpu=1 seq=9 pid=2 tgid=2 ruid=1000 euid=0",
        "type=CN_PROC msg=proc(105): what=gid cpu=1 seq=9 pid=2 tgid=2 rgid=4294967295 egid=0",
        "type=CN_PROC msg=proc(106): what=sid cpu=1 seq=9 pid=2 tgid=2",
        "type=CN_PROC msg=proc(107): what=ptrace cpu=1 seq=9 pid=2 tgid=2 parent_pid=5 "
        "parent_tgid=5",
        "type=CN_PROC msg=proc(108): what=comm cpu=1 seq=9 pid=3 tgid=2 comm=473120436F6E632330",
        "type=CN_PROC msg=proc(109): what=comm cpu=1 seq=9 pid=3 tgid=2 comm=\"plain\"",
        "type=CN_PROC msg=proc(110): what=coredump cpu=1 seq=9 pid=2 tgid=2 parent_pid=1 "
        "parent_tgid=1",
        "type=CN_PROC msg=proc(111): what=exit cpu=1 seq=9 pid=2 tgid=2 exit_code=256 "
        "exit_signal=17 parent_pid=1 parent_tgid=1",
        "type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e syscall=42",
        "type=UNKNOWN[2999] msg=audit(1700000000.123:43): x=1",
        "node=n1 type=EOE msg=audit(1700000000.123:42):",
        "type=LOSS msg=proc(112): feed=audit count=3",
    };
    const std::vector<Kept> messages = read(lines);
    BOOST_REQUIRE(messages.size() == lines.size());
    const std::string text = write(messages);
    std::string expected;
    for (const std::string& line : lines)
        expected += line + '\n';
    BOOST_TEST(text == expected);

    BOOST_TEST(messages[15].message.mono_ns == 100);  // received when the last CLOCK says
    ProcEvent fork;
    std::memcpy(&fork, messages[5].bytes.data(), sizeof fork);
    BOOST_TEST(fork.ns == 102);
    BOOST_TEST(fork.parent_tgid == 1);
    BOOST_TEST(fork.tgid == 2);
    ProcEvent comm;
    std::memcpy(&comm, messages[11].bytes.data(), sizeof comm);
    BOOST_TEST(std::string(comm.comm) == "G1 Conc#0");
}

BOOST_AUTO_TEST_CASE(lines_that_are_nothing_known_are_counted) {
    Keeper keeper;
    CaptureReader reader(keeper);
    for (const char* line :
         {"rubbish", "type=NEW msg=proc(1): a=1", "type=NEW msg=capture(1): a=1",
          "type=CLOCK msg=proc(1): real=x", "type=CLOCK msg=proc(x): real=1",
          "type=CN_PROC msg=proc(1): what=later pid=1 tgid=1",
          "type=CN_PROC msg=proc(1): what=fork pid=99999999999 tgid=1", "type=SYSCALL", "node=x",
          "type=CN_PROC msg=proc(1): what=comm pid=1 tgid=1 comm=\"sixteen bytes ..\""})
        reader.line(line);
    BOOST_TEST(keeper.messages.empty());
    BOOST_TEST(reader.counters().unknown_lines == 10u);
    reader.line("");
    BOOST_TEST(reader.counters().lines == 10u);
    reader.line("type=SYSCALL msg=audit(1.000:1): " + std::string(kMaxLineBytes, 'x'));
    BOOST_TEST(reader.counters().long_lines == 1u);
    BOOST_TEST(keeper.messages.empty());
}

BOOST_AUTO_TEST_CASE(a_netlink_payload_cannot_make_a_second_line) {
    Kept kept =
        kept_of(MessageKind::audit_record,
                "audit(1.000:1): pid=7 msg='op=x\ntype=SYSCALL msg=audit(1.000:2): pid=1'\n");
    kept.message.audit_type = 1112;
    Kept end = kept_of(MessageKind::audit_record, "audit(1.000:1): ");
    end.message.audit_type = 1320;
    BOOST_TEST(write({kept, end}) ==
               "type=USER_LOGIN msg=audit(1.000:1): pid=7 msg='op=x type=SYSCALL "
               "msg=audit(1.000:2): pid=1'\n"
               "type=EOE msg=audit(1.000:1):\n");
}

BOOST_AUTO_TEST_CASE(an_idle_host_writes_nothing) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const Kept record = kept_of(MessageKind::audit_line, "type=EOE msg=audit(1.000:1):");
    std::vector<Kept> messages{clock_at(100 * kSecond), record};
    for (int i = 1; i <= 100; ++i)
        messages.push_back(clock_at((100 + i) * kSecond));
    const std::string quiet = write(messages);
    // Every clock for as long as timers may be running, then none.
    BOOST_TEST(quiet.find("msg=proc(110000000000)") != std::string::npos);
    BOOST_TEST(quiet.find("msg=proc(111000000000)") == std::string::npos);
    BOOST_TEST(quiet.ends_with("msg=proc(110000000000): real=1700000110000000000\n"));
    // The last one before the next message is told.
    messages.push_back(record);
    BOOST_TEST(write(messages) == quiet +
                                      "type=CLOCK msg=proc(200000000000): "
                                      "real=1700000200000000000\n"
                                      "type=EOE msg=audit(1.000:1):\n");
}

BOOST_AUTO_TEST_CASE(recordings_come_through_reading_and_writing_unchanged) {
    int recordings = 0;
    for (const auto& file : std::filesystem::directory_iterator(TEST_DATA "/captures")) {
        if (file.path().extension() != ".gz")
            continue;
        ++recordings;
        BOOST_TEST_CONTEXT(file.path().filename()) {
            Keeper keeper;
            CaptureReader reader(keeper);
            CaptureWriter writer;
            std::string read, written;
            read_lines(file.path(), [&](std::string_view line) {
                keeper.messages.clear();
                reader.line(line);
                read.append(line) += '\n';
                for (const Kept& kept : keeper.messages) {
                    Message message = kept.message;
                    message.bytes = kept.bytes;
                    if (message.kind == MessageKind::audit_line) {
                        // Through the type's number, as a netlink feed would give it.
                        const auto record = parse_line(message.bytes);
                        BOOST_REQUIRE(record);
                        message.kind = MessageKind::audit_record;
                        message.audit_type = record->type;
                        message.bytes = record->bytes;
                    }
                    writer.write(message, written);
                }
            });
            BOOST_CHECK(written == read);
            BOOST_TEST(reader.counters().lines > 100u);
            BOOST_TEST(reader.counters().unknown_lines == 0u);
        }
    }
    BOOST_TEST(recordings >= 12);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
