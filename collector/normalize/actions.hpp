// SPDX-License-Identifier: Apache-2.0
// event.category, event.type and event.action of each kind of event, in one table. Public rules
// name Elastic Endpoint's actions; auditd's own spelling stands beside it.
//
// Memory: static. Threads: constant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "detect/rule/coverage.hpp"

namespace audisp_eql::collector {

enum class EventKind : std::uint8_t {
    fork,
    exec,
    end,
    connect,
    accept,
    file_creation,
    file_modification,
    file_open,
    file_rename,
    file_deletion,
    directory_creation,
    node_creation,
    link_creation,
    symlink_creation,
    mode_change,
    owner_change,
    attributes_change,
    times_change,
    // What a process does to itself and to others.
    uid_change,
    gid_change,
    session_id_change,
    ptrace,
    signal,
    memfd_create,
    coredump,
    crash,
    // Other system calls.
    bind,
    listen,
    send,
    module_load,
    module_unload,
    mount,
    unmount,
    other_syscall,
    // Policies.
    apparmor,
    apparmor_file,
    apparmor_network,
    selinux,
    seccomp,
    // What programs report to audit.
    login_id,
    ssh_login,
    login,
    logout,
    authenticated,
    authorized,
    credentials_acquired,
    credentials_disposed,
    credentials_refreshed,
    session_start,
    session_end,
    user_error,
    user_added,
    user_deleted,
    user_modified,
    user_locked,
    user_unlocked,
    password_changed,
    group_added,
    group_deleted,
    group_modified,
    group_password_changed,
    login_failures,
    login_location,
    login_sessions,
    login_time,
    count
};
inline constexpr std::size_t kEventKinds = static_cast<std::size_t>(EventKind::count);

using detect::EventShape;
const EventShape& shape_of(EventKind kind);
// The records and messages that it is made from.
std::string_view source_of(EventKind kind);
// Of every kind, in their order.
std::span<const EventShape, kEventKinds> all_shapes();

}  // namespace audisp_eql::collector
