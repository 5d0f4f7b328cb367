// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/decode.hpp"

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/unit/audit/event_collector.hpp"

namespace {

using namespace audisp_eql::collector;
using audisp_eql::collector::test::event_of;

std::string text_of(const Untrusted& value) {
    std::string text;
    return value.append_to(text) ? text : "(none)";
}

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(a_syscall_record_is_read_whole) {
    const auto syscall = parse_syscall(
        "arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=7ffe5e1a1d60 a2=10 "
        "a3=ffffffffffffffff items=0 ppid=23224 pid=23310 auid=1000 uid=1001 gid=1002 euid=1003 "
        "suid=1 fsuid=2 egid=1004 sgid=3 fsgid=4 tty=pts0 ses=356 comm=72656E20616D6564 "
        "exe=\"/tmp/reverse.elf\" key=\"net\"");
    BOOST_REQUIRE(syscall);
    BOOST_TEST(syscall->arch == 0xc000003eU);
    BOOST_TEST(syscall->number == 42);
    BOOST_REQUIRE(syscall->success);
    BOOST_TEST(!*syscall->success);
    BOOST_TEST(syscall->exit == -115);
    BOOST_TEST(syscall->args[0] == 3u);
    BOOST_TEST(syscall->args[3] == UINT64_MAX);
    BOOST_TEST(syscall->ppid == 23224);
    BOOST_TEST(syscall->pid == 23310);
    BOOST_TEST(syscall->auid == 1000u);
    BOOST_TEST(syscall->uid == 1001u);
    BOOST_TEST(syscall->gid == 1002u);
    BOOST_TEST(syscall->euid == 1003u);
    BOOST_TEST(syscall->egid == 1004u);
    BOOST_TEST(syscall->session == 356u);
    BOOST_TEST(syscall->tty == "pts0");
    BOOST_TEST(text_of(syscall->comm) == "ren amed");
    BOOST_TEST(text_of(syscall->exe) == "/tmp/reverse.elf");
    BOOST_TEST(text_of(syscall->key) == "net");
}

std::string dump(const std::optional<SyscallRecord>& record) {
    if (!record)
        return "none";
    std::string text;
    const auto number = [&text](auto value) { text += std::to_string(value) + ' '; };
    const auto untrusted = [&text](const Untrusted& value) {
        text += std::string(value.text) + (value.quoted ? "\" " : " ");
    };
    number(record->arch);
    number(record->number);
    text += !record->success ? "? " : *record->success ? "yes " : "no ";
    number(record->exit);
    for (const std::uint64_t argument : record->args)
        number(argument);
    number(record->ppid);
    number(record->pid);
    for (const std::uint32_t id :
         {record->auid, record->uid, record->gid, record->euid, record->egid, record->session})
        number(id);
    text += std::string(record->tty) + ' ';
    untrusted(record->comm);
    untrusted(record->exe);
    untrusted(record->key);
    return text;
}

// A record of the usual form is read by a way of its own, which an unknown field in front bars.
BOOST_AUTO_TEST_CASE(a_usual_syscall_record_is_read_like_any_other) {
    const std::vector<std::string> records{
        "arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=7ffe5e1a1d60 a2=10 "
        "a3=ffffffffffffffff items=0 ppid=23224 pid=23310 auid=1000 uid=1001 gid=1002 euid=1003 "
        "suid=1 fsuid=2 egid=1004 sgid=3 fsgid=4 tty=pts0 ses=356 comm=72656E20616D6564 "
        "exe=\"/tmp/reverse.elf\" subj=unconfined key=\"net\"",
        "arch=40000003 syscall=11 success=yes exit=0 a0=0 a1=1 a2=2 a3=3 items=2 ppid=1 pid=2 "
        "auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) "
        "ses=4294967295 comm=\"x y\" exe=(null) key=(null)"};
    std::mt19937 random(1);
    const auto below = [&random](std::size_t limit) { return random() % limit; };
    static constexpr std::string_view kBytes = " =\"'09afAFxk?-\x1d";
    std::size_t told = 0;
    for (std::size_t i = 0; i < 20'000; ++i) {
        std::string body = records[i % records.size()];
        for (std::size_t changes = below(4); changes > 0; --changes) {
            const std::size_t at = below(body.size());
            switch (below(3)) {
                case 0:
                    body[at] = kBytes[below(kBytes.size())];
                    break;
                case 1:
                    body.insert(at, 1, kBytes[below(kBytes.size())]);
                    break;
                default:
                    body.erase(at, 1 + below(8));
                    break;
            }
        }
        const std::string by_table = "none=0 " + body;
        BOOST_TEST(dump(parse_syscall(body)) == dump(parse_syscall(by_table)), body);
        told += parse_syscall(body) ? 1 : 0;
    }
    BOOST_TEST(told > 5'000);
}

BOOST_AUTO_TEST_CASE(what_a_syscall_record_does_not_say_stays_unset) {
    const auto syscall = parse_syscall(
        "arch=40000003 syscall=11 ppid=1 pid=2 auid=4294967295 uid=0 tty=(none) ses=4294967295 "
        "comm=\"x\" exe=(null) key=(null)");
    BOOST_REQUIRE(syscall);
    BOOST_TEST(!syscall->success);
    BOOST_TEST(syscall->auid == kUnsetId);
    BOOST_TEST(syscall->session == kUnsetId);
    BOOST_TEST(syscall->euid == kUnsetId);
    BOOST_TEST(syscall->tty.empty());
    BOOST_TEST(text_of(syscall->exe) == "(none)");
    BOOST_TEST(text_of(syscall->key) == "(none)");
    for (const char* wrong :
         {"", "arch=c000003e syscall=42", "syscall=42 pid=1", "arch=c000003e pid=1",
          "arch=c000003e syscall=42 pid=0", "arch=c000003e syscall=42 pid=x"})
        BOOST_CHECK_MESSAGE(!parse_syscall(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(a_repeated_key_does_not_replace_the_first) {
    const auto syscall =
        parse_syscall("arch=c000003e syscall=59 pid=10 uid=1000 uid=0 pid=1 exe=\"/a\" exe=\"/b\"");
    BOOST_REQUIRE(syscall);
    BOOST_TEST(syscall->pid == 10);
    BOOST_TEST(syscall->uid == 1000u);
    BOOST_TEST(text_of(syscall->exe) == "/a");
}

BOOST_AUTO_TEST_CASE(path_records_are_read) {
    const auto path = parse_path(
        "item=0 name=\"/bin/sh\" inode=10979113 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 "
        "nametype=NORMAL cap_fp=0");
    BOOST_REQUIRE(path);
    BOOST_TEST(path->item == 0);
    BOOST_TEST(text_of(path->name) == "/bin/sh");
    BOOST_TEST(path->inode == 10979113u);
    BOOST_TEST(path->device == "fe:00");
    BOOST_TEST(path->nametype == "NORMAL");
    const auto memfd = parse_path("item=0 name=\"\" inode=5 dev=00:01 nametype=NORMAL");
    BOOST_REQUIRE(memfd);
    BOOST_TEST(text_of(memfd->name) == "");
    BOOST_TEST(!parse_path("name=\"/bin/sh\""));
}

BOOST_AUTO_TEST_CASE(several_keys_come_apart) {
    std::string buffer;
    std::vector<std::string_view> keys;
    decode_keys({"6578656301736E6570", false}, buffer, keys);
    BOOST_REQUIRE(keys.size() == 2u);
    BOOST_TEST(keys[0] == "exec");
    BOOST_TEST(keys[1] == "snep");
    keys.clear();
    decode_keys({"one", true}, buffer, keys);
    BOOST_REQUIRE(keys.size() == 1u);
    BOOST_TEST(keys[0] == "one");
    keys.clear();
    decode_keys({"(null)", false}, buffer, keys);
    BOOST_TEST(keys.empty());
}

BOOST_AUTO_TEST_CASE(socket_addresses_are_decoded_by_family_and_length) {
    using Family = SocketAddress::Family;
    struct Row {
        const char* what;
        const char* hex;
        bool good;
        Family family;
        const char* ip;
        int port;
        const char* path;
    };
    for (const Row& row : std::vector<Row>{
             {"inet", "02001092C63364010000000000000000", true, Family::inet, "198.51.100.1", 4242,
              ""},
             {"inet without padding", "02001092C6336401", true, Family::inet, "198.51.100.1", 4242,
              ""},
             {"inet too short", "02001092C63364", false, {}, "", 0, ""},
             {"inet6",
              "0A00BE530000000020010DB8005100000000000000000001"
              "00000000",
              true, Family::inet6, "2001:db8:51::1", 0xbe53, ""},
             {"inet6 without scope", "0A00BE530000000020010DB8005100000000000000000001", true,
              Family::inet6, "2001:db8:51::1", 0xbe53, ""},
             {"inet6 too short",
              "0A00BE530000000020010DB80051000000000000000000",
              false,
              {},
              "",
              0,
              ""},
             {"v4-mapped", "0A0010920000000000000000000000000000FFFFC633640100000000", true,
              Family::inet, "198.51.100.1", 4242, ""},
             {"loopback 6",
              "0A00005000000000"
              "00000000000000000000000000000001"
              "00000000",
              true, Family::inet6, "::1", 80, ""},
             {"unix", "01002F6465762F6C6F6700", true, Family::unix_domain, "", 0, "/dev/log"},
             {"unix without its end", "01002F6465762F6C6F67", true, Family::unix_domain, "", 0,
              "/dev/log"},
             {"unix with rubbish behind", "01002F6100FFEE", true, Family::unix_domain, "", 0, "/a"},
             {"abstract", "01000061622F6300000000", true, Family::unix_domain, "", 0, "@ab/c"},
             {"unnamed", "0100", true, Family::unix_domain, "", 0, ""},
             {"autobind", "010000", true, Family::unix_domain, "", 0, ""},
             {"disconnect", "00000000000000000000000000000000", true, Family::unspecified, "", 0,
              ""},
             {"netlink", "100000000000000000000000", true, Family::other, "", 0, ""},
             {"big-endian host", "00021092C63364010000000000000000", true, Family::inet,
              "198.51.100.1", 4242, ""},
             {"no such family", "0A02109200000000", true, Family::other, "", 0, ""},
             {"family only half", "02", false, {}, "", 0, ""},
             {"empty", "", false, {}, "", 0, ""},
             {"odd", "02001092C633640100000000000000000", false, {}, "", 0, ""},
             {"not hex", "zz001092C63364010000000000000000", false, {}, "", 0, ""},
         }) {
        BOOST_TEST_CONTEXT(row.what) {
            const auto address = decode_sockaddr(row.hex);
            BOOST_TEST(address.has_value() == row.good);
            if (address) {
                BOOST_CHECK(address->family == row.family);
                BOOST_TEST(address->ip == row.ip);
                BOOST_TEST(address->port == row.port);
                BOOST_TEST(address->path == row.path);
            }
        }
    }
    BOOST_TEST(!decode_sockaddr(std::string(2 * 129, '0')));
}

BOOST_AUTO_TEST_CASE(an_accept_without_address_has_no_peer) {
    // accept(fd, NULL, NULL): the kernel writes no SOCKADDR.
    const AuditEvent accept = event_of({{audit_type::kSyscall, "arch=c000003e syscall=43 pid=5"},
                                        {audit_type::kProctitle, "proctitle=\"x\""}});
    BOOST_TEST(!socket_address(accept));
    const AuditEvent enriched = event_of(
        {{audit_type::kSockaddr,
          "saddr=02001092C63364010000000000000000\x1dSADDR={ saddr_fam=inet laddr=203.0.113.9 "
          "lport=1 }"}});
    const auto address = socket_address(enriched);
    BOOST_REQUIRE(address);
    BOOST_TEST(address->ip == "198.51.100.1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
