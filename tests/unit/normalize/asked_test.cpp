// SPDX-License-Identifier: Apache-2.0
// What no record has and /proc is asked for when a call is told: the ends of a connection, the name
// of a memory file, how the kernel marks a module. And that a replay says the same.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

SocketEnds ends(int pid, int fd, std::string peer_ip, std::uint16_t peer_port) {
    SocketEnds made;
    made.pid = pid;
    made.fd = fd;
    made.inet = true;
    made.transport = "tcp";
    made.local_ip = "192.0.2.9";
    made.local_port = 8080;
    made.peer_ip = std::move(peer_ip);
    made.peer_port = peer_port;
    return made;
}

struct Asking : Story {
    Asking(ProcReader* proc, bool accepted, bool local) : Story(proc) {
        AskedContext asked;
        asked.accepted_ends = accepted;
        asked.local_ends = local;
        asked.module_taint = local;
        normalizer.ask_for(asked);
        lines(host("audit,proc") + clock(0));
    }
    std::string last(FieldId id) const {
        BOOST_REQUIRE(!events.empty());
        return joined(events.back(), id);
    }
    std::string flow() const {
        const auto side = [this](FieldId ip, FieldId port) { return last(ip) + ":" + last(port); };
        return side(FieldId::source_ip, FieldId::source_port) + " > " +
               side(FieldId::destination_ip, FieldId::destination_port) + " " +
               last(FieldId::network_transport) + " " + last(FieldId::network_source);
    }
};

std::string answers(const Story& story) {
    std::string lines;
    for (const std::string& answer : story.learned)
        lines += fmt::format("type=PROC msg=proc({}): {}\n", mono_ns(0), answer);
    return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(ends_of_a_connection_that_no_record_has) {
    const std::string peerless = accept(0, 1, 1, 10, "/usr/bin/node", "");
    const std::string with_peer = accept(0, 1, 1, 10, "/usr/bin/node", kInet);
    const std::string out = connect(0, 1, 1, 10, "/usr/bin/curl");
    const std::string pending = connect(0, 1, 1, 10, "/usr/bin/curl", -115);
    const SocketEnds peer = ends(10, 4, "198.51.100.1", 4444);
    const SocketEnds stranger = ends(10, 4, "198.51.100.7", 4444);
    const SocketEnds server = ends(10, 3, "198.51.100.1", 4444);
    const SocketEnds on_its_way = ends(10, 3, "", 0);
    struct Row {
        const char* what;
        bool accepted, local;
        std::string lines;
        SocketEnds told;
        const char* flow;
        int asked;
    };
    const Row rows[] = {
        {"accept without an address", true, false, peerless, peer,
         "198.51.100.1:4444 > 192.0.2.9:8080 tcp procfs", 1},
        {"and nobody asks", false, false, peerless, peer, ": > :  ", 0},
        {"accept with an address", true, false, with_peer, peer,
         "198.51.100.1:4444 > 198.51.100.1:  ", 0},
        {"and a rule asks for the own end", false, true, with_peer, peer,
         "198.51.100.1:4444 > 192.0.2.9:8080 tcp procfs", 1},
        {"another socket has its number by now", false, true, with_peer, stranger,
         "198.51.100.1:4444 > 198.51.100.1:  ", 1},
        {"connect", false, true, out, server, "192.0.2.9:8080 > 198.51.100.1:4444 tcp procfs", 1},
        {"connect, and nobody asks", true, false, out, server, ": > 198.51.100.1:4444  ", 0},
        {"connect that is on its way", false, true, pending, on_its_way,
         "192.0.2.9:8080 > 198.51.100.1:4444 tcp procfs", 1},
        {"another socket without a peer", false, true, out, on_its_way, ": > 198.51.100.1:4444  ",
         1},
        {"closed", true, true, peerless, ends(10, 9, "", 0), ": > :  ", 1},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            FakeProcReader proc;
            proc.sockets[{row.told.pid, row.told.fd}] = row.told;
            Asking live(&proc, row.accepted, row.local);
            live.lines(row.lines);
            BOOST_TEST(live.flow() == row.flow);
            BOOST_TEST(proc.sockets_asked == row.asked);
            // A recording has the answer before the event.
            Asking replay(nullptr, row.accepted, row.local);
            replay.lines(answers(live) + row.lines);
            BOOST_TEST(replay.flow() == row.flow);
        }
    }
}

BOOST_AUTO_TEST_CASE(an_accept_without_an_address_may_be_of_a_unix_socket) {
    FakeProcReader proc;
    SocketEnds other;
    other.pid = 10;
    other.fd = 4;
    proc.sockets[{10, 4}] = other;
    Asking story(&proc, true, false);
    story.lines(accept(0, 1, 1, 10, "/usr/lib/systemd/systemd", ""));
    BOOST_TEST(story.told() == "");
    BOOST_TEST(story.normalizer.counters().ignored == 1U);
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_about_an_accept_that_no_rule_looks_at) {
    FakeProcReader proc;
    Asking story(&proc, true, false);
    story.normalizer.set_filter(
        [](EventKind kind, std::string_view) { return kind != EventKind::accept; });
    story.lines(accept(0, 1, 1, 10, "/usr/bin/node", ""));
    BOOST_TEST(proc.sockets_asked == 0);
    BOOST_TEST(story.normalizer.counters().accepts_without_peer == 1U);
}

BOOST_AUTO_TEST_CASE(how_the_kernel_marks_a_module) {
    const Call call{.ms = 0, .serial = 1, .pid = 10, .exe = "/usr/bin/kmod", .number = 313};
    const std::string load = syscall(call) +
                             fmt::format("type=KERN_MODULE msg={}: name=\"nf_x\"\n", stamp(0, 1)) +
                             proctitle(call);
    FakeProcReader proc;
    proc.modules["nf_x"] = "OE";
    Asking live(&proc, false, true);
    live.lines(load);
    BOOST_TEST(live.last(FieldId::process_ext_load_module_name) == "nf_x");
    BOOST_TEST(live.last(FieldId::process_ext_load_module_taint_flags) == "OE");
    Asking replay(nullptr, false, true);
    replay.lines(answers(live) + load);
    BOOST_TEST(replay.last(FieldId::process_ext_load_module_taint_flags) == "OE");
    // The answer of one event is not that of the next.
    replay.lines(load);
    BOOST_TEST(replay.last(FieldId::process_ext_load_module_taint_flags) == "");
}

BOOST_AUTO_TEST_CASE(flags_of_a_memory_file) {
    const Call call{
        .ms = 0, .serial = 1, .pid = 10, .exe = "/tmp/x", .number = 319, .exit = 3, .a1 = "13"};
    Story story;
    story.lines(syscall(call) + proctitle(call));
    const auto last = [&](FieldId id) { return joined(story.events.back(), id); };
    BOOST_TEST(last(FieldId::process_ext_memfd_flag_cloexec) == "1");
    BOOST_TEST(last(FieldId::process_ext_memfd_flag_allow_seal) == "1");
    BOOST_TEST(last(FieldId::process_ext_memfd_flag_hugetlb) == "0");
    BOOST_TEST(last(FieldId::process_ext_memfd_flag_noexec_seal) == "0");
    BOOST_TEST(last(FieldId::process_ext_memfd_flag_exec) == "1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
