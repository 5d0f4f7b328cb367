// SPDX-License-Identifier: Apache-2.0
// After an upgrade: the program's newer version takes the place of this one, as auditd's plugin. It
// is the same process with the same standard input and the same socket of the proc connector, so
// that auditd notices nothing and what the kernel and auditd write meanwhile waits in both; our
// audit rules stay in force. Of two processes the privileged one becomes it, and makes a new
// confined one.
//
// What is known in memory it makes anew: from /proc, and from the newest messages (agent/handover).
// Memory: flags of the process. Threads: ask_for_successor() is the worker's or a signal handler's,
// the rest the agent's own.
#pragma once

namespace audisp_eql::collector {

// Of the process that reads auditd's stream, before any thread; until then nobody can ask.
void allow_successor();
void ask_for_successor();
bool successor_asked();
// What it goes on with: a descriptor, owned from here on; -1: nothing.
void bequeath_connector(int descriptor);
// As the successor: what was left to it, once; -1: nothing.
int inherited_connector();
// Returns only where it can't be, having said why.
void become_successor();

}  // namespace audisp_eql::collector
