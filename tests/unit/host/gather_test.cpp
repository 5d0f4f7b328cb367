// SPDX-License-Identifier: Apache-2.0
// Facts from texts and rules as the kernel and auditd have them.
#include "collector/host/gather.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <libaudit.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "collector/feed/audit_rules.hpp"
#include "collector/host/output_probe.hpp"
#include "tests/unit/agent/temporary_directory.hpp"

namespace audisp_eql::collector {
namespace {

BOOST_AUTO_TEST_SUITE(host)

AuditLine described(const std::string& text) {
    const ParsedAuditRules parsed = parse_audit_rules(text + " -k audisp-eql-x");
    BOOST_TEST_REQUIRE(parsed.rules.size() == 1U, text);
    return describe(parsed.rules.front().bytes);
}

BOOST_AUTO_TEST_CASE(lines_of_the_kernel) {
    const AuditLine exec = described("-a always,exit -F arch=b64 -S execve,execveat -F success=1");
    BOOST_TEST((exec.list == AuditLine::List::exit));
    BOOST_TEST(exec.exec);
    BOOST_TEST(!exec.connect);
    BOOST_TEST(exec.own);
    BOOST_TEST(!exec.never);
    BOOST_TEST(!exec.every_process);
    BOOST_TEST(exec.key == "audisp-eql-x");

    const AuditLine connect = described("-a always,exit -F arch=b64 -S connect -F saddr_fam=2");
    BOOST_TEST(connect.connect);
    BOOST_TEST(!connect.exec);
    // connect has another number there, which is execve's or nothing's here.
    BOOST_TEST(!described("-a always,exit -F arch=b32 -S connect").connect);
    BOOST_TEST(described("-a never,exit -F arch=b64 -S connect").every_process);

    const AuditLine task = described("-a never,task");
    BOOST_TEST((task.list == AuditLine::List::task));
    BOOST_TEST(task.never);
    BOOST_TEST(task.every_process);
    BOOST_TEST(!described("-a never,task -F uid=33").every_process);

    const AuditLine exclude = described("-a never,exclude -F msgtype=CWD");
    BOOST_TEST((exclude.list == AuditLine::List::exclude));
    BOOST_TEST_REQUIRE(exclude.message_types.size() == 1U);
    BOOST_TEST(exclude.message_types[0] == static_cast<std::uint32_t>(AUDIT_CWD));
    BOOST_TEST((describe({}).list == AuditLine::List::other));
}

BOOST_AUTO_TEST_CASE(netlink_table) {
    const auto sockets = netlink_sockets(
        "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
        "0000000025f208c8 0   0          00000000 0        0        0     2        0        4\n"
        "00000000a7df71c3 11  4242       00000001 0        0        0     2        0        88\n"
        "short\n"
        "00000000a7df71c4 9   -12345     80000001 0        0        0     2        0        "
        "4294967299\n");
    BOOST_TEST_REQUIRE(sockets.size() == 3U);
    BOOST_TEST(sockets[1].protocol == 11);
    BOOST_TEST(sockets[1].groups == 1U);
    BOOST_TEST(sockets[1].inode == 88U);
    BOOST_TEST(sockets[2].groups == 0x80000001U);
    BOOST_TEST(sockets[2].inode == 4294967299U);
    BOOST_TEST(netlink_sockets("").empty());
}

BOOST_AUTO_TEST_CASE(own_sockets) {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    struct stat file {};
    ::fstat(fd, &file);
    const auto inodes = socket_inodes(::getpid());
    BOOST_TEST((std::find(inodes.begin(), inodes.end(), file.st_ino) != inodes.end()));
    ::close(fd);
}

BOOST_AUTO_TEST_CASE(auditd_conf) {
    TemporaryDirectory directory;
    const std::string path = directory.path("auditd.conf");
    std::ofstream(path) << "# overflow_action = HALT\nOverflow_Action = SYSLOG\r\n\n"
                           "q_depth=400\nnonsense\ndisk_full_action = \tSUSPEND  \n";
    const auto conf = read_auditd_file(path);
    BOOST_TEST(conf.size() == 3U);
    BOOST_TEST(conf.at("overflow_action") == "syslog");
    BOOST_TEST(conf.at("q_depth") == "400");
    BOOST_TEST(conf.at("disk_full_action") == "suspend");
    BOOST_TEST(read_auditd_file(directory.path("none")).empty());
}

ProcSnapshot process(std::string exe, std::vector<std::string> args) {
    ProcSnapshot snapshot;
    snapshot.pid = ::getpid();
    snapshot.exe = std::move(exe);
    snapshot.args = std::move(args);
    return snapshot;
}

BOOST_AUTO_TEST_CASE(which_processes_are_agents) {
    const std::string program = "/usr/sbin/audisp-eql";
    BOOST_TEST(agent_facts(process(program, {program})).has_value());
    BOOST_TEST(agent_facts(process(program, {"audisp-eql", "--config", "x"})).has_value());
    const auto agent = agent_facts(process(program, {"audisp-eql", "run", "--syslog", "off"}));
    BOOST_TEST_REQUIRE(agent.has_value());
    BOOST_TEST(agent->arguments.size() == 3U);
    BOOST_TEST(agent->same_network_namespace);
    BOOST_TEST(!agent_facts(process(program, {"audisp-eql", "replay", "x"})));
    BOOST_TEST(!agent_facts(process("/usr/bin/vi", {"vi", "audisp-eql"})));
    BOOST_TEST(!agent_facts(process(program, {})));
}

BOOST_AUTO_TEST_CASE(connections) {
    const char* table =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout "
        "inode\n"
        "   0: 0100007F:8AE0 0100007F:19EA 01 00000000:00000000 00:00000000 00000000     0        "
        "0 "
        "88 1 0 20 4 30 10 -1\n"
        "   1: 0100007F:8AE2 0100007F:19EA 06 00000000:00000000 00:00000000 00000000     0        "
        "0 "
        "89 1 0 20 4 30 10 -1\n"
        "   2: 00000000000000000000000001000000:8AE4 00000000000000000000000001000000:19EA 01 "
        "00000000:00000000 00:00000000 00000000     0        0 90 1 0 20 4 30 10 -1\n";
    BOOST_TEST(established(table, {88}, 6634) == 1U);
    BOOST_TEST(established(table, {88}, 6514) == 0U);
    BOOST_TEST(established(table, {89}, 6634) == 0U);  // TIME_WAIT
    BOOST_TEST(established(table, {88, 89, 90}, 6634) == 2U);
    BOOST_TEST(established("", {88}, 6634) == 0U);
    BOOST_TEST(probe_server("tcp://x", ::getpid(), 6634).error != "");
}

BOOST_AUTO_TEST_CASE(outputs) {
    TemporaryDirectory directory;
    const std::string path = directory.path("log");
    BOOST_TEST(probe_syslog(path).error == "No such file or directory");
    BOOST_TEST(probe_json_file(path).error == "");
    BOOST_TEST(!std::ifstream(path).good());  // asked, not made
    BOOST_TEST(probe_json_file(directory.path(".")).error == "Is a directory");
    BOOST_TEST(probe_json_file(directory.path("none/log")).error != "");

    const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    BOOST_TEST_REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    BOOST_TEST(probe_syslog(path).error == "");
    ::close(fd);
    BOOST_TEST(probe_syslog(path).error == "nobody reads the socket");
    BOOST_TEST(probe_syslog(std::string(200, 'x')).error != "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
