// SPDX-License-Identifier: Apache-2.0
// Which records become events at all: those that a loaded rule may look at. Rules of others may
// make the kernel report calls in thousands a second that nobody here asked for.
#include <utility>

#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

void Normalizer::set_filter(EventFilter filter) {
    state_->filter = std::move(filter);
    state_->wanted_kinds = {};
    state_->wanted_calls.clear();
}

bool Normalizer::State::wanted(EventKind kind) {
    if (!filter)
        return true;
    std::int8_t& answer = wanted_kinds[static_cast<std::size_t>(kind)];
    if (answer == 0)
        answer = filter(kind, {}) ? 1 : -1;
    return answer > 0;
}

bool Normalizer::State::wanted(Operation operation, const SyscallFacts& facts) {
    if (is_of_file(operation))
        return files_wanted;
    switch (operation) {
        case Operation::bind:
            return wanted(EventKind::bind);
        case Operation::listen:
            return wanted(EventKind::listen);
        case Operation::change_user:
            return wanted(EventKind::uid_change);
        case Operation::change_group:
            return wanted(EventKind::gid_change);
        case Operation::new_session:
            return wanted(EventKind::session_id_change);
        case Operation::make_memory_file:
            return wanted(EventKind::memfd_create);
        case Operation::trace:
            return wanted(EventKind::ptrace);
        case Operation::signal:
            return wanted(EventKind::signal);
        case Operation::load_module:
            return wanted(EventKind::module_load);
        case Operation::unload_module:
            return wanted(EventKind::module_unload);
        case Operation::mount:
            return wanted(EventKind::mount);
        case Operation::unmount:
            return wanted(EventKind::unmount);
        case Operation::other:
            break;
        default:
            return true;
    }
    const std::string_view name = syscall_name(facts.syscall.arch, facts.syscall.number);
    if (!filter)
        return true;
    const auto [answer, is_new] = wanted_calls.try_emplace(name.data(), false);
    if (is_new)
        answer->second = filter(EventKind::other_syscall, name);
    return answer->second;
}

}  // namespace audisp_eql::collector
