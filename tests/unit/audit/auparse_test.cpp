// SPDX-License-Identifier: Apache-2.0
// The same recording read by us and by libauparse, the audit project's own reader: both must say
// the same of every event.
#include <auparse.h>
#include <map>
#include <string>
#include <vector>
#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <libaudit.h>

#include "collector/audit/decode.hpp"
#include "tests/unit/audit/event_collector.hpp"

namespace {

using namespace audisp_eql::collector;
using audisp_eql::collector::test::AssemblerBench;

struct Facts {
    std::string pid, ppid, uid, success, comm, exe, cwd, address, args;
    bool operator==(const Facts&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Facts& facts) {
    return out << "pid " << facts.pid << " ppid " << facts.ppid << " uid " << facts.uid
               << " success " << facts.success << " comm " << facts.comm << " exe " << facts.exe
               << " cwd " << facts.cwd << " address " << facts.address << " args " << facts.args;
}
using FactsBySerial = std::map<std::uint64_t, Facts>;

// The audit lines of a recording.
std::string audit_lines(const std::string& path) {
    std::string text;
    const gzFile file = gzopen(path.c_str(), "rb");
    BOOST_REQUIRE_MESSAGE(file, path);
    std::string line(64 * 1024, '\0');
    while (gzgets(file, line.data(), static_cast<int>(line.size()))) {
        const std::string_view got(line.c_str());
        if (got.find(" msg=audit(") != std::string_view::npos)
            text += got;
    }
    gzclose(file);
    return text;
}

std::string decoded(const Untrusted& value) {
    std::string text;
    return value.append_to(text) ? text : std::string(value.text);
}

FactsBySerial our_facts(const std::string& text) {
    AssemblerBench bench;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        bench.line(std::string_view(text).substr(at, end - at));
        at = end + 1;
    }
    bench.assembler.finish();
    FactsBySerial all;
    Arguments arguments;
    for (const AuditEvent& event : bench.sink.events) {
        const auto syscall = parse_syscall(event.body_of(audit_type::kSyscall));
        if (!syscall)
            continue;
        Facts& facts = all[event.key().serial];
        facts.pid = std::to_string(syscall->pid);
        facts.ppid = std::to_string(syscall->ppid);
        facts.uid = std::to_string(syscall->uid);
        facts.success = syscall->success.value_or(false) ? "yes" : "no";
        facts.comm = decoded(syscall->comm);
        facts.exe = decoded(syscall->exe);
        FieldCursor cwd(event.body_of(audit_type::kCwd));
        if (cwd.next())
            facts.cwd = decoded({cwd.value, cwd.quoted});
        if (decode_arguments(event, arguments))
            facts.args = arguments.command_line;
        const auto address = socket_address(event);
        if (address && address->is_inet())
            facts.address = address->ip + " " + std::to_string(address->port);
    }
    return all;
}

// The value as libauparse interprets it.
std::string interpreted(auparse_state_t* state, const char* name) {
    auparse_first_field(state);
    return auparse_find_field(state, name) ? auparse_interpret_field(state) : "";
}
std::string as_it_stands(auparse_state_t* state, const char* name) {
    auparse_first_field(state);
    return auparse_find_field(state, name) ? auparse_get_field_str(state) : "";
}

void read_record(auparse_state_t* state, Facts& facts) {
    switch (auparse_get_type(state)) {
        case AUDIT_SYSCALL:
            facts.pid = as_it_stands(state, "pid");
            facts.ppid = as_it_stands(state, "ppid");
            facts.uid = as_it_stands(state, "uid");
            facts.success = as_it_stands(state, "success");
            facts.comm = interpreted(state, "comm");
            facts.exe = interpreted(state, "exe");
            break;
        case AUDIT_CWD:
            facts.cwd = interpreted(state, "cwd");
            break;
        case AUDIT_EXECVE:
            for (int i = 0; i < std::stoi(as_it_stands(state, "argc")); ++i)
                facts.args +=
                    (i ? " " : "") + interpreted(state, ("a" + std::to_string(i)).c_str());
            break;
        case AUDIT_SOCKADDR: {
            // "{ saddr_fam=inet laddr=198.51.100.1 lport=4242 }"
            const std::string text = interpreted(state, "saddr");
            const std::size_t address = text.find("laddr="), port = text.find(" lport=");
            if (address != std::string::npos && port != std::string::npos)
                facts.address = text.substr(address + 6, port - address - 6) + " " +
                                text.substr(port + 7, text.find(' ', port + 1) - port - 7);
            break;
        }
        default:
            break;
    }
}

FactsBySerial their_facts(const std::string& text) {
    FactsBySerial all;
    auparse_state_t* state = auparse_init(AUSOURCE_BUFFER, text.c_str());
    BOOST_REQUIRE(state);
    auparse_set_escape_mode(state, AUPARSE_ESC_RAW);
    while (auparse_next_event(state) > 0) {
        Facts facts;
        bool is_syscall = false;
        auparse_first_record(state);
        do {
            is_syscall = is_syscall || auparse_get_type(state) == AUDIT_SYSCALL;
            read_record(state, facts);
        } while (auparse_next_record(state) > 0);
        if (is_syscall)
            all[auparse_get_serial(state)] = facts;
    }
    auparse_destroy(state);
    return all;
}

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(libauparse_reads_the_same) {
    for (const char* name : {"x86_socketcall_ssh.capture.gz", "java_runtime_ssh.capture.gz",
                             "nc_renamed_tmp_ssh.capture.gz"}) {
        BOOST_TEST_CONTEXT(name) {
            const std::string text = audit_lines(std::string(TEST_DATA "/captures/") + name);
            const FactsBySerial ours = our_facts(text);
            const FactsBySerial theirs = their_facts(text);
            BOOST_TEST(ours.size() > 40u);
            BOOST_TEST(ours.size() == theirs.size());
            for (const auto& [serial, facts] : ours) {
                const auto found = theirs.find(serial);
                BOOST_REQUIRE_MESSAGE(found != theirs.end(), serial);
                BOOST_TEST_CONTEXT(serial) {
                    BOOST_TEST(facts == found->second);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
