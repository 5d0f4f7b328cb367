// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_trial.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "collector/feed/audit_netlink.hpp"
#include "collector/feed/audit_rules.hpp"

namespace audisp_eql::collector {
namespace {

// Begins as all of our keys do: what a crash leaves in the kernel goes at the program's next start.
constexpr std::string_view kTrialKey = "audisp-eql-trial-";

// The group of the audit socket that gets a copy of every record (linux/audit.h).
constexpr unsigned kReadLog = AUDIT_NLGRP_READLOG;

int listen_to_copies() {
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
    if (fd < 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit socket cannot be opened: {}", std::strerror(errno)));
    const int size = AuditNetlink::kReceiveBuffer;
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1U << (kReadLog - 1);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(fd);
        throw std::runtime_error(
            fmt::format("the kernel does not let us listen to audit: {}", std::strerror(error)));
    }
    return fd;
}

}  // namespace

AuditTrial::AuditTrial(const std::vector<std::string>& lines) {
    if (const int error = control_.status(before_); error != 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit does not answer: {}", std::strerror(error)));
    if (before_.enabled == 2)
        throw std::runtime_error(
            "audit is locked (enabled=2): rules cannot be loaded until the next boot");
    if (before_.pid == 0) {
        source_ = std::make_unique<AuditNetlink>();
        registered_ = true;
        settings_ = apply_settings(control_, before_, notes_);
        feed_ = "nobody held the audit feed; it was held for this";
    } else {
        source_ = std::make_unique<AuditNetlink>(listen_to_copies());
        feed_ = fmt::format("{} holds the audit feed and got these records, too",
                            audit_holder(before_));
    }
    try {
        load(lines);
        enable_audit(control_, before_, settings_, notes_);
    } catch (...) {
        put_back();
        throw;
    }
}

AuditTrial::~AuditTrial() {
    put_back();
}

void AuditTrial::load(const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string text =
            fmt::format("{} -k {}{}", lines[i].substr(0, lines[i].rfind(" -k ")), kTrialKey, i);
        ParsedAuditRules parsed = parse_audit_rules(text);
        if (parsed.rules.empty()) {
            notes_.push_back(fmt::format("not measured: {}", lines[i]));
            continue;
        }
        AuditRuleBytes bytes = std::move(parsed.rules.front().bytes);
        reinterpret_cast<audit_rule_data*>(bytes.data())->flags |= AUDIT_FILTER_PREPEND;
        if (const int error = control_.add_rule(bytes); error != 0)
            notes_.push_back(fmt::format("not measured: {} ({})", lines[i], std::strerror(error)));
    }
}

void AuditTrial::put_back() {
    std::vector<std::string> troubles;
    restore_settings(control_, std::exchange(settings_, {}), troubles);
    std::vector<AuditRuleBytes> present;
    control_.list_rules(present);
    for (const AuditRuleBytes& rule : present)
        if (line_of(key_of(rule)) != SIZE_MAX)
            control_.delete_rule(rule);
    if (std::exchange(registered_, false))
        control_.release_pid();
}

bool AuditTrial::read(int wait_ms, AuditBatch& batch) {
    batch.clear();
    pollfd waiting{source_->descriptor(), POLLIN, 0};
    if (::poll(&waiting, 1, wait_ms) <= 0)
        return false;
    source_->read(AuditSource::kMaxBatch, batch);
    overruns_ += batch.overrun ? 1 : 0;
    return !batch.records.empty();
}

std::uint64_t AuditTrial::lost() {
    AuditStatus now;
    const bool known = control_.status(now) == 0;
    return overruns_ + (known ? now.lost - before_.lost : 0);
}

std::size_t AuditTrial::line_of(std::string_view key) {
    if (!key.starts_with(kTrialKey))
        return SIZE_MAX;
    key.remove_prefix(kTrialKey.size());
    std::size_t line = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), line);
    return error == std::errc() && end == key.data() + key.size() ? line : SIZE_MAX;
}

}  // namespace audisp_eql::collector
