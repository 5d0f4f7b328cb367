// SPDX-License-Identifier: Apache-2.0
// end events, from the connector's EXIT. It is read before the process's own last audit records, so
// the event waits until audit has gone past it: nothing of a process comes after its end.
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

void Normalizer::State::on_exit(const ProcEvent& event) {
    const ProcessPtr process = processes.exit(event.pid, event.tgid, event.first, event.ns);
    if (!process)
        return;
    release_changes(*process);
    held_ends.push_back({process, process->image, event.ns, event.concluded});
    while (held_ends.size() > kMaxHeld) {
        ++counters.let_go_early;
        const HeldEnd oldest = std::move(held_ends.front());
        held_ends.pop_front();
        emit_end(oldest);
    }
}

void Normalizer::State::emit_end(const HeldEnd& held) {
    Process& process = *held.process;
    if (process.exit_ns != held.exit_ns) {
        ++counters.ends_cancelled;
        return;
    }
    const detect::EventTime time = timeline.of_connector(held.exit_ns);
    ++counters.end;
    if (!wanted(EventKind::end, process, held.image->block))
        return;
    if (held.concluded)
        builder.set_boolean(detect::FieldId::inferred, true);
    put_shape(EventKind::end, time);
    put_credentials(process.credentials);
    // wait(2): the exit code is the second byte, the signal that ended it the first.
    builder.set_integer(detect::FieldId::process_exit_code, (process.exit_status >> 8) & 0xff);
    emit(time, {detect::Origin::Kind::proc, held.exit_ns, 0, process.pid}, process,
         held.image->block);
}

void Normalizer::State::release_ends_before(std::int64_t audit_ns) {
    while (!held_ends.empty() && held_ends.front().exit_ns + kEndMarginNs < audit_ns) {
        const HeldEnd end = std::move(held_ends.front());
        held_ends.pop_front();
        emit_end(end);
    }
}

void Normalizer::State::advance_ends() {
    while (!held_ends.empty()) {
        // Where the two clocks can't be compared, no record can say that audit is past it: then
        // silence is not waited for either.
        const std::int64_t exit_ns = held_ends.front().exit_ns;
        const std::int64_t since =
            timeline.comparable() ? std::max(exit_ns, last_audit_ns) : exit_ns;
        if (since + kEndSilenceNs > now_ns)
            return;
        const HeldEnd end = std::move(held_ends.front());
        held_ends.pop_front();
        emit_end(end);
    }
}

}  // namespace audisp_eql::collector
