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
    std::string_view source;
};
using enum EventKind;
constexpr Row kRows[] = {
    {fork,
     {kProcess, kStart, kForked},
     "connector FORK; without the connector SYSCALL of fork, vfork and clone, or made up for a "
     "process that a record names first"},
    {exec,
     {kProcess, kStart, kExecuted},
     "SYSCALL, EXECVE, CWD and PATH of execve and execveat that succeeded"},
    {end, {kProcess, kEnd, kEnded}, "connector EXIT of the last thread"},
    {connect,
     {kNetwork, kConnectionStart, kConnected},
     "SYSCALL and SOCKADDR of connect, of socketcall, of sendto, sendmsg and sendmmsg with "
     "MSG_FASTOPEN; URINGOP and SOCKADDR"},
    {accept,
     {kNetwork, kConnectionStart, kAccepted},
     "SYSCALL and SOCKADDR of accept, accept4 and socketcall that succeeded"},
    {file_creation,
     {kFile, kCreation, kCreated},
     "SYSCALL and PATH of open, openat, openat2, creat that made the file"},
    {file_modification,
     {kFile, kChange, kModified},
     "the same of a regular file that was there, opened for writing; truncate, ftruncate"},
    {file_open,
     {kFile, kAccess, kOpened},
     "the same of a file opened for reading, or not a regular one"},
    {file_rename, {kFile, kChange, kRenamed}, "SYSCALL and PATH of rename, renameat, renameat2"},
    {file_deletion, {kFile, kDeletion, kDeleted}, "SYSCALL and PATH of unlink, unlinkat, rmdir"},
    {directory_creation, {kFile, kCreation, kMadeDirectory}, "SYSCALL and PATH of mkdir, mkdirat"},
    {node_creation, {kFile, kCreation, kMadeNode}, "SYSCALL and PATH of mknod, mknodat"},
    {link_creation, {kFile, kCreation, kLinked}, "SYSCALL and PATH of link, linkat"},
    {symlink_creation, {kFile, kCreation, kSymlinked}, "SYSCALL and PATH of symlink, symlinkat"},
    {mode_change,
     {kFile, kChange, kChangedMode},
     "SYSCALL and PATH of chmod, fchmod, fchmodat, fchmodat2"},
    {owner_change,
     {kFile, kChange, kChangedOwner},
     "SYSCALL and PATH of chown, lchown, fchown, fchownat"},
    {attributes_change,
     {kFile, kChange, kChangedAttributes},
     "SYSCALL and PATH of setxattr, removexattr and their kind"},
    {times_change,
     {kFile, kChange, kChangedTimes},
     "SYSCALL and PATH of utime, utimes, futimesat, utimensat"},
    {uid_change,
     {kProcess, kChange, kUserIdChanged},
     "connector UID; without it SYSCALL of setuid, setreuid, setresuid that changed something"},
    {gid_change,
     {kProcess, kChange, kGroupIdChanged},
     "connector GID; without it SYSCALL of setgid, setregid, setresgid that changed something"},
    {session_id_change,
     {kProcess, kChange, kSessionIdChanged},
     "connector SID; without it SYSCALL of setsid"},
    {ptrace, {kProcess, kChangeInfo, kTraced}, "connector PTRACE; SYSCALL and OBJ_PID of ptrace"},
    {signal,
     {kProcess, kEnd, kSignalled},
     "SYSCALL and OBJ_PID of kill, tkill, tgkill, pidfd_send_signal"},
    {memfd_create, {kProcess, kChangeInfo, kMemoryFile}, "SYSCALL of memfd_create"},
    {coredump, {kProcess, kInfo, kDumped}, "connector COREDUMP"},
    {crash, {kProcess, kEnd, kCrashed}, "ANOM_ABEND"},
    {bind, {kNetwork, kStart, kBound}, "SYSCALL and SOCKADDR of bind"},
    {listen, {kNetwork, kStart, kListens}, "SYSCALL of listen"},
    {send,
     {kNetwork, kConnectionInfo, kSent},
     "SYSCALL and SOCKADDR of sendto, sendmsg and sendmmsg to an internet address"},
    {module_load,
     {kProcessDriver, kStartChange, kModuleLoaded},
     "SYSCALL and KERN_MODULE of init_module, finit_module"},
    {module_unload,
     {kProcessDriver, kEnd, kModuleUnloaded},
     "SYSCALL and KERN_MODULE of delete_module"},
    {mount, {kProcess, kInfo, kMounted}, "SYSCALL of mount"},
    {unmount, {kProcess, kInfo, kUnmounted}, "SYSCALL of umount, umount2"},
    {other_syscall,
     {kProcess, kInfo, {}},
     "SYSCALL of any other call; without an action, auditd.data.syscall names it"},
    {apparmor, {kProcess, kDenied, kApparmor}, "AVC with apparmor="},
    {apparmor_file, {kProcessFile, kDenied, kApparmor}, "AVC with apparmor=, of a file"},
    {apparmor_network, {kProcessNetwork, kDenied, kApparmor}, "AVC with apparmor=, of a socket"},
    {selinux, {kProcess, kDenied, kSelinux}, "AVC, USER_AVC"},
    {seccomp, {kProcess, kDenied, kSeccomp}, "SECCOMP"},
    {login_id, {kAuthentication, kStart, kLoginId}, "LOGIN"},
    {ssh_login, {kAuthentication, kStart, kSshLogin}, "USER_LOGIN of sshd"},
    {login, {kAuthentication, kStart, kLogin}, "USER_LOGIN"},
    {logout, {kAuthentication, kEnd, kLogout}, "USER_LOGOUT"},
    {authenticated, {kAuthentication, kStart, kAuthenticated}, "USER_AUTH"},
    {authorized, {kAuthentication, kInfo, kAuthorized}, "USER_ACCT"},
    {credentials_acquired, {kAuthentication, kInfo, kAcquired}, "CRED_ACQ"},
    {credentials_disposed, {kAuthentication, kInfo, kDisposed}, "CRED_DISP"},
    {credentials_refreshed, {kAuthentication, kInfo, kRefreshed}, "CRED_REFR"},
    {session_start, {kSession, kStart, kSessionStarted}, "USER_START"},
    {session_end, {kSession, kEnd, kSessionEnded}, "USER_END"},
    {user_error, {kAuthentication, kInfo, kUserError}, "USER_ERR"},
    {user_added, {kIam, kUserCreation, kUserAdded}, "ADD_USER"},
    {user_deleted, {kIam, kUserDeletion, kUserDeleted}, "DEL_USER"},
    {user_modified, {kIam, kUserChange, kUserModified}, "USER_MGMT"},
    {user_locked, {kIam, kUserChange, kUserLocked}, "ACCT_LOCK"},
    {user_unlocked, {kIam, kUserChange, kUserUnlocked}, "ACCT_UNLOCK"},
    {password_changed, {kIam, kUserChange, kPassword}, "USER_CHAUTHTOK"},
    {group_added, {kIam, kGroupCreation, kGroupAdded}, "ADD_GROUP"},
    {group_deleted, {kIam, kGroupDeletion, kGroupDeleted}, "DEL_GROUP"},
    {group_modified, {kIam, kGroupChange, kGroupModified}, "GRP_MGMT"},
    {group_password_changed, {kIam, kGroupChange, kGroupPassword}, "GRP_CHAUTHTOK"},
    {login_failures, {kAuthentication, kInfo, kFailures}, "ANOM_LOGIN_FAILURES"},
    {login_location, {kAuthentication, kInfo, kLocation}, "ANOM_LOGIN_LOCATION"},
    {login_sessions, {kAuthentication, kInfo, kSessions}, "ANOM_LOGIN_SESSIONS"},
    {login_time, {kAuthentication, kInfo, kTime}, "ANOM_LOGIN_TIME"},
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

std::string_view source_of(EventKind kind) {
    return kRows[static_cast<std::size_t>(kind)].source;
}

std::span<const EventShape, kEventKinds> all_shapes() {
    return kShapes;
}

}  // namespace audisp_eql::collector
