// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_rules.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <libaudit.h>

#include "tests/unit/feed/fake_audit_control.hpp"

namespace audisp_eql::collector {
namespace {

const audit_rule_data& data_of(const AuditRuleBytes& bytes) {
    return *reinterpret_cast<const audit_rule_data*>(bytes.data());
}

// "list action call,call field op value …" as the kernel would read it.
std::string shown(const AuditRuleBytes& bytes) {
    const audit_rule_data& rule = data_of(bytes);
    std::string text = std::to_string(rule.flags) + "/" + std::to_string(rule.action);
    std::uint32_t calls = 0;
    std::string numbers;
    for (std::uint32_t number = 0; number < AUDIT_BITMASK_SIZE * 32; ++number)
        if ((rule.mask[AUDIT_WORD(number)] & AUDIT_BIT(number)) != 0) {
            ++calls;
            numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
        }
    text += " calls=" + (calls == AUDIT_BITMASK_SIZE * 32 ? std::string("all") : numbers);
    for (std::uint32_t i = 0; i < rule.field_count; ++i) {
        const char* name = ::audit_field_to_name(static_cast<int>(rule.fields[i]));
        const char* op = ::audit_operator_to_symbol(static_cast<int>(rule.fieldflags[i]));
        text += std::string(" ") + name + op + std::to_string(rule.values[i]);
    }
    return text;
}

// A rule of somebody else, with a string before its key and another beside it.
AuditRuleBytes rule_with_key(std::string_view key) {
    const auto parsed = parse_audit_rules(
        "-a always,exit -S connect -F exe=/usr/bin/true "
        "-k audisp-eql-x");
    BOOST_REQUIRE(parsed.rules.size() == 1U);
    AuditRuleBytes bytes = parsed.rules[0].bytes;
    auto* rule = reinterpret_cast<audit_rule_data*>(bytes.data());
    const std::uint32_t own = rule->values[rule->field_count - 1];
    rule->values[rule->field_count - 1] = static_cast<std::uint32_t>(key.size());
    rule->buflen = rule->buflen - own + static_cast<std::uint32_t>(key.size());
    bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(own), bytes.end());
    bytes.insert(bytes.end(), key.begin(), key.end());
    return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(feed)

#if defined(__x86_64__)
BOOST_AUTO_TEST_CASE(audit_rules_in_the_kernels_form) {
    // arch c000003e = 3221225534, 40000003 = 1073741827; list 4 exit, action 2 always, 0 never
    const struct {
        const char* line;
        const char* expected;
    } table[] = {
        {"-a always,exit -F arch=b64 -S execve,execveat -F success=1 -k audisp-eql-exec",
         "4/2 calls=59,322 arch=3221225534 success=1 key=15"},
        {"-a exit,always -F arch=b32 -S connect -F saddr_fam=10 -k audisp-eql-net",
         "4/2 calls=362 arch=1073741827 saddr_fam=10 key=14"},
        {"-a always,exit -F arch=b32 -S socketcall -F a0=3 -k audisp-eql-net",
         "4/2 calls=102 arch=1073741827 a0=3 key=14"},
        {"-a always,exit -F arch=b64 -S sendto,sendmmsg -F a3&0x20000000 -k audisp-eql-tfo",
         "4/2 calls=44,307 arch=3221225534 a3&536870912 key=14"},
        {"-a always,exit -S accept -S accept4 -k audisp-eql", "4/2 calls=43,288 key=10"},
        {"-a always,io_uring -S connect -k audisp-eql-uring", "7/2 calls=16 key=16"},
        {"-a never,exit -F exe=/usr/bin/true -k audisp-eql-self", "4/0 calls=all exe=13 key=15"},
        {"-a always,exit -F auid!=1000 -F arch=b64 -S execve -k audisp-eql-x",
         "4/2 calls=59 auid!=1000 arch=3221225534 key=12"},
    };
    for (const auto& row : table) {
        const ParsedAuditRules parsed = parse_audit_rules(row.line);
        BOOST_TEST_CONTEXT(row.line) {
            BOOST_TEST(parsed.notes.empty());
            BOOST_REQUIRE(parsed.rules.size() == 1U);
            BOOST_TEST(shown(parsed.rules[0].bytes) == row.expected);
            BOOST_TEST(key_of(parsed.rules[0].bytes).starts_with("audisp-eql"));
            BOOST_TEST(is_own_rule(parsed.rules[0].bytes));
        }
    }
}
#endif

BOOST_AUTO_TEST_CASE(audit_rules_left_out_with_line_and_reason) {
    const struct {
        const char* line;
        const char* reason;
    } table[] = {
        {"-a always,exit -S nosuchcall -k audisp-eql-x", "no system call nosuchcall"},
        {"-a always,exit -F nosuchfield=1 -k audisp-eql-x", "the field 'nosuchfield=1'"},
        {"-a always,exit -F arch=b65 -S connect -k audisp-eql-x", "arch b65"},
        {"-a always -S connect -k audisp-eql-x", "not list,action"},
        {"-a perhaps,exit -S connect -k audisp-eql-x", "not list,action"},
        {"-a always,exit -S connect -k somebody", "must begin with 'audisp-eql'"},
        {"-a always,exit -S connect", "must begin with 'audisp-eql'"},
        {"-S connect -k audisp-eql-x", "'-a list,action' is missing"},
        {"-a always,exit -S", "'-S' needs a value"},
        {"-w /etc/passwd -k audisp-eql-x", "'-w' is not understood here"},
    };
    for (const auto& row : table) {
        const ParsedAuditRules parsed = parse_audit_rules("# comment\n\n" + std::string(row.line));
        BOOST_TEST_CONTEXT(row.line) {
            BOOST_TEST(parsed.rules.empty());
            BOOST_REQUIRE(parsed.notes.size() == 1U);
            BOOST_TEST(parsed.notes[0].find("line 3 ") != std::string::npos, parsed.notes[0]);
            BOOST_TEST(parsed.notes[0].find(row.reason) != std::string::npos, parsed.notes[0]);
        }
    }
    // Settings are not this text's to set.
    const auto settings = parse_audit_rules("-D\n-b 100\n--backlog_wait_time 0\n-f 2\n");
    BOOST_TEST(settings.rules.empty());
    BOOST_TEST(settings.notes.empty());
}

BOOST_AUTO_TEST_CASE(audit_rules_of_this_program_are_all_understood) {
    const ParsedAuditRules parsed = parse_audit_rules(built_in_audit_rules());
    BOOST_TEST(parsed.rules.size() >= 10U);
#if defined(__x86_64__)
    BOOST_TEST(parsed.notes.empty());
#endif
}

BOOST_AUTO_TEST_CASE(audit_rules_go_in_and_out_beside_foreign_ones) {
    FakeAuditControl kernel;
    const std::vector<AuditRuleBytes> foreign = {
        rule_with_key("login"), rule_with_key("x-audisp-eql"), rule_with_key("audisp-eql\x01other"),
        rule_with_key("")};
    kernel.rules = foreign;
    kernel.rules.push_back(rule_with_key("audisp-eql-left-over"));
    const auto parsed = parse_audit_rules(built_in_audit_rules());
    const RuleReport report = load_rules(kernel, parsed.rules);
    BOOST_TEST(report.notes.empty());
    BOOST_TEST(report.loaded == parsed.rules.size());
    BOOST_TEST(report.foreign == foreign.size());
    BOOST_TEST(report.removed == 1U);
    BOOST_TEST(kernel.rules.size() == foreign.size() + parsed.rules.size());
    BOOST_TEST(count_own_rules(kernel).value() == parsed.rules.size());
    std::vector<std::string> notes;
    BOOST_TEST(remove_own_rules(kernel, notes) == parsed.rules.size());
    BOOST_TEST(notes.empty());
    BOOST_TEST((kernel.rules == foreign));
}

BOOST_AUTO_TEST_CASE(audit_rules_without_families_on_old_kernels) {
    FakeAuditControl kernel;
    kernel.knows_families = false;
    const auto parsed = parse_audit_rules(
        "-a always,exit -S connect -F saddr_fam=2 -k audisp-eql-net\n"
        "-a always,exit -S connect -F saddr_fam=10 -k audisp-eql-net\n"
        "-a always,exit -S io_uring_enter -F saddr_fam=2 -k audisp-eql-uring\n");
    const RuleReport report = load_rules(kernel, parsed.rules);
    BOOST_TEST(report.loaded == 1U);  // one plain connect for both
    BOOST_TEST(kernel.rules.size() == 1U);
    BOOST_REQUIRE(report.notes.size() == 2U);
    BOOST_TEST(report.notes[0].find("line 3 is refused") != std::string::npos);
    BOOST_TEST(report.notes[1].find("unix") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(locked_audit_is_a_normal_state) {
    FakeAuditControl kernel;
    kernel.rules = {rule_with_key("login"), rule_with_key("audisp-eql-exec")};
    kernel.state.enabled = 2;
    const RuleReport report = load_rules(kernel, parse_audit_rules(built_in_audit_rules()).rules);
    BOOST_TEST(report.loaded == 1U);
    BOOST_REQUIRE(report.notes.size() == 1U);
    BOOST_TEST(report.notes[0].find("locked (enabled=2)") != std::string::npos);
    BOOST_TEST(report.notes[0].find("1 of ours") != std::string::npos);
    std::vector<std::string> notes;
    AuditSettings settings = apply_settings(kernel, kernel.state, notes);
    enable_audit(kernel, kernel.state, settings, notes);
    BOOST_TEST(settings.to_text().empty());
    BOOST_REQUIRE(notes.size() == 1U);
    BOOST_TEST(notes[0].find("until the next boot") != std::string::npos);
    BOOST_TEST(kernel.changes == 0);
    BOOST_TEST(kernel.rules.size() == 2U);
}

BOOST_AUTO_TEST_CASE(settings_are_put_back_unless_somebody_changed_them) {
    FakeAuditControl kernel;
    std::vector<std::string> notes;
    AuditSettings settings = apply_settings(kernel, kernel.state, notes);
    BOOST_TEST(kernel.state.enabled == 0U);
    enable_audit(kernel, kernel.state, settings, notes);
    BOOST_TEST(notes.empty());
    BOOST_TEST(kernel.state.enabled == 1U);
    BOOST_TEST(kernel.state.backlog_limit == 32'768U);
    BOOST_TEST(kernel.state.backlog_wait_time == 0U);
    BOOST_TEST(settings.to_text() ==
               "backlog_limit=64>32768 backlog_wait_time=15000>0 enabled=0>1");

    kernel.state.backlog_limit = 100'000;  // the administrator, meanwhile
    const auto read_back = AuditSettings::from_text(settings.to_text() + "\n");
    BOOST_REQUIRE(read_back.has_value());
    restore_settings(kernel, *read_back, notes);
    BOOST_TEST(notes.empty());
    BOOST_TEST(kernel.state.enabled == 0U);
    BOOST_TEST(kernel.state.backlog_limit == 100'000U);
    BOOST_TEST(kernel.state.backlog_wait_time == 15'000U);
    for (const char* text : {"enabled", "enabled=1", "enabled=>1", "enabled=1>x", "colour=1>2"})
        BOOST_TEST(!AuditSettings::from_text(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(settings_that_are_right_already_stay) {
    FakeAuditControl kernel;
    kernel.state.enabled = 1;
    kernel.state.backlog_limit = 65'536;
    kernel.state.backlog_wait_time = 0;
    std::vector<std::string> notes;
    AuditSettings settings = apply_settings(kernel, kernel.state, notes);
    enable_audit(kernel, kernel.state, settings, notes);
    BOOST_TEST(kernel.changes == 0);
    restore_settings(kernel, settings, notes);
    BOOST_TEST(kernel.changes == 0);
    // 0 is "no limit": the most there can be.
    kernel.state.backlog_limit = 0;
    apply_settings(kernel, kernel.state, notes);
    BOOST_TEST(kernel.changes == 0);
}

BOOST_AUTO_TEST_CASE(one_set_of_audit_rules_in_place_of_another) {
    FakeAuditControl kernel;
    const auto rules = [](const char* text) { return parse_audit_rules(text).rules; };
    const auto before = rules(
        "-a always,exit -F arch=b64 -S execve -k audisp-eql-exec\n"
        "-a always,exit -F arch=b64 -S mount -k audisp-eql-mount\n");
    const auto after = rules(
        "-a always,exit -F arch=b64 -S execve -k audisp-eql-exec\n"
        "-a always,exit -F arch=b64 -S rename -F dir=/nowhere -k audisp-eql-file\n"
        "-a always,exit -F arch=b64 -S rename -F path=/nowhere/x -k audisp-eql-file\n"
        "-a always,exit -F arch=b64 -S rename -F path=/x -k audisp-eql-file\n");
    BOOST_REQUIRE(before.size() == 2U);
    BOOST_REQUIRE(after.size() == 4U);
    BOOST_TEST(after[0].directory.empty());
    BOOST_TEST(after[1].directory == "/nowhere");
    BOOST_TEST(after[2].directory == "/nowhere");
    BOOST_TEST(after[3].directory == "/");
    load_rules(kernel, before);
    const AuditRuleBytes foreign = rule_with_key("theirs");
    kernel.rules.push_back(foreign);
    kernel.missing = {after[1].bytes};

    const RuleReport report = exchange_rules(kernel, before, after);
    BOOST_TEST(report.loaded == 2U);
    BOOST_TEST(report.removed == 1U);
    BOOST_TEST(report.notes.empty());
    BOOST_REQUIRE(report.absent.size() == 1U);
    BOOST_TEST(report.absent[0].text == after[1].text);
    // What both have was not touched: it stands where it stood.
    BOOST_TEST((kernel.rules == std::vector<AuditRuleBytes>{before[0].bytes, foreign,
                                                            after[2].bytes, after[3].bytes}));

    // Who goes on with these finds them, and knows which one waits for its directory.
    const std::vector<AuditRuleBytes> present = kernel.rules;
    const RuleReport found = take_over_rules(kernel, after);
    BOOST_TEST((kernel.rules == present));
    BOOST_TEST(found.loaded == 3U);
    BOOST_TEST(found.removed == 0U);
    BOOST_TEST(found.foreign == 1U);
    BOOST_TEST(found.absent.size() == 1U);
    // With others it gets these, and what both have stands where it stood.
    const RuleReport other = take_over_rules(kernel, before);
    BOOST_TEST(other.loaded == 2U);
    BOOST_TEST(other.removed == 2U);
    BOOST_TEST(
        (kernel.rules == std::vector<AuditRuleBytes>{before[0].bytes, foreign, before[1].bytes}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
