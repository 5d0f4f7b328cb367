// SPDX-License-Identifier: Apache-2.0
// The table of what each kind of event calls itself: rules are written against it.
#include <boost/test/unit_test.hpp>

#include "collector/normalize/actions.hpp"
#include "detect/rule/coverage.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(category_type_and_action_of_each_kind) {
    using enum EventKind;
    struct Row {
        EventKind kind;
        const char* category;
        const char* type;
        const char* action;
    };
    const Row rows[] = {
        {fork, "process", "start", "fork"},
        {exec, "process", "start", "exec,executed"},
        {end, "process", "end", "end"},
        {connect, "network", "connection,start", "connection_attempted,connected-to"},
        {accept, "network", "connection,start", "connection_accepted,accepted-connection-from"},
        {file_creation, "file", "creation", "creation,opened-file"},
        {file_modification, "file", "change", "modification,opened-file,wrote-to-file"},
        {file_open, "file", "access", "open,opened-file"},
        {file_rename, "file", "change", "rename,renamed"},
        {file_deletion, "file", "deletion", "deletion,deleted"},
        {directory_creation, "file", "creation", "creation,created-directory"},
        {node_creation, "file", "creation", "creation,make-device"},
        {link_creation, "file", "creation", "creation,linked"},
        {symlink_creation, "file", "creation", "creation,symlinked"},
        {mode_change, "file", "change", "changed-file-permissions-of"},
        {owner_change, "file", "change", "changed-file-ownership-of"},
        {attributes_change, "file", "change", "changed-file-attributes-of"},
        {times_change, "file", "change", "changed-timestamp-of"},
        {uid_change, "process", "change", "uid_change,changed-identity-of"},
        {gid_change, "process", "change", "gid_change,changed-identity-of"},
        {session_id_change, "process", "change", "session_id_change"},
        {ptrace, "process", "change,info", "ptrace"},
        {signal, "process", "end", "killed-pid"},
        {memfd_create, "process", "change,info", "memfd_create"},
        {coredump, "process", "info", "coredump"},
        {crash, "process", "end", "crashed-program"},
        {bind, "network", "start", "bound-socket"},
        {listen, "network", "start", "listen-for-connections"},
        {send, "network", "connection,info", "sent-to"},
        {module_load, "process,driver", "start,change", "load_module,loaded-kernel-module"},
        {module_unload, "process,driver", "end", "unload_module,unloaded-kernel-module"},
        {mount, "process", "info", "mounted"},
        {unmount, "process", "info", "unmounted"},
        {other_syscall, "process", "info", ""},
        {apparmor, "process", "denied", "violated-apparmor-policy"},
        {apparmor_file, "process,file", "denied", "violated-apparmor-policy"},
        {apparmor_network, "process,network", "denied", "violated-apparmor-policy"},
        {selinux, "process", "denied", "violated-selinux-policy"},
        {seccomp, "process", "denied", "violated-seccomp-policy"},
        {login_id, "authentication", "start", "changed-login-id-to"},
        {ssh_login, "authentication", "start", "user_login,ssh_login,logged-in"},
        {login, "authentication", "start", "user_login,logged-in"},
        {logout, "authentication", "end", "user_logout,logged-out"},
        {authenticated, "authentication", "start", "authenticated"},
        {authorized, "authentication", "info", "was-authorized"},
        {credentials_acquired, "authentication", "info", "acquired-credentials"},
        {credentials_disposed, "authentication", "info", "disposed-credentials"},
        {credentials_refreshed, "authentication", "info", "refreshed-credentials"},
        {session_start, "session", "start", "started-session"},
        {session_end, "session", "end", "ended-session"},
        {user_error, "authentication", "info", "error"},
        {user_added, "iam", "user,creation", "added-user-account"},
        {user_deleted, "iam", "user,deletion", "deleted-user-account"},
        {user_modified, "iam", "user,change", "modified-user-account"},
        {user_locked, "iam", "user,change", "locked-account"},
        {user_unlocked, "iam", "user,change", "unlocked-account"},
        {password_changed, "iam", "user,change", "changed-password"},
        {group_added, "iam", "group,creation", "added-group-account-to"},
        {group_deleted, "iam", "group,deletion", "deleted-group-account-from"},
        {group_modified, "iam", "group,change", "modified-group-account"},
        {group_password_changed, "iam", "group,change", "changed-group-password"},
        {login_failures, "authentication", "info", "failed-log-in-too-many-times-to"},
        {login_location, "authentication", "info", "attempted-log-in-from-unusual-place-to"},
        {login_sessions, "authentication", "info", "opened-too-many-sessions-to"},
        {login_time, "authentication", "info", "attempted-log-in-during-unusual-hour-to"},
    };
    std::size_t told = 0;
    for (const Row& row : rows) {
        const EventShape& shape = shape_of(row.kind);
        BOOST_TEST(joined(shape.category) == row.category);
        BOOST_TEST(joined(shape.type) == row.type);
        BOOST_TEST(joined(shape.action) == row.action);
        BOOST_TEST(!source_of(row.kind).empty());
        told += row.kind == static_cast<EventKind>(told) ? 1 : 0;
        for (const detect::Value& category : shape.category)
            BOOST_TEST(detect::is_agent_category(category.as_text()));
    }
    BOOST_TEST(told == kEventKinds);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
