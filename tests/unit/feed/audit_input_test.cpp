// SPDX-License-Identifier: Apache-2.0
// Bytes as the kernel and auditd send them: netlink framing, plugin lines, signals at a restart.
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "collector/feed/audit_netlink.hpp"
#include "collector/feed/plugin.hpp"

namespace audisp_eql::collector {
namespace {

std::string datagram(std::uint16_t type, std::string_view payload, std::uint32_t length) {
    nlmsghdr header{};
    header.nlmsg_len = length;
    header.nlmsg_type = type;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    return bytes.append(payload);
}

// A plugin input with auditd's end of the socket.
struct Plugin {
    int ends[2] = {-1, -1};
    std::unique_ptr<PluginInput> input;
    Plugin() {
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        input = std::make_unique<PluginInput>(ends[1]);
    }
    ~Plugin() {
        hang_up();
        ::close(ends[1]);
    }
    void write(std::string_view bytes) const {
        BOOST_REQUIRE(::write(ends[0], bytes.data(), bytes.size()) ==
                      static_cast<ssize_t>(bytes.size()));
    }
    void hang_up() {
        if (ends[0] >= 0)
            ::close(ends[0]);
        ends[0] = -1;
    }
    std::vector<std::string> read(AuditBatch& batch, std::size_t max_records = 256) const {
        batch.clear();
        input->read(max_records, batch);
        std::vector<std::string> lines;
        for (const auto& record : batch.records) {
            BOOST_TEST(static_cast<int>(record.kind) == static_cast<int>(MessageKind::audit_line));
            lines.emplace_back(record.bytes);
        }
        return lines;
    }
};

using Lines = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(feed)

// The kernel's nlmsg_len leaves the header out on unicast and counts it on multicast.
BOOST_AUTO_TEST_CASE(netlink_length_is_the_received_one) {
    const std::string payload = "audit(1795304904.006:127996): arch=c000003e syscall=44";
    const auto size = static_cast<std::uint32_t>(payload.size());
    for (const std::uint32_t length : {size, size + 16, 0U, 4'000'000U}) {
        const std::string bytes = datagram(1300, payload, length);
        const auto frame = parse_audit_datagram(bytes);
        BOOST_REQUIRE(frame.has_value());
        BOOST_TEST(frame->type == 1300);
        BOOST_TEST(frame->bytes == payload);
    }
    BOOST_TEST(!parse_audit_datagram(datagram(1300, {}, 16).substr(0, 15)).has_value());
    BOOST_TEST(parse_audit_datagram(datagram(1320, {}, 16))->bytes.empty());
    using namespace std::string_view_literals;
    BOOST_TEST(parse_audit_datagram(datagram(1100, "audit(1.0:1): a\0"sv, 32))->bytes ==
               "audit(1.0:1): a");
}

BOOST_AUTO_TEST_CASE(netlink_types_that_are_records) {
    for (const int type : {1005, 1006, 1100, 1300, 1305, 1309, 1320, 1327, 1335, 1336, 2100})
        BOOST_TEST(is_audit_record(static_cast<std::uint16_t>(type)), type);
    for (const int type : {2, 3, 1000, 1001, 1013, 1329})
        BOOST_TEST(!is_audit_record(static_cast<std::uint16_t>(type)), type);
}

BOOST_AUTO_TEST_CASE(netlink_batch_keeps_records_and_counts_the_rest) {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    AuditNetlink input(ends[1]);
    const auto send = [&](const std::string& bytes) {
        BOOST_REQUIRE(::send(ends[0], bytes.data(), bytes.size(), 0) ==
                      static_cast<ssize_t>(bytes.size()));
    };
    send(datagram(1300, "audit(1.000:1): a=1", 19));
    send(datagram(NLMSG_ERROR, std::string(20, '\0'), 36));
    send(datagram(1300, std::string(20'000, 'x'), 20'016));
    send(datagram(1320, "audit(1.000:1): ", 16));
    AuditBatch batch;
    input.read(256, batch);
    BOOST_REQUIRE(batch.records.size() == 2U);
    BOOST_TEST(batch.records[0].audit_type == 1300);
    BOOST_TEST(batch.records[0].bytes == "audit(1.000:1): a=1");
    BOOST_TEST(batch.records[1].audit_type == 1320);
    BOOST_TEST(batch.control == 1U);
    BOOST_TEST(batch.cut == 1U);
    batch.clear();
    input.read(256, batch);
    BOOST_TEST(batch.records.empty());
    BOOST_TEST(batch.error == 0);
    // No more than asked for.
    for (int i = 0; i < 5; ++i)
        send(datagram(1300, "audit(1.000:2): ", 16));
    input.read(3, batch);
    BOOST_TEST(batch.records.size() == 3U);
    ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(plugin_lines_across_reads) {
    Plugin plugin;
    AuditBatch batch;
    BOOST_TEST(plugin.read(batch).empty());
    plugin.write("type=SYSCALL msg=audit(1.0");
    BOOST_TEST(plugin.read(batch).empty());
    plugin.write("00:1): a=1\n");
    BOOST_TEST((plugin.read(batch) == Lines{"type=SYSCALL msg=audit(1.000:1): a=1"}));
    plugin.write("one\n\ntwo\nthr");
    BOOST_TEST((plugin.read(batch) == Lines{"one", "two"}));
    BOOST_TEST(!batch.ended);
    plugin.write("ee\nlast without newline");
    plugin.hang_up();
    BOOST_TEST((plugin.read(batch) == Lines{"three", "last without newline"}));
    BOOST_TEST(batch.ended);
}

BOOST_AUTO_TEST_CASE(plugin_hands_out_no_more_than_asked_for) {
    Plugin plugin;
    AuditBatch batch;
    std::string bytes;
    for (int i = 0; i < 10; ++i)
        bytes += std::to_string(i) + "\n";
    plugin.write(bytes);
    plugin.hang_up();
    BOOST_TEST((plugin.read(batch, 4) == Lines{"0", "1", "2", "3"}));
    BOOST_TEST(plugin.input->buffered());
    BOOST_TEST(!batch.ended);
    BOOST_TEST((plugin.read(batch, 4) == Lines{"4", "5", "6", "7"}));
    BOOST_TEST((plugin.read(batch, 4) == Lines{"8", "9"}));
    BOOST_TEST(!plugin.input->buffered());
    BOOST_TEST(batch.ended);
}

BOOST_AUTO_TEST_CASE(plugin_leaves_out_and_counts_lines_that_are_no_records) {
    for (const std::size_t length : {PluginInput::kMaxLine + 1, std::size_t{100'000}}) {
        Plugin plugin;
        AuditBatch batch;
        plugin.write("before\n" + std::string(length, 'x') + "\nafter\n");
        std::uint64_t cut = 0;
        Lines lines = plugin.read(batch);
        cut += batch.cut;
        for (const auto& line : plugin.read(batch))
            lines.push_back(line);
        cut += batch.cut;
        BOOST_TEST((lines == Lines{"before", "after"}));
        BOOST_TEST(cut == 1U);
    }
    // The longest that is taken, and one too long that comes in pieces.
    Plugin plugin;
    AuditBatch batch;
    const std::string longest(PluginInput::kMaxLine, 'y');
    plugin.write(longest + "\n");
    BOOST_TEST((plugin.read(batch) == Lines{longest}));
    std::uint64_t cut = 0;
    for (int i = 0; i < 4; ++i) {
        plugin.write(std::string(20'000, 'z'));
        BOOST_TEST(plugin.read(batch).empty());
        cut += batch.cut;
    }
    plugin.write("\nnext\n");
    BOOST_TEST((plugin.read(batch) == Lines{"next"}));
    BOOST_TEST(cut + batch.cut == 1U);
}

BOOST_AUTO_TEST_CASE(plugin_refuses_a_file) {
    std::FILE* file = std::tmpfile();
    BOOST_REQUIRE(file != nullptr);
    BOOST_CHECK_THROW(PluginInput(::fileno(file)), std::runtime_error);
    std::fclose(file);
}

// auditd 3.0 starts a plugin with signals ignored and restarts it with six blocked.
BOOST_AUTO_TEST_CASE(signals_come_back_after_a_restart_by_auditd) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        const int blocked[] = {SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGCONT};
        sigset_t six;
        sigemptyset(&six);
        for (const int number : blocked) {
            sigaddset(&six, number);
            std::signal(number, SIG_IGN);
        }
        std::signal(SIGPIPE, SIG_IGN);
        ::sigprocmask(SIG_BLOCK, &six, nullptr);
        unblock_signals();
        int wrong = 0;
        sigset_t now;
        ::sigprocmask(SIG_SETMASK, nullptr, &now);
        for (const int number : {SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGCONT, SIGPIPE}) {
            struct sigaction action {};
            ::sigaction(number, nullptr, &action);
            wrong += sigismember(&now, number) != 0 || action.sa_handler != SIG_DFL ? 1 : 0;
        }
        if (wrong != 0)
            ::_exit(wrong);
        ::raise(SIGTERM);
        ::_exit(100);  // SIGTERM did not arrive
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(WIFSIGNALED(status));
    BOOST_TEST((WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status)) == SIGTERM);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
