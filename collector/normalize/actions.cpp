// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/actions.hpp"

#include <array>
#include <string_view>

namespace audisp_eql::collector {

namespace {

using detect::Value;

// A list of literals with static storage.
template <std::size_t kSize>
struct Words {
    std::array<Value, kSize> values;
    template <typename... Text>
    constexpr explicit Words(Text... text) : values{Value::text(text)...} {}
    constexpr operator detect::Values() const { return values; }  // NOLINT: reads as one
};
template <typename... Text>
Words(Text...) -> Words<sizeof...(Text)>;

constexpr Words kProcess{"process"};
constexpr Words kNetwork{"network"};
constexpr Words kProcessDriver{"process", "driver"};
constexpr Words kProcessFile{"process", "file"};
constexpr Words kProcessNetwork{"process", "network"};
constexpr Words kAuthentication{"authentication"};
constexpr Words kSession{"session"};
constexpr Words kIam{"iam"};

constexpr Words kStart{"start"};
constexpr Words kEnd{"end"};
constexpr Words kChange{"change"};
constexpr Words kInfo{"info"};
constexpr Words kDenied{"denied"};
constexpr Words kConnectionStart{"connection", "start"};
constexpr Words kConnectionInfo{"connection", "info"};
// auditd says start, Endpoint's rules are of either.
constexpr Words kStartChange{"start", "change"};
constexpr Words kChangeInfo{"change", "info"};
constexpr Words kUserCreation{"user", "creation"};
constexpr Words kUserDeletion{"user", "deletion"};
constexpr Words kUserChange{"user", "change"};
constexpr Words kGroupCreation{"group", "creation"};
constexpr Words kGroupDeletion{"group", "deletion"};
constexpr Words kGroupChange{"group", "change"};

constexpr Words kFile{"file"};
constexpr Words kCreation{"creation"};
constexpr Words kAccess{"access"};
constexpr Words kDeletion{"deletion"};

constexpr Words kForked{"fork"};
constexpr Words kExecuted{"exec", "executed"};
constexpr Words kEnded{"end"};
constexpr Words kConnected{"connection_attempted", "connected-to"};
constexpr Words kAccepted{"connection_accepted", "accepted-connection-from"};
// auditd calls every open opened-file; a rule made for it means all three.
constexpr Words kCreated{"creation", "opened-file"};
constexpr Words kModified{"modification", "opened-file", "wrote-to-file"};
constexpr Words kOpened{"open", "opened-file"};
constexpr Words kRenamed{"rename", "renamed"};
constexpr Words kDeleted{"deletion", "deleted"};
constexpr Words kMadeDirectory{"creation", "created-directory"};
constexpr Words kMadeNode{"creation", "make-device"};
constexpr Words kLinked{"creation", "linked"};
constexpr Words kSymlinked{"creation", "symlinked"};
// Endpoint has no events of these.
constexpr Words kChangedMode{"changed-file-permissions-of"};
constexpr Words kChangedOwner{"changed-file-ownership-of"};
constexpr Words kChangedAttributes{"changed-file-attributes-of"};
constexpr Words kChangedTimes{"changed-timestamp-of"};
constexpr Words kUserIdChanged{"uid_change", "changed-identity-of"};
constexpr Words kGroupIdChanged{"gid_change", "changed-identity-of"};
constexpr Words kSessionIdChanged{"session_id_change"};
constexpr Words kTraced{"ptrace"};
constexpr Words kSignalled{"killed-pid"};
constexpr Words kMemoryFile{"memfd_create"};
constexpr Words kDumped{"coredump"};
constexpr Words kCrashed{"crashed-program"};
constexpr Words kBound{"bound-socket"};
constexpr Words kListens{"listen-for-connections"};
constexpr Words kSent{"sent-to"};
constexpr Words kModuleLoaded{"load_module", "loaded-kernel-module"};
constexpr Words kModuleUnloaded{"unload_module", "unloaded-kernel-module"};
constexpr Words kMounted{"mounted"};
constexpr Words kUnmounted{"unmounted"};
constexpr Words kApparmor{"violated-apparmor-policy"};
constexpr Words kSelinux{"violated-selinux-policy"};
constexpr Words kSeccomp{"violated-seccomp-policy"};
constexpr Words kLoginId{"changed-login-id-to"};
constexpr Words kSshLogin{"user_login", "ssh_login", "logged-in"};
constexpr Words kLogin{"user_login", "logged-in"};
constexpr Words kLogout{"user_logout", "logged-out"};
constexpr Words kAuthenticated{"authenticated"};
constexpr Words kAuthorized{"was-authorized"};
constexpr Words kAcquired{"acquired-credentials"};
constexpr Words kDisposed{"disposed-credentials"};
constexpr Words kRefreshed{"refreshed-credentials"};
constexpr Words kSessionStarted{"started-session"};
constexpr Words kSessionEnded{"ended-session"};
constexpr Words kUserError{"error"};
constexpr Words kUserAdded{"added-user-account"};
constexpr Words kUserDeleted{"deleted-user-account"};
constexpr Words kUserModified{"modified-user-account"};
constexpr Words kUserLocked{"locked-account"};
constexpr Words kUserUnlocked{"unlocked-account"};
constexpr Words kPassword{"changed-password"};
constexpr Words kGroupAdded{"added-group-account-to"};
constexpr Words kGroupDeleted{"deleted-group-account-from"};
constexpr Words kGroupModified{"modified-group-account"};
constexpr Words kGroupPassword{"changed-group-password"};
constexpr Words kFailures{"failed-log-in-too-many-times-to"};
constexpr Words kLocation{"attempted-log-in-from-unusual-place-to"};
constexpr Words kSessions{"opened-too-many-sessions-to"};
constexpr Words kTime{"attempted-log-in-during-unusual-hour-to"};

struct Row {
    EventKind kind;
    EventShape shape;
};
using enum EventKind;
constexpr Row kRows[] = {
    {fork, {kProcess, kStart, kForked}},
    {exec, {kProcess, kStart, kExecuted}},
    {end, {kProcess, kEnd, kEnded}},
    {connect, {kNetwork, kConnectionStart, kConnected}},
    {accept, {kNetwork, kConnectionStart, kAccepted}},
    {file_creation, {kFile, kCreation, kCreated}},
    {file_modification, {kFile, kChange, kModified}},
    {file_open, {kFile, kAccess, kOpened}},
    {file_rename, {kFile, kChange, kRenamed}},
    {file_deletion, {kFile, kDeletion, kDeleted}},
    {directory_creation, {kFile, kCreation, kMadeDirectory}},
    {node_creation, {kFile, kCreation, kMadeNode}},
    {link_creation, {kFile, kCreation, kLinked}},
    {symlink_creation, {kFile, kCreation, kSymlinked}},
    {mode_change, {kFile, kChange, kChangedMode}},
    {owner_change, {kFile, kChange, kChangedOwner}},
    {attributes_change, {kFile, kChange, kChangedAttributes}},
    {times_change, {kFile, kChange, kChangedTimes}},
    {uid_change, {kProcess, kChange, kUserIdChanged}},
    {gid_change, {kProcess, kChange, kGroupIdChanged}},
    {session_id_change, {kProcess, kChange, kSessionIdChanged}},
    {ptrace, {kProcess, kChangeInfo, kTraced}},
    {signal, {kProcess, kEnd, kSignalled}},
    {memfd_create, {kProcess, kChangeInfo, kMemoryFile}},
    {coredump, {kProcess, kInfo, kDumped}},
    {crash, {kProcess, kEnd, kCrashed}},
    {bind, {kNetwork, kStart, kBound}},
    {listen, {kNetwork, kStart, kListens}},
    {send, {kNetwork, kConnectionInfo, kSent}},
    {module_load, {kProcessDriver, kStartChange, kModuleLoaded}},
    {module_unload, {kProcessDriver, kEnd, kModuleUnloaded}},
    {mount, {kProcess, kInfo, kMounted}},
    {unmount, {kProcess, kInfo, kUnmounted}},
    {other_syscall, {kProcess, kInfo, {}}},
    {apparmor, {kProcess, kDenied, kApparmor}},
    {apparmor_file, {kProcessFile, kDenied, kApparmor}},
    {apparmor_network, {kProcessNetwork, kDenied, kApparmor}},
    {selinux, {kProcess, kDenied, kSelinux}},
    {seccomp, {kProcess, kDenied, kSeccomp}},
    {login_id, {kAuthentication, kStart, kLoginId}},
    {ssh_login, {kAuthentication, kStart, kSshLogin}},
    {login, {kAuthentication, kStart, kLogin}},
    {logout, {kAuthentication, kEnd, kLogout}},
    {authenticated, {kAuthentication, kStart, kAuthenticated}},
    {authorized, {kAuthentication, kInfo, kAuthorized}},
    {credentials_acquired, {kAuthentication, kInfo, kAcquired}},
    {credentials_disposed, {kAuthentication, kInfo, kDisposed}},
    {credentials_refreshed, {kAuthentication, kInfo, kRefreshed}},
    {session_start, {kSession, kStart, kSessionStarted}},
    {session_end, {kSession, kEnd, kSessionEnded}},
    {user_error, {kAuthentication, kInfo, kUserError}},
    {user_added, {kIam, kUserCreation, kUserAdded}},
    {user_deleted, {kIam, kUserDeletion, kUserDeleted}},
    {user_modified, {kIam, kUserChange, kUserModified}},
    {user_locked, {kIam, kUserChange, kUserLocked}},
    {user_unlocked, {kIam, kUserChange, kUserUnlocked}},
    {password_changed, {kIam, kUserChange, kPassword}},
    {group_added, {kIam, kGroupCreation, kGroupAdded}},
    {group_deleted, {kIam, kGroupDeletion, kGroupDeleted}},
    {group_modified, {kIam, kGroupChange, kGroupModified}},
    {group_password_changed, {kIam, kGroupChange, kGroupPassword}},
    {login_failures, {kAuthentication, kInfo, kFailures}},
    {login_location, {kAuthentication, kInfo, kLocation}},
    {login_sessions, {kAuthentication, kInfo, kSessions}},
    {login_time, {kAuthentication, kInfo, kTime}},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < std::size(kRows); ++i)
        if (kRows[i].kind != static_cast<EventKind>(i))
            return false;
    return std::size(kRows) == kEventKinds;
}
static_assert(in_order(), "one row a kind, in the order of EventKind");

constexpr auto kShapes = [] {
    std::array<EventShape, kEventKinds> shapes{};
    for (const Row& row : kRows)
        shapes[static_cast<std::size_t>(row.kind)] = row.shape;
    return shapes;
}();

}  // namespace

const EventShape& shape_of(EventKind kind) {
    return kShapes[static_cast<std::size_t>(kind)];
}

std::span<const EventShape, kEventKinds> all_shapes() {
    return kShapes;
}

}  // namespace audisp_eql::collector
