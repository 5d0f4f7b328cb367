// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/confine.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <cap-ng.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#if defined(__GLIBC__)
#include <nss.h>
#endif

namespace audisp_eql::collector {
namespace {

// Empty: it is. Else which of it could not be had.
std::string become(const UserIds& user) {
    const char* what = nullptr;
    if (::setgroups(0, nullptr) != 0)
        what = "setgroups";
    else if (::setresgid(user.gid, user.gid, user.gid) != 0)
        what = "setresgid";
    else if (::setresuid(user.uid, user.uid, user.uid) != 0)
        what = "setresuid";
    return what == nullptr ? "" : fmt::format("{}: {}", what, std::strerror(errno));
}

// Of what capng_get_caps_process() found. Without it libcap-ng only complains, in syslog.
bool may_bound() {
    return ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
}

// Empty: none is left.
std::string drop_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    ::capng_clear(CAPNG_SELECT_CAPS);
    const bool applied = ::capng_apply(CAPNG_SELECT_CAPS) == 0;
    const int error = errno;
    ::capng_get_caps_process();
    if (::capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
        return {};
    return fmt::format("capset: {}", applied ? "some stay" : std::strerror(error));
}

// Names of syslog servers are looked up here: by what is part of the C library, whatever modules
// nsswitch.conf names (sssd, NIS, mDNS). Other C libraries have none.
void do_without_name_service_modules() {
#if defined(__GLIBC__)
    ::__nss_configure_lookup("hosts", "files dns");
#endif
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

void keep_needed_capabilities(bool for_successor) {
    // AUDIT_CONTROL, AUDIT_READ, NET_ADMIN: the feeds. SYS_PTRACE, DAC_READ_SEARCH: /proc of other
    // users' processes, rule files that only root reads. DAC_OVERRIDE: the state directory, which
    // belongs to the confined process's user. KILL: that process, if it does not end.
    constexpr std::array<unsigned, 7> kNeeded{
        CAP_AUDIT_CONTROL,   CAP_AUDIT_READ,   CAP_NET_ADMIN, CAP_SYS_PTRACE,
        CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_KILL};
    // Another user, no bounding set; the state directory handed over. Not effective before.
    constexpr std::array<unsigned, 4> kLater{CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_CHOWN};
    constexpr unsigned kKept = CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
    ::capng_get_caps_process();
    std::vector<std::pair<unsigned, unsigned>> kept;
    const auto keep = [&](const auto& capabilities, unsigned kind) {
        for (const unsigned capability : capabilities)
            if (::capng_have_capability(CAPNG_PERMITTED, capability) != 0)
                kept.emplace_back(capability, kind);
    };
    keep(kNeeded, kKept | CAPNG_EFFECTIVE);
    if (for_successor)
        keep(kLater, kKept);
    const bool bounds = may_bound();
    ::capng_clear(CAPNG_SELECT_BOTH);
    for (const auto& [capability, kind] : kept)
        ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(kind), capability);
    if (!bounds || ::capng_apply(CAPNG_SELECT_BOTH) != 0)
        ::capng_apply(CAPNG_SELECT_CAPS);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

Confined confine(const Confinement& confinement) {
    do_without_name_service_modules();
    Confined confined;
    const auto note = [&confined](const std::string& why, const std::string& have,
                                  const char* have_not) {
        if (why.empty())
            confined.in_force.push_back(have);
        else
            confined.missing.push_back(fmt::format("{} ({})", have_not, why));
    };
    // While there is the right to (CAP_SETPCAP). With no_new_privs and without exec it matters
    // little.
    ::capng_get_caps_process();
    if (may_bound()) {
        ::capng_clear(CAPNG_SELECT_BOUNDS);
        ::capng_apply(CAPNG_SELECT_BOUNDS);
    }
    const std::string user_trouble = confinement.user ? become(*confinement.user) : "";
    note(user_trouble, fmt::format("user {}", ::geteuid()), "it stays the user that it was");
    note(drop_capabilities(), "no capabilities", "it keeps capabilities");
    hide_memory();  // becoming another user has undone it
    note(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? "" : std::strerror(errno),
         "no new privileges", "programs that it started could gain privileges");
    note(restrict_writing(confinement.writable),
         "writing only below " + fmt::format("{}", fmt::join(confinement.writable, ", ")),
         "where it may write is up to file permissions alone");
    if (confinement.system_calls)
        note(kSanitized ? "sanitizer build" : filter_system_calls(), "few system calls",
             "its system calls are not filtered");
    return confined;
}

}  // namespace audisp_eql::collector
