// SPDX-License-Identifier: Apache-2.0
#include "collector/host/kernel_features.hpp"

#include <cerrno>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "collector/feed/audit_rules.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::uint32_t kLocked = 2;

// The kernel reads a rule's fields in order: one that it does not know is EINVAL, and a program in
// a directory that is not there is ENOENT (audit_data_to_entry() in kernel/auditfilter.c), before
// the rule is looked for and a record is made of it. To be removed, so that no kernel takes it.
std::optional<bool> knows(AuditControl& control, const std::string& rule) {
    const ParsedAuditRules parsed =
        parse_audit_rules(rule + " -F exe=/proc/self/none/none -k audisp-eql-not-there");
    if (parsed.rules.empty())
        return std::nullopt;
    switch (control.delete_rule(parsed.rules.front().bytes)) {
        case ENOENT:
            return true;
        case EINVAL:
            return false;
        default:
            return std::nullopt;
    }
}

}  // namespace

void try_audit_rules(AuditControl& control, const AuditStatus& status, KernelFeatures& features) {
    if (status.enabled == kLocked)
        return;
    // Only where it takes such a rule at all, a refusal says something about what is in it.
    if (knows(control, "-a always,exit -S connect") != true)
        return;
    features.address_family = knows(control, "-a always,exit -S connect -F saddr_fam=2");
    features.io_uring_rules = knows(control, "-a always,io_uring -S connect");
}

int try_multicast() {
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
    if (fd < 0)
        return errno;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
    const int error =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
    ::close(fd);
    return error;
}

std::optional<bool> multicast_from(int error) {
    if (error == 0)
        return true;
    return error == EPERM || error == EACCES ? std::nullopt : std::optional<bool>(false);
}

std::string fallbacks_text(const KernelFeatures& features) {
    struct Feature {
        std::optional<bool> there;
        const char* instead;
    };
    const Feature all[] = {
        {features.address_family,
         "no saddr_fam in audit rules (5.3): connections of every family are reported and sorted "
         "out here"},
        {features.io_uring_rules,
         "no audit rules about io_uring (5.16): what its kernel thread does is not seen"},
        {features.multicast,
         "no audit multicast (3.16): beside another reader of the feed only auditd's plugin works"},
        {features.connector_filter,
         "no filter of process events (6.6): the others are read and put away"},
    };
    std::string text;
    for (const Feature& feature : all)
        if (feature.there == false) {
            text += text.empty() ? "" : "; ";
            text += feature.instead;
        }
    return text;
}

}  // namespace audisp_eql::collector
