// SPDX-License-Identifier: Apache-2.0
// After an upgrade: the program's newer version takes the place of this one, as auditd's plugin. It
// is the same process with the same standard input, so that auditd notices nothing and what it
// writes meanwhile waits in the stream; our audit rules stay in force.
//
// A process that has given up rights for good cannot hand them on: it only ends, and leaves the
// audit rules, whose next record makes auditd start the plugin anew.
// Memory: one flag of the process. Threads: ask_for_successor() is the worker's or a signal
// handler's, the rest anybody's.
#pragma once

namespace audisp_eql::collector {

// Of the process that reads auditd's stream, before any thread; until then nobody can ask.
void allow_successor();
void ask_for_successor();
bool successor_asked();
// Returns only where it can't be, having said why, or where this process may not.
void become_successor();

}  // namespace audisp_eql::collector
