// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/confine.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <stdexcept>
#include <unistd.h>

#include <cap-ng.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace audisp_eql::collector {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::runtime_error(
        fmt::format("the parsing process cannot be confined: {}: {}", what, std::strerror(errno)));
}

void become(const UserIds& user) {
    if (::setgroups(0, nullptr) != 0)
        fail("its groups");
    if (::setresgid(user.gid, user.gid, user.gid) != 0)
        fail("its group");
    if (::setresuid(user.uid, user.uid, user.uid) != 0)
        fail("its user");
}

void drop_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    ::capng_clear(CAPNG_SELECT_CAPS);
    if (::capng_apply(CAPNG_SELECT_CAPS) != 0)
        fail("its capabilities");
    ::capng_get_caps_process();
    if (::capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        throw std::runtime_error(
            "the parsing process cannot be confined: some of its capabilities stay");
}

}  // namespace

// fgetpwent(3) reads this one file, whatever nsswitch.conf says.
std::optional<UserIds> find_user(std::string_view name, const char* path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "re"),
                                                               &std::fclose);
    if (!file)
        return std::nullopt;
    while (const struct passwd* entry = ::fgetpwent(file.get()))
        if (entry->pw_name == name)
            return UserIds{entry->pw_uid, entry->pw_gid};
    return std::nullopt;
}

void hide_memory() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    if (!kSanitized)
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void keep_needed_capabilities() {
    // AUDIT_CONTROL, AUDIT_READ, NET_ADMIN: the feeds. SYS_PTRACE, DAC_READ_SEARCH: /proc of other
    // users' processes, rule files that only root reads. DAC_OVERRIDE: the state directory, which
    // belongs to the confined process's user.
    constexpr std::array kNeeded{CAP_AUDIT_CONTROL, CAP_AUDIT_READ,      CAP_NET_ADMIN,
                                 CAP_SYS_PTRACE,    CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE};
    ::capng_get_caps_process();
    std::array<bool, kNeeded.size()> had{};
    for (std::size_t i = 0; i < kNeeded.size(); ++i)
        had[i] = ::capng_have_capability(CAPNG_PERMITTED, kNeeded[i]) != 0;
    ::capng_clear(CAPNG_SELECT_BOTH);
    for (std::size_t i = 0; i < kNeeded.size(); ++i)
        if (had[i])
            ::capng_update(
                CAPNG_ADD,
                static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                kNeeded[i]);
    if (::capng_apply(CAPNG_SELECT_BOTH) != 0)
        ::capng_apply(CAPNG_SELECT_CAPS);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

std::vector<std::string> confine(const Confinement& confinement) {
    std::vector<std::string> lines;
    // While there is the right to (CAP_SETPCAP). With no_new_privs and without exec it matters
    // little.
    ::capng_clear(CAPNG_SELECT_BOUNDS);
    ::capng_apply(CAPNG_SELECT_BOUNDS);
    if (confinement.user)
        become(*confinement.user);
    drop_capabilities();
    hide_memory();  // becoming another user has undone it
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        fail("no_new_privs");
    if (const std::string why = restrict_writing(confinement.writable); !why.empty())
        lines.push_back(fmt::format(
            "confined process: where it may write is up to file permissions alone ({})", why));
    if (!confinement.system_calls)
        return lines;
    if (kSanitized)
        lines.emplace_back("confined process: its system calls are not filtered (sanitizer build)");
    else if (const std::string why = filter_system_calls(); !why.empty())
        lines.push_back(
            fmt::format("confined process: its system calls are not filtered ({})", why));
    return lines;
}

}  // namespace audisp_eql::collector
