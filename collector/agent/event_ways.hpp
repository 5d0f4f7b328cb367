// SPDX-License-Identifier: Apache-2.0
// How the kernel can be made to report each kind of event: the one table behind the audit rules
// that are derived from EQL rules. Which calls an operation has stands in collector/audit/syscalls.
//
// Memory: static. Threads: constant.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>

#include "collector/audit/syscalls.hpp"
#include "collector/feed/message.hpp"
#include "collector/normalize/actions.hpp"

namespace audisp_eql::collector {

// One way in which audit reports a kind of event.
struct Way {
    enum class Use : std::uint8_t {
        always,
        door,               // the same by a side entrance: few programs go through it
        without_connector,  // the proc connector tells it better
        expensive,          // of which hosts make thousands a second
    };
    EventKind kind;
    Operation operation;
    Use use;
    std::string_view key;      // behind kRuleKeyPrefix and '-'
    std::string_view heading;  // for people
    // Alternatives, each a line of its own; none: one line without a test. Several tests of one
    // line stand with a space between. "SIGNAL": the argument that is the signal.
    std::array<std::string_view, 4> tests = {};
    // Some of these bits in the call's flags (Syscall::flags); calls whose flags are behind a
    // pointer are taken whole.
    std::uint64_t flag_bits = 0;
    // The same through socketcall(2): its first argument.
    std::array<std::uint8_t, 3> socketcalls = {};
    bool ring_list = false;  // a line of the io_uring list in place of system calls
};
std::span<const Way> ways();

// The system calls that do it, by name.
std::set<std::string_view> calls_that_do(Operation operation);

// Kinds of files: they are narrowed by path.
bool is_of_file(EventKind kind);

// The connector's message that makes the kind of event; none: it tells nothing of it.
ProcEvent::What connector_message(EventKind kind);
// Made of what programs and the kernel report of themselves: no audit rule is needed.
bool is_reported(EventKind kind);

// Calls of which busy hosts make thousands a second, beside those in the table.
bool is_busy_call(std::string_view name);

}  // namespace audisp_eql::collector
