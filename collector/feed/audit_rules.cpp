// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_rules.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <libaudit.h>

namespace audisp_eql::collector {
namespace {

struct FreeRule {
    void operator()(audit_rule_data* rule) const { ::audit_rule_free_data(rule); }
};
using RulePtr = std::unique_ptr<audit_rule_data, FreeRule>;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const auto end = text.find_first_of(separators);
        if (end != 0)
            words.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return words;
}

// The io_uring list (kernel 5.16) and its operations: libaudit 3.0 has no names for them.
constexpr int kIoUringList = 7;  // AUDIT_FILTER_URING_EXIT
// A system call by name or number; negative: none of this machine.
int call_number(std::string_view name, int machine) {
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size())
        return number;
    return ::audit_name_to_syscall(std::string(name).c_str(), machine);
}

int io_uring_operation(std::string_view name) {
    if (name == "connect")
        return 16;  // IORING_OP_CONNECT
    if (name == "accept")
        return 13;  // IORING_OP_ACCEPT
    if (name == "sendmsg")
        return 9;  // IORING_OP_SENDMSG
    return -1;
}

// Builds one rule from the words of its line.
class RuleBuilder {
  public:
    // Empty on success, else why not.
    std::string build(const std::vector<std::string_view>& words, bool with_family);
    AuditRuleBytes bytes() const;
    bool tests_family() const { return tests_family_; }
    // Every call that it audits is a connect.
    bool only_connects() const { return connects_ && !others_; }
    const std::string& directory() const { return directory_; }

  private:
    std::string list_and_action(std::string_view text);
    std::string field(std::string_view text, bool with_family);
    std::string architecture(std::string_view value);
    std::string calls(std::string_view text);
    void add_field(std::uint32_t field, std::uint32_t op, std::uint32_t value);
    void add_string(std::uint32_t field, std::string_view value);

    RulePtr rule_{::audit_rule_create_data()};
    std::string strings_;  // what follows libaudit's own in the rule's buffer
    int machine_ = ::audit_detect_machine();
    bool socketcall_ = false, socketcall_connect_ = false;
    bool connects_ = false, others_ = false;
    std::string directory_;  // see AuditRule
    bool tests_family_ = false;
    bool any_call_ = false;
    bool has_list_ = false;
};

std::string RuleBuilder::build(const std::vector<std::string_view>& words, bool with_family) {
    std::string_view key;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        if (i + 1 == words.size())
            return fmt::format("'{}' needs a value", words[i]);
        const std::string_view option = words[i], value = words[i + 1];
        std::string problem;
        if (option == "-a")
            problem = list_and_action(value);
        else if (option == "-F")
            problem = field(value, with_family);
        else if (option == "-S")
            problem = calls(value);
        else if (option == "-k")
            key = value;
        else
            problem = fmt::format("'{}' is not understood here", option);
        if (!problem.empty())
            return problem;
    }
    if (!key.starts_with(kRuleKeyPrefix) || key.size() > AUDIT_MAX_KEY_LEN)
        return fmt::format("its key must begin with '{}'", kRuleKeyPrefix);
    if (!has_list_)
        return "'-a list,action' is missing";
    // auditctl: no -S means every call.
    if (!any_call_)
        for (std::uint32_t& word : rule_->mask)
            word = ~std::uint32_t{0};
    add_string(AUDIT_FILTERKEY, key);
    if (socketcall_)
        (socketcall_connect_ ? connects_ : others_) = true;
    return {};
}

std::string RuleBuilder::list_and_action(std::string_view text) {
    const auto parts = split(text, ",");
    if (parts.size() != 2)
        return fmt::format("'{}' is not list,action", text);
    // auditctl takes them in either order.
    for (const bool swapped : {false, true}) {
        const std::string list(parts[swapped ? 1 : 0]), action(parts[swapped ? 0 : 1]);
        const int filter = list == "io_uring" ? kIoUringList : ::audit_name_to_flag(list.c_str());
        const int deed = ::audit_name_to_action(action.c_str());
        if (filter < 0 || deed < 0)
            continue;
        rule_->flags = static_cast<std::uint32_t>(filter);
        rule_->action = static_cast<std::uint32_t>(deed);
        has_list_ = true;
        return {};
    }
    return fmt::format("'{}' is not list,action", text);
}

std::string RuleBuilder::field(std::string_view text, bool with_family) {
    if (text.starts_with("arch="))
        return architecture(text.substr(5));
    if (text.starts_with("saddr_fam")) {
        tests_family_ = true;
        if (!with_family)
            return {};
    }
    if (text.starts_with("dir="))
        directory_ = text.substr(4);
    else if (text.starts_with("path=/"))
        directory_ = text.substr(5, std::max<std::size_t>(1, text.rfind('/') - 5));
    if (text == "a0=3")
        socketcall_connect_ = true;          // SYS_CONNECT of linux/net.h
    audit_rule_data* raw = rule_.release();  // libaudit may move it
    std::string pair(text);                  // not const in newer versions of libaudit
    const int answer = ::audit_rule_fieldpair_data(&raw, pair.data(), static_cast<int>(raw->flags));
    rule_.reset(raw);
    return answer == 0 ? std::string{} : fmt::format("libaudit does not take the field '{}'", text);
}

// By hand: libaudit keeps the word size of one rule in a variable that only auditctl resets.
std::string RuleBuilder::architecture(std::string_view value) {
    const int machine = ::audit_determine_machine(std::string(value).c_str());
    const unsigned elf = machine < 0 ? 0 : ::audit_machine_to_elf(machine);
    if (elf == 0)
        return fmt::format("this machine has no system calls of arch {}", value);
    machine_ = machine;
    add_field(AUDIT_ARCH, AUDIT_EQUAL, elf);
    return {};
}

std::string RuleBuilder::calls(std::string_view text) {
    bool found = false;
    std::string unknown;
    for (const std::string_view name : split(text, ",")) {
        const int number =
            rule_->flags == kIoUringList ? io_uring_operation(name) : call_number(name, machine_);
        if (number < 0 || AUDIT_WORD(number) >= AUDIT_BITMASK_SIZE) {
            unknown += fmt::format("{}{}", unknown.empty() ? "" : ", ", name);
            continue;
        }
        rule_->mask[AUDIT_WORD(number)] |= AUDIT_BIT(number);
        found = any_call_ = true;
        if (name == "socketcall")
            socketcall_ = true;
        else
            (name == "connect" ? connects_ : others_) = true;
    }
    return found ? std::string{} : fmt::format("this machine has no system call {}", unknown);
}

void RuleBuilder::add_field(std::uint32_t field, std::uint32_t op, std::uint32_t value) {
    if (rule_->field_count >= AUDIT_MAX_FIELDS)
        return;
    rule_->fields[rule_->field_count] = field;
    rule_->fieldflags[rule_->field_count] = op;
    rule_->values[rule_->field_count] = value;
    ++rule_->field_count;
}

void RuleBuilder::add_string(std::uint32_t field, std::string_view value) {
    add_field(field, AUDIT_EQUAL, static_cast<std::uint32_t>(value.size()));
    strings_ += value;
}

AuditRuleBytes RuleBuilder::bytes() const {
    const auto* first = reinterpret_cast<const char*>(rule_.get());
    AuditRuleBytes bytes(first, first + sizeof(audit_rule_data) + rule_->buflen);
    bytes.insert(bytes.end(), strings_.begin(), strings_.end());
    reinterpret_cast<audit_rule_data*>(bytes.data())->buflen +=
        static_cast<std::uint32_t>(strings_.size());
    return bytes;
}

// One rule from its words; the reason, if it is none.
std::string build_rule(const std::vector<std::string_view>& words, AuditRule& rule) {
    RuleBuilder builder;
    if (std::string problem = builder.build(words, true); !problem.empty())
        return problem;
    rule.bytes = builder.bytes();
    rule.directory = builder.directory();
    if (builder.tests_family() && builder.only_connects()) {
        RuleBuilder plain;
        if (plain.build(words, false).empty())
            rule.without_family = plain.bytes();
    }
    return {};
}

}  // namespace

bool has_string(std::uint32_t field) {
    return (field >= AUDIT_SUBJ_USER && field <= AUDIT_SUBJ_CLR) ||
           (field >= AUDIT_OBJ_USER && field <= AUDIT_OBJ_LEV_HIGH) || field == AUDIT_WATCH ||
           field == AUDIT_DIR || field == AUDIT_FILTERKEY || field == AUDIT_EXE;
}

ParsedAuditRules parse_audit_rules(std::string_view text) {
    ParsedAuditRules parsed;
    int number = 0;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ++number;
        const auto words = split(line, " \t\r");
        if (words.empty() || words[0].starts_with('#') || words[0] == "-b" || words[0] == "-f" ||
            words[0] == "-D" || words[0] == "--backlog_wait_time")
            continue;
        AuditRule rule;
        rule.line = number;
        rule.text = line;
        if (const std::string problem = build_rule(words, rule); problem.empty())
            parsed.rules.push_back(std::move(rule));
        else
            parsed.notes.push_back(
                fmt::format("audit rule on line {} is left out: {} ({})", number, problem, line));
    }
    return parsed;
}

// What the kernel refuses is left out and noted.
static void add_rules(AuditControl& control, const std::vector<AuditRule>& rules,
                      RuleReport& report) {
    bool old_kernel = false;
    for (const AuditRule& rule : rules) {
        int error = control.add_rule(rule.bytes);
        if (error == EINVAL && rule.without_family) {
            error = control.add_rule(*rule.without_family);
            old_kernel = old_kernel || error == 0;
        }
        // The two families' rules are one without the family.
        if (error == 0) {
            ++report.loaded;
        } else if (error == ENOENT && !rule.directory.empty()) {
            report.absent.push_back(rule);
        } else if (error != EEXIST) {
            report.notes.push_back(
                fmt::format("audit rule {}is refused by the kernel: {} ({})",
                            rule.line == 0 ? std::string{} : fmt::format("on line {} ", rule.line),
                            std::strerror(error), rule.text));
        }
    }
    if (old_kernel)
        report.notes.push_back(
            "this kernel cannot tell address families apart in audit rules: "
            "local (unix) connects are audited too");
}

std::optional<AuditRule> exclusion_of(std::string_view executable) {
    AuditRule rule;
    const std::string field = fmt::format("exe={}", executable);
    const std::string key = fmt::format("{}-self", kRuleKeyPrefix);
    rule.text = fmt::format("-a never,exit -F {} -k {}", field, key);
    if (!build_rule({"-a", "never,exit", "-F", field, "-k", key}, rule).empty())
        return std::nullopt;
    return rule;
}

std::string key_of(const AuditRuleBytes& bytes) {
    if (bytes.size() < sizeof(audit_rule_data))
        return {};
    const auto* rule = reinterpret_cast<const audit_rule_data*>(bytes.data());
    std::size_t place = sizeof(audit_rule_data);
    for (std::uint32_t i = 0; i < rule->field_count && i < AUDIT_MAX_FIELDS; ++i) {
        if (!has_string(rule->fields[i]))
            continue;
        const std::size_t length = rule->values[i];
        if (length > bytes.size() - place)
            return {};
        if (rule->fields[i] == AUDIT_FILTERKEY)
            return {bytes.data() + place, length};
        place += length;
    }
    return {};
}

bool is_own_rule(const AuditRuleBytes& rule) {
    const std::string key = key_of(rule);
    // A second key (after 0x01) makes it somebody else's too.
    return key.starts_with(kRuleKeyPrefix) && key.find('\x01') == std::string::npos;
}

RuleReport load_rules(AuditControl& control, const std::vector<AuditRule>& rules) {
    RuleReport report;
    AuditStatus status;
    control.status(status);
    std::vector<AuditRuleBytes> present;
    control.list_rules(present);
    std::size_t own = 0;
    for (const AuditRuleBytes& rule : present)
        ++(is_own_rule(rule) ? own : report.foreign);
    if (status.enabled == 2) {
        report.loaded = own;
        report.notes.push_back(fmt::format(
            "audit is locked (enabled=2): rules cannot be loaded until the next boot; {} of ours "
            "are in force from the host's own start, what the others would show is not seen",
            own));
        return report;
    }
    if (own != 0)
        report.removed = remove_own_rules(control, report.notes);
    add_rules(control, rules, report);
    return report;
}

RuleReport take_over_rules(AuditControl& control, const std::vector<AuditRule>& rules) {
    RuleReport report;
    std::vector<AuditRuleBytes> present, own;
    control.list_rules(present);
    for (AuditRuleBytes& rule : present)
        if (is_own_rule(rule))
            own.push_back(std::move(rule));
        else
            ++report.foreign;
    std::vector<AuditRule> missing;
    for (const AuditRule& rule : rules)
        if (const auto at = std::find(own.begin(), own.end(), rule.bytes); at != own.end())
            own.erase(at);
        else
            missing.push_back(rule);
    add_rules(control, missing, report);
    for (const AuditRuleBytes& rule : own)
        report.removed += control.delete_rule(rule) == 0 ? 1 : 0;
    // What the kernel lists in another form than it was given: it had that, and has it no more.
    RuleReport again;
    if (report.removed != 0)
        add_rules(control, missing, again);
    report.loaded = count_own_rules(control).value_or(rules.size());
    return report;
}

RuleReport exchange_rules(AuditControl& control, const std::vector<AuditRule>& before,
                          const std::vector<AuditRule>& after) {
    RuleReport report;
    const auto without = [](const std::vector<AuditRule>& rules,
                            const std::vector<AuditRule>& others) {
        std::vector<AuditRule> rest;
        std::copy_if(
            rules.begin(), rules.end(), std::back_inserter(rest), [&](const AuditRule& rule) {
                return std::none_of(others.begin(), others.end(), [&](const AuditRule& other) {
                    return rule.bytes == other.bytes;
                });
            });
        return rest;
    };
    add_rules(control, without(after, before), report);
    for (const AuditRule& rule : without(before, after)) {
        int error = control.delete_rule(rule.bytes);
        if (error == ENOENT && rule.without_family)
            error = control.delete_rule(*rule.without_family);
        report.removed += error == 0 ? 1 : 0;
        // Gone with its directory, or never taken.
        if (error != 0 && error != ENOENT)
            report.notes.push_back(fmt::format("an audit rule could not be removed: {} ({})",
                                               std::strerror(error), rule.text));
    }
    return report;
}

std::optional<std::size_t> count_own_rules(AuditControl& control) {
    std::vector<AuditRuleBytes> present;
    if (control.list_rules(present) != 0)
        return std::nullopt;
    return static_cast<std::size_t>(std::count_if(present.begin(), present.end(), is_own_rule));
}

std::size_t remove_own_rules(AuditControl& control, std::vector<std::string>& notes) {
    std::vector<AuditRuleBytes> present;
    if (const int error = control.list_rules(present); error != 0) {
        notes.push_back(
            fmt::format("the kernel's audit rules cannot be listed: {}", std::strerror(error)));
        return 0;
    }
    std::size_t removed = 0;
    for (const AuditRuleBytes& rule : present) {
        if (!is_own_rule(rule))
            continue;
        if (const int error = control.delete_rule(rule); error == 0)
            ++removed;
        else
            notes.push_back(fmt::format("an audit rule with key {} could not be removed: {}",
                                        key_of(rule), std::strerror(error)));
    }
    return removed;
}

}  // namespace audisp_eql::collector
