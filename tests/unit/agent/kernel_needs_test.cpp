// SPDX-License-Identifier: Apache-2.0
// From EQL rules to kernel audit rules and proc connector messages, and which rules are blind where
// some of these are missing.
#include "collector/agent/kernel_needs.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/agent/options.hpp"
#include "collector/agent/own_files.hpp"
#include "collector/agent/rule_demand.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/feed/audit_rule_cover.hpp"
#include "collector/feed/audit_rules.hpp"
#include "tests/unit/agent/temporary_directory.hpp"

namespace audisp_eql::collector {
namespace {

std::shared_ptr<const detect::RuleSet> rule_set(const std::vector<std::string>& queries) {
    std::vector<detect::RuleSource> sources;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        const std::string id = std::to_string(i + 1);
        sources.push_back({id, "[rule]\nrule_id = \"00000000-0000-4000-8000-00000000000" + id +
                                   "\"\nname = \"rule " + id +
                                   "\"\nlanguage = \"eql\"\ntype = \"eql\"\nrisk_score = 1\n"
                                   "severity = \"low\"\nquery = '''" +
                                   queries[i] + "'''\n"});
    }
    std::vector<detect::RuleReport> reports;
    auto set = detect::RuleSet::build(sources, {}, reports);
    for (const auto& report : reports)
        for (const auto& diagnostic : report.diagnostics)
            BOOST_TEST_INFO(diagnostic.message);
    BOOST_REQUIRE(set->rules().size() == queries.size());
    return set;
}

std::vector<std::string> texts(const std::vector<NeededLine>& lines, std::string_view without) {
    std::vector<std::string> found;
    for (const NeededLine& line : lines) {
        std::string text = line.text;
        if (text.find(without) != std::string::npos || text.find("arch=b32") != std::string::npos)
            continue;
        for (const std::string_view word : {"-a always,exit -F arch=b64 -S ", "audisp-eql-"})
            if (const auto at = text.find(word); at != std::string::npos)
                text.erase(at, word.size());
        found.push_back(std::move(text));
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<AuditRuleBytes> in_kernel(const std::vector<NeededLine>& lines) {
    std::vector<AuditRuleBytes> rules;
    for (const NeededLine& line : lines)
        for (const AuditRule& rule : parse_audit_rules(line.text).rules)
            rules.push_back(rule.bytes);
    return rules;
}

RuleSight only_sight(const std::string& query, const KernelView& view) {
    const auto sights = sight_of_rules(*rule_set({query}), view);
    return sights.at(0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

#if defined(__x86_64__)

BOOST_AUTO_TEST_CASE(lines_of_one_rule) {
    using Lines = std::vector<std::string>;
    // 64-bit lines without executions, which every rule needs to know who acts.
    const struct {
        const char* query;
        Lines lines, expensive;
    } table[] = {
        {R"(process where event.action == "exec")", {}, {}},
        {R"(process where event.action == "fork" or event.type == "end" and event.action == "end")",
         {},
         {}},
        {R"(network where event.action == "connection_accepted")",
         {"accept,accept4 -F success=1 -k accept"},
         {}},
        {R"(network where event.action == "connection_attempted")",
         {"-a always,io_uring -S connect -k uring", "connect -F saddr_fam=10 -k net",
          "connect -F saddr_fam=2 -k net", "io_uring_enter -F saddr_fam=10 -k uring",
          "io_uring_enter -F saddr_fam=2 -k uring", "sendmmsg,sendto -F a3&0x20000000 -k tfo",
          "sendmsg -F a2&0x20000000 -k tfo"},
         {}},
        {R"(network where event.action == "bound-socket")",
         {"bind -F saddr_fam=10 -k bind", "bind -F saddr_fam=2 -k bind"},
         {}},
        {R"(network where event.action == "bound-socket" and auditd.data.socket.family == "unix")",
         {"bind -k bind"},
         {}},
        {R"(network where event.action == "sent-to")",
         {},
         {"sendmmsg,sendmsg,sendto -F saddr_fam=10 -k send",
          "sendmmsg,sendmsg,sendto -F saddr_fam=2 -k send"}},
        // The connector tells of these, as long as no field of the record is asked for.
        {R"(process where event.action in ("uid_change", "gid_change", "session_id_change"))",
         {},
         {}},
        {R"(process where event.action == "ptrace")", {}, {}},
        {R"(process where event.action == "ptrace" and auditd.data.a0 == "10")",
         {"ptrace -F a0=0x10 -k ptrace", "ptrace -F a0=0x4 -k ptrace",
          "ptrace -F a0=0x4206 -k ptrace", "ptrace -F a0=0x5 -k ptrace"},
         {}},
        {R"(process where event.action == "killed-pid")",
         {"kill,pidfd_send_signal,tkill -F a1!=0 -F a1!=23 -k signal",
          "tgkill -F a2!=0 -F a2!=23 -k signal"},
         {}},
        {R"(process where event.action == "memfd_create")",
         {"memfd_create -F success=1 -k memfd"},
         {}},
        {R"(driver where event.action == "load_module")",
         {"finit_module,init_module -F success=1 -k module"},
         {}},
        {R"(process where event.action == "mounted")", {"mount -k mount"}, {}},
        // By the name of the call: that call alone.
        {R"(process where auditd.data.syscall == "finit_module")",
         {"finit_module -F success=1 -k module"},
         {}},
        {R"(process where auditd.data.syscall in ("unshare", "setns"))",
         {"setns,unshare -k call"},
         {}},
        {R"(process where auditd.data.syscall == "prctl" and auditd.data.a0 in ("f", "16"))",
         {"prctl -F a0=0x16 -k call", "prctl -F a0=0xf -k call"},
         {}},
        {R"(process where auditd.data.syscall == "mprotect")", {}, {"mprotect -k call"}},
        {R"(process where auditd.data.syscall == "execve")", {}, {}},
        // What programs report by themselves.
        {R"(authentication where event.action == "user_login")", {}, {}},
        {R"(process where event.action == "violated-seccomp-policy")", {}, {}},

        // Files, by place and kind.
        {R"(file where event.action == "deletion" and file.path : "/etc/*")",
         {"rmdir,unlink,unlinkat -F success=1 -F dir=/etc -k file"},
         {}},
        {R"(file where event.action == "deletion" and process.name == "x")",
         {"rmdir,unlink,unlinkat -F success=1 -k file"},
         {}},
        {R"(file where event.action == "modification" and file.path == "/etc/passwd")",
         {"creat,openat2,truncate -F success=1 -F path=/etc/passwd -k file",
          "open -F a1&0x203 -F success=1 -F path=/etc/passwd -k file",
          "openat -F a2&0x203 -F success=1 -F path=/etc/passwd -k file"},
         {}},
        {R"(file where event.action == "open" and file.path == "/etc/shadow")",
         {"open,openat,openat2 -F success=1 -F path=/etc/shadow -k file"},
         {}},
        {R"(file where event.action == "open" and process.name == "x")",
         {},
         {"open,openat,openat2 -F success=1 -k file"}},
        {R"(file where event.action == "rename" and file.directory == "/dev/shm")",
         {"rename,renameat,renameat2 -F success=1 -F dir=/dev/shm -k file"},
         {}},
        {R"(file where event.action == "rename" and startsWith(file.path, "/opt/my app/"))",
         {"rename,renameat,renameat2 -F success=1 -F dir=/opt -k file"},
         {}},
        // The spelling of the rule, not the folded one.
        {R"(file where event.action == "rename" and file.path : "/etc/NetworkManager/*.sh")",
         {"rename,renameat,renameat2 -F success=1 -F dir=/etc/NetworkManager -k file"},
         {}},
        // A part that can only be met elsewhere does not widen it; one that may be anywhere does.
        {R"(file where event.action == "rename" and (file.path : "/a/b*" or file.path == "/c/d"))",
         {"rename,renameat,renameat2 -F path=/c/d -k file",
          "rename,renameat,renameat2 -F success=1 -F dir=/a -k file"},
         {}},
        {R"(file where (event.action == "rename" and file.path : "/a/*") or
                       (event.action == "deletion" and process.name == "x"))",
         {"rename,renameat,renameat2 -F success=1 -F dir=/a -k file",
          "rmdir,unlink,unlinkat -F success=1 -k file"},
         {}},
        {R"(file where event.action == "rename" and file.path : ("/a/*", "*.sh"))",
         {"rename,renameat,renameat2 -F success=1 -k file"},
         {}},
        {R"(file where event.action == "rename" and not file.path : "/a/*")",
         {"rename,renameat,renameat2 -F success=1 -k file"},
         {}},
        {R"(file where event.action == "rename" and file.path : ("/a/*", "?:\\Windows\\*"))",
         {"rename,renameat,renameat2 -F success=1 -F dir=/a -k file"},
         {}},
        // Nothing says that it means reads.
        {R"(file where event.type != "deletion" and event.action != "modification" and
                       event.type != "change" and file.path == "/etc/x")",
         {"creat,link,linkat,mkdir,mkdirat,mknod,mknodat,openat2,symlink,symlinkat -F success=1 "
          "-F path=/etc/x -k file",
          "open -F a1&0x40 -F success=1 -F path=/etc/x -k file",
          "openat -F a2&0x40 -F success=1 -F path=/etc/x -k file"},
         {}},
        // Every part of a sequence, and what `descendant of` begins with.
        {R"(sequence by process.entity_id with maxspan=1m
             [process where event.action == "memfd_create"]
             ![process where event.action == "mounted"]
             until [file where event.action == "deletion" and file.path == "/run/x"])",
         {"memfd_create -F success=1 -k memfd", "mount -k mount",
          "rmdir,unlink,unlinkat -F path=/run/x -k file"},
         {}},
        {R"(process where event.action == "exec" and
              descendant of [process where event.action == "memfd_create"])",
         {"memfd_create -F success=1 -k memfd"},
         {}},
        {R"(process where event.action == "exec" and process.Ext.stdio.type == "inet")",
         {},
         {"dup -F exit<=2 -F success=1 -k stdio", "dup2,dup3 -F a1<=2 -F success=1 -k stdio",
          "socket -F a0=10 -F success=1 -k stdio", "socket -F a0=2 -F success=1 -k stdio"}},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.query) {
            const auto needs = kernel_needs(*rule_set({row.query}), {});
            BOOST_TEST(texts(needs.lines, "-k audisp-eql-exec") == row.lines,
                       boost::test_tools::per_element());
            BOOST_TEST(texts(needs.expensive, "-k audisp-eql-exec") == row.expensive,
                       boost::test_tools::per_element());
            // All of it is taken by the reader of rules.
            for (const auto* lines : {&needs.lines, &needs.expensive})
                for (const NeededLine& line : *lines) {
                    const auto parsed = parse_audit_rules(line.text);
                    BOOST_TEST(parsed.rules.size() == 1U);
                    BOOST_TEST(parsed.notes.empty());
                }
        }
}

BOOST_AUTO_TEST_CASE(lines_of_many_rules_are_one_set) {
    const auto set = rule_set({
        R"(file where event.action == "rename" and file.path : "/etc/cron.d/*")",
        R"(file where event.action == "rename" and file.path : "/etc/*")",
        R"(file where event.action == "deletion" and file.path == "/etc/cron.d/x")",
        R"(file where event.action == "creation" and file.path : "/etc/*")",
        R"(file where event.action == "modification" and file.path : "/etc/*")",
        R"(file where event.action == "creation" and process.name == "x")",
    });
    const std::vector<std::string> narrow{
        "creat,mkdir,mkdirat,openat2",  // of the longest, only its beginning
        "open -F a1&0x243 -F success=1 -F dir=/etc -k file",
        "openat -F a2&0x243 -F success=1 -F dir=/etc -k file",
        "rmdir,unlink,unlinkat -F path=/etc/cron.d/x -k file"};
    const KernelNeeds needs = kernel_needs(*set, {});
    const auto lines = texts(needs.lines, "-k audisp-eql-exec");
    for (std::size_t i = 1; i < narrow.size(); ++i)
        BOOST_TEST((std::find(lines.begin(), lines.end(), narrow[i]) != lines.end()), narrow[i]);
    for (const std::string& line : lines)
        BOOST_TEST(line.find("dir=/etc/cron.d") == std::string::npos, line);
    const auto rename =
        std::find_if(needs.lines.begin(), needs.lines.end(), [](const NeededLine& line) {
            return line.text.find("rename") != std::string::npos &&
                   line.text.find("dir=/etc ") != std::string::npos;
        });
    BOOST_REQUIRE((rename != needs.lines.end()));
    const std::vector<std::uint32_t> in_etc{0, 1, 3, 4};
    BOOST_TEST(rename->rules == in_etc, boost::test_tools::per_element());
    BOOST_TEST(texts(needs.expensive, "-k audisp-eql-exec").size() == 3U);

    // With the expensive ones, /etc needs no creation of its own any more.
    const KernelNeeds all = kernel_needs(*set, {.expensive = true});
    BOOST_TEST(all.expensive.empty());
    const auto wide = texts(all.lines, "-k audisp-eql-exec");
    for (const char* line : {"openat -F a2&0x40 -F success=1 -k file",
                             "openat -F a2&0x203 -F success=1 -F dir=/etc -k file"})
        BOOST_TEST((std::find(wide.begin(), wide.end(), line) != wide.end()), line);
}

BOOST_AUTO_TEST_CASE(the_connector_or_audit) {
    const auto set = rule_set({R"(process where event.action in ("fork", "uid_change"))",
                               R"(process where event.action in ("ptrace", "coredump"))"});
    const KernelNeeds with = kernel_needs(*set, {});
    BOOST_TEST(texts(with.lines, "-k audisp-eql-exec").empty());
    const auto bit = [](ProcEvent::What what) { return static_cast<std::uint32_t>(what); };
    BOOST_TEST((with.proc_events & kAllProcEvents) ==
               (bit(ProcEvent::What::ptrace) | bit(ProcEvent::What::coredump)));
    const auto without =
        texts(kernel_needs(*set, {.proc_connector = false}).lines, "-k audisp-eql-exec");
    const std::vector<std::string> expected{"clone,clone3,fork,vfork -F success=1 -k fork",
                                            "ptrace -F a0=0x10 -k ptrace",
                                            "ptrace -F a0=0x4 -k ptrace",
                                            "ptrace -F a0=0x4206 -k ptrace",
                                            "ptrace -F a0=0x5 -k ptrace",
                                            "setresuid,setreuid,setuid -F success=1 -k ids"};
    BOOST_TEST(without == expected, boost::test_tools::per_element());
    // Where a rule looks at the record of the call, the connector must not tell of it first.
    const auto record = rule_set({R"(process where event.action == "ptrace")",
                                  R"(process where auditd.data.syscall == "ptrace")"});
    BOOST_TEST((kernel_needs(*record, {}).proc_events & bit(ProcEvent::What::ptrace)) == 0U);
    BOOST_TEST(kernel_needs(*rule_set({}), {}).lines.empty());
}

BOOST_AUTO_TEST_CASE(the_example_is_what_its_rules_need) {
    const LoadedRules rules = load_rule_set(
        {SOURCE_DIR "/rules/potential_reverse_shell_via_suspicious_binary.toml",
         SOURCE_DIR "/rules/potential_reverse_shell_via_suspicious_parent_process.toml"},
        false);
    BOOST_REQUIRE(!rules.broken());
    std::ifstream file(SOURCE_DIR "/rules/audisp-eql.rules");
    std::string licence;
    std::getline(file, licence);
    const std::string example{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST(example == audit_rules_text(kernel_needs(*rules.set, {}), *rules.set));
}

BOOST_AUTO_TEST_CASE(a_run_watches_its_own_files_too_and_that_is_told) {
    const TemporaryDirectory files;
    files.write("agent.conf", "");
    files.write("rules/one.toml", "");
    files.write("rules/exceptions.toml", "");
    Settings settings;
    settings.config = files.path("agent.conf");
    settings.rules = {files.path("rules")};
    settings.exceptions = {files.path("rules/exceptions.toml")};
    const auto set = rule_set({R"(process where event.action == "exec")"});
    const KernelNeeds asked = kernel_needs(*set, {});
    const KernelNeeds all = needs_of_run(settings, *set);
    // A directory and a file, the exceptions lie in that directory; for programs of both word
    // sizes.
    BOOST_REQUIRE(all.lines.size() == asked.lines.size() + 4);
    std::size_t watches = 0;
    for (const NeededLine& line : all.lines) {
        const bool of_directory =
            line.text.find(" -F dir=" + files.path("rules") + " ") != std::string::npos;
        const bool of_file =
            line.text.find(" -F path=" + files.path("agent.conf") + " ") != std::string::npos;
        if (!of_directory && !of_file)
            continue;
        BOOST_TEST((&line - all.lines.data()) < 4);
        BOOST_TEST(line.text.ends_with(" -F perm=w -k audisp-eql-own-files"));
        ++watches;
    }
    BOOST_TEST(watches == 4U);
    BOOST_TEST(in_kernel(all.lines).size() == all.lines.size());
    const std::string text = audit_rules_text(all, *set);
    for (const NeededLine& line : all.lines)
        BOOST_TEST(text.find("\n" + line.text + "\n") != std::string::npos);
    BOOST_TEST(text.find("# For: \n") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(which_rules_are_blind) {
    const std::string connect = R"(network where event.action == "connection_attempted")";
    KernelView all;
    all.audit_rules = in_kernel(kernel_needs(*rule_set({connect}), {}).lines);
    BOOST_TEST((only_sight(connect, all).sight == Sight::whole));
    BOOST_TEST(only_sight(connect, all).missing.empty());

    // Somebody else's rules count: without the doors, not all is seen.
    KernelView others;
    others.audit_rules = in_kernel(
        {{"-a always,exit -F arch=b64 -S connect,execve,execveat "
          "-k audisp-eql-x",
          "",
          {},
          false},
         {"-a always,exit -F arch=b32 -S execve,execveat -k audisp-eql-x", "", {}, false}});
    RuleSight sight = only_sight(connect, others);
    BOOST_TEST((sight.sight == Sight::partial));
    BOOST_REQUIRE(sight.missing.size() == 1U);
    BOOST_TEST(sight.missing[0].find("of 32-bit programs") != std::string::npos);
    sight = only_sight(R"(process where event.action == "exec")", others);
    BOOST_TEST((sight.sight == Sight::whole));

    const KernelView nothing;
    sight = only_sight(connect, nothing);
    BOOST_TEST((sight.sight == Sight::blind));
    BOOST_TEST(sight.missing.at(0).find("no audit rule reports connect") == 0U);
    const std::string pair =
        "sequence by process.entity_id [process where event.action == "
        "\"exec\"] [process where event.action == \"end\"]";
    KernelView no_connector = all;
    no_connector.proc_connector = false;
    sight = only_sight(pair, no_connector);
    BOOST_TEST((sight.sight == Sight::blind));
    BOOST_TEST(sight.missing.at(0) == "the proc connector is not read: no end events");
    KernelView no_audit;
    no_audit.audit = false;
    sight = only_sight(R"(process where event.action == "fork")", no_audit);
    BOOST_TEST((sight.sight == Sight::partial));  // it has no names
    BOOST_TEST((only_sight(R"(authentication where true)", no_audit).sight == Sight::blind));
    // What a missing event needs is no condition of a match, but a match may then be false.
    sight = only_sight(
        "sequence by process.entity_id with maxspan=1s [process where event.action "
        "== \"fork\"] ![process where event.action == \"mounted\"]",
        all);
    BOOST_TEST((sight.sight == Sight::partial));

    const auto set = rule_set({connect, R"(process where event.action == "mounted")"});
    const auto lines = sight_lines(*set, sight_of_rules(*set, all));
    BOOST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(lines[0].find("rule 'rule 2' is blind here: no audit rule reports mount") == 0U);
}

BOOST_AUTO_TEST_CASE(one_audit_rule_covers_another) {
    const struct {
        const char* present;
        const char* needed;
        bool covered;
    } table[] = {
        {"-a always,exit -F arch=b64 -S execve", "-a always,exit -F arch=b64 -S execve", true},
        {"-a always,exit -S execve", "-a always,exit -F arch=b64 -S execve -F success=1", true},
        {"-a always,exit -F arch=b32 -S execve", "-a always,exit -F arch=b64 -S execve", false},
        {"-a always,exit -F arch=b64 -S execve -F auid>=1000",
         "-a always,exit -F arch=b64 -S execve", false},
        {"-a never,exit -F arch=b64 -S execve", "-a always,exit -F arch=b64 -S execve", false},
        {"-a always,exit -F arch=b64 -S execve", "-a always,exit -F arch=b64 -S execve,execveat",
         false},
        {"-a always,exit -S openat -F dir=/etc", "-a always,exit -S openat -F dir=/etc/cron.d",
         true},
        {"-a always,exit -S openat -F dir=/etc/", "-a always,exit -S openat -F path=/etc/passwd",
         true},
        {"-a always,exit -S openat -F dir=/etc", "-a always,exit -S openat -F dir=/etcetera",
         false},
        {"-a always,exit -S openat -F path=/etc/a", "-a always,exit -S openat -F path=/etc/b",
         false},
        {"-a always,exit -S openat -F a2&0x243", "-a always,exit -S openat -F a2&0x40", true},
        {"-a always,exit -S openat -F a2&0x40", "-a always,exit -S openat -F a2&0x243", false},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.present << " for " << row.needed) {
            const auto present = parse_audit_rules(std::string(row.present) + " -k audisp-eql-a");
            const auto needed = parse_audit_rules(std::string(row.needed) + " -k audisp-eql-b");
            BOOST_REQUIRE(present.rules.size() == 1U);
            BOOST_REQUIRE(needed.rules.size() == 1U);
            BOOST_TEST(covers(present.rules[0].bytes, needed.rules[0].bytes) == row.covered);
        }
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
