// SPDX-License-Identifier: Apache-2.0
// exec events. A failed exec makes none: the process runs what it ran.
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

void Normalizer::State::on_exec_announced(const ProcEvent& event) {
    ImagePtr before;
    if (!undecided.empty())
        if (const ProcessPtr process = processes.find(event.tgid))
            before = process->image;
    const auto announced = processes.exec_announced(event.tgid, event.ns);
    if (before && announced.process)
        hold_changes_for_exec(announced.process, before);
    if (announced.told_ms != 0)
        timeline.exec_seen(announced.told_ms, event.ns);
    release_missed_images();
}

void Normalizer::State::on_exec(const SyscallFacts& facts) {
    const ProcessPtr process = process_of(facts);
    detect::BlockPtr block = image_of_exec(facts);
    const auto executed = processes.image_executed(*process, std::move(block), facts.point);
    release_missed_images();
    // A record that is read long after its EXEC may be that of another exec.
    if (executed.announced_ns > 0 && now_ns - executed.announced_ns < Timeline::kMaxPairSkewNs)
        timeline.exec_seen(facts.point.time_ms, executed.announced_ns);

    settle_changes(*executed.image, facts.event);
    put_shape(EventKind::exec, facts.time);
    put_credentials(process->credentials);
    put_syscall(facts);
    builder.set_literal(detect::FieldId::event_outcome, "success");
    ++counters.exec;
    emit(facts.time, facts.origin(), *process, executed.image->block);
    release_forks(*executed.image);
}

}  // namespace audisp_eql::collector
