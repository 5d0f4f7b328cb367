// SPDX-License-Identifier: Apache-2.0
// What the process that parses hostile bytes gives up, for ever: its user, its capabilities, most
// system calls, and writing anywhere but where it must.
//
// Memory: values. Threads: before the process has a second thread; later ones inherit all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

struct UserIds {
    std::uint32_t uid = 0, gid = 0;
};

// Whom to be where the chosen user does not exist: nobody, of the kernel's own (overflowuid).
inline constexpr UserIds kNobody{65534, 65534};

// As /etc/passwd says; the name service is not asked. nullopt: not there.
std::optional<UserIds> find_user(std::string_view name, const char* path = "/etc/passwd");

struct Confinement {
    std::optional<UserIds> user;        // nullopt: stays who it is
    std::vector<std::string> writable;  // directories; those that are not there are left out
    bool system_calls = true;
};

// The address and the thread sanitizer need calls that the filter refuses, and a memory that can
// be looked into (ptrace(2)) at the end.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

struct Confined {
    std::vector<std::string> missing;   // what could not be had here, and why
    std::vector<std::string> in_force;  // "no capabilities"
};
Confined confine(const Confinement& confinement);

// No core dump, and nobody without CAP_SYS_PTRACE looks into its memory (prctl(2),
// PR_SET_DUMPABLE).
void hide_memory();

// The privileged process keeps what the feeds, /proc and the rule files take, and can gain nothing
// more; `for_successor`: also what its successor takes to confine a process of its own
// (collector/agent/successor.hpp).
void keep_needed_capabilities(bool for_successor);

// The parts of confine(). Empty: in force; else why not.
std::string restrict_writing(const std::vector<std::string>& writable);
std::string filter_system_calls();

}  // namespace audisp_eql::collector
