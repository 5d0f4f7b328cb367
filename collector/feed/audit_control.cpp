// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_control.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <poll.h>
#include <stdexcept>

#include <fmt/format.h>
#include <libaudit.h>

namespace audisp_eql::collector {
namespace {

// libaudit answers a positive sequence number, or a negative errno.
int errno_of(int answer) {
    if (answer >= 0)
        return 0;
    return answer == -1 && errno != 0 ? errno : -answer;
}

// Hands every reply of one request to `take` until it says that it has enough.
int replies(int fd, const std::function<bool(const audit_reply&)>& take) {
    for (;;) {
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, KernelAuditControl::kAnswerMs);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready == 0 ? ETIMEDOUT : errno;
        audit_reply reply{};
        const int got = ::audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0);
        if (got == -EAGAIN || got == -EINTR)
            continue;
        if (got < 0)
            return -got;
        if (reply.type == NLMSG_ERROR && reply.error->error != 0)
            return -reply.error->error;
        if (take(reply))
            return 0;
    }
}

std::optional<ChangedSetting> change(AuditControl& control, const char* name, std::uint32_t before,
                                     std::uint32_t wanted, int (AuditControl::*set)(std::uint32_t),
                                     std::vector<std::string>& notes) {
    const int error = (control.*set)(wanted);
    if (error == 0)
        return ChangedSetting{before, wanted};
    notes.push_back(fmt::format("the kernel refuses to set audit's {} to {}: {}", name, wanted,
                                std::strerror(error)));
    return std::nullopt;
}

audit_rule_data* as_rule(AuditRuleBytes& bytes) {
    return reinterpret_cast<audit_rule_data*>(bytes.data());
}

}  // namespace

KernelAuditControl::KernelAuditControl() : fd_(::audit_open()) {
    if (fd_ < 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit socket cannot be opened: {}", std::strerror(errno)));
}

KernelAuditControl::~KernelAuditControl() {
    ::audit_close(fd_);
}

int KernelAuditControl::status(AuditStatus& status) {
    if (const int asked = ::audit_request_status(fd_); asked <= 0)
        return errno_of(asked) != 0 ? errno_of(asked) : EIO;
    return replies(fd_, [&](const audit_reply& reply) {
        if (reply.type != AUDIT_GET)
            return false;
        const audit_status& got = *reply.status;
        status = {got.enabled,       got.failure, got.pid,     got.rate_limit,
                  got.backlog_limit, got.lost,    got.backlog, got.backlog_wait_time};
        return true;
    });
}

int KernelAuditControl::set_enabled(std::uint32_t value) {
    return errno_of(::audit_set_enabled(fd_, value));
}

int KernelAuditControl::set_backlog_limit(std::uint32_t value) {
    return errno_of(::audit_set_backlog_limit(fd_, value));
}

int KernelAuditControl::set_backlog_wait_time(std::uint32_t value) {
    return errno_of(::audit_set_backlog_wait_time(fd_, value));
}

// The kernel asks for the process that registered, not for the socket.
int KernelAuditControl::release_pid() {
    return errno_of(::audit_set_pid(fd_, 0, WAIT_NO));
}

int KernelAuditControl::add_rule(const AuditRuleBytes& rule) {
    AuditRuleBytes copy = rule;
    audit_rule_data* data = as_rule(copy);
    return errno_of(::audit_add_rule_data(fd_, data, static_cast<int>(data->flags),
                                          static_cast<int>(data->action)));
}

int KernelAuditControl::delete_rule(const AuditRuleBytes& rule) {
    AuditRuleBytes copy = rule;
    audit_rule_data* data = as_rule(copy);
    return errno_of(::audit_delete_rule_data(fd_, data, static_cast<int>(data->flags),
                                             static_cast<int>(data->action)));
}

int KernelAuditControl::list_rules(std::vector<AuditRuleBytes>& rules) {
    rules.clear();
    if (const int asked = ::audit_request_rules_list_data(fd_); asked <= 0)
        return errno_of(asked) != 0 ? errno_of(asked) : EIO;
    return replies(fd_, [&](const audit_reply& reply) {
        if (reply.type == NLMSG_DONE)
            return true;
        if (reply.type == AUDIT_LIST_RULES && rules.size() < kMaxRules) {
            const auto* first = reinterpret_cast<const char*>(reply.ruledata);
            rules.emplace_back(first, first + sizeof(audit_rule_data) + reply.ruledata->buflen);
        }
        return false;
    });
}

AuditSettings apply_settings(AuditControl& control, const AuditStatus& status,
                             std::vector<std::string>& notes) {
    AuditSettings settings;
    if (status.enabled == 2) {
        notes.push_back(
            fmt::format("audit is locked (enabled=2) until the next boot: its settings stay as "
                        "they are (backlog {}, wait {}), and rules cannot be loaded",
                        status.backlog_limit, status.backlog_wait_time));
        return settings;
    }
    if (status.backlog_limit != 0 && status.backlog_limit < AuditSettings::kBacklogLimit)
        settings.backlog_limit =
            change(control, "backlog limit", status.backlog_limit, AuditSettings::kBacklogLimit,
                   &AuditControl::set_backlog_limit, notes);
    if (status.backlog_wait_time != AuditSettings::kBacklogWaitTime)
        settings.backlog_wait_time =
            change(control, "backlog wait time", status.backlog_wait_time,
                   AuditSettings::kBacklogWaitTime, &AuditControl::set_backlog_wait_time, notes);
    return settings;
}

void enable_audit(AuditControl& control, const AuditStatus& status, AuditSettings& settings,
                  std::vector<std::string>& notes) {
    if (status.enabled == 0)
        settings.enabled = change(control, "enabled flag", 0, 1, &AuditControl::set_enabled, notes);
}

void restore_settings(AuditControl& control, const AuditSettings& settings,
                      std::vector<std::string>& notes) {
    AuditStatus status;
    if (const int error = control.status(status); error != 0) {
        notes.push_back(
            fmt::format("audit's settings could not be put back: {}", std::strerror(error)));
        return;
    }
    const auto put_back = [&](const char* name, std::uint32_t present,
                              int (AuditControl::*set)(std::uint32_t),
                              const std::optional<ChangedSetting>& changed) {
        if (!changed || present != changed->now)
            return;
        if (const int error = (control.*set)(changed->before); error != 0)
            notes.push_back(fmt::format("audit's {} could not be put back to {}: {}", name,
                                        changed->before, std::strerror(error)));
    };
    put_back("enabled flag", status.enabled, &AuditControl::set_enabled, settings.enabled);
    put_back("backlog wait time", status.backlog_wait_time, &AuditControl::set_backlog_wait_time,
             settings.backlog_wait_time);
    put_back("backlog limit", status.backlog_limit, &AuditControl::set_backlog_limit,
             settings.backlog_limit);
}

std::string AuditSettings::to_text() const {
    std::string text;
    const auto add = [&](const char* name, const std::optional<ChangedSetting>& changed) {
        if (changed)
            text += fmt::format("{}{}={}>{}", text.empty() ? "" : " ", name, changed->before,
                                changed->now);
    };
    add("backlog_limit", backlog_limit);
    add("backlog_wait_time", backlog_wait_time);
    add("enabled", enabled);
    return text;
}

std::optional<AuditSettings> AuditSettings::from_text(std::string_view text) {
    AuditSettings settings;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find_first_of(" \n"));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (word.empty())
            continue;
        const auto equals = word.find('='), arrow = word.find('>');
        if (equals == std::string_view::npos || arrow == std::string_view::npos || arrow < equals)
            return std::nullopt;
        const auto number = [](std::string_view digits, std::uint32_t& value) {
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return error == std::errc{} && end == digits.data() + digits.size();
        };
        ChangedSetting changed;
        if (!number(word.substr(equals + 1, arrow - equals - 1), changed.before) ||
            !number(word.substr(arrow + 1), changed.now))
            return std::nullopt;
        const std::string_view name = word.substr(0, equals);
        if (name == "backlog_limit")
            settings.backlog_limit = changed;
        else if (name == "backlog_wait_time")
            settings.backlog_wait_time = changed;
        else if (name == "enabled")
            settings.enabled = changed;
        else
            return std::nullopt;
    }
    return settings;
}

std::string program_name(std::uint32_t pid) {
    std::string name;
    std::ifstream comm(fmt::format("/proc/{}/comm", pid));
    std::getline(comm, name);
    return name;
}

std::string audit_holder(const AuditStatus& status) {
    if (status.pid == 0)
        return "another program";
    const std::string name = program_name(status.pid);
    return name.empty() ? fmt::format("pid {}", status.pid)
                        : fmt::format("pid {} ({})", status.pid, name);
}

std::string audit_holder() {
    AuditStatus status;
    try {
        KernelAuditControl control;
        control.status(status);
    } catch (const std::runtime_error&) {
    }
    return audit_holder(status);
}

}  // namespace audisp_eql::collector
