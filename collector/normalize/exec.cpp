// SPDX-License-Identifier: Apache-2.0
// exec events. A failed exec makes none: the process runs what it ran.
#include "collector/normalize/path.hpp"
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

void Normalizer::State::on_exec_context(std::string_view text) {
    if (!context_from_text(text, exec_context))
        return;
    if (exec_contexts.size() >= kMaxExecContexts)
        exec_contexts.clear();
    exec_contexts[exec_context.pid] = exec_context;
}

// A live run asks now, a replay has read the answer just before.
const ExecContext* Normalizer::State::context_of(const SyscallFacts& facts) {
    const std::int32_t pid = facts.syscall.pid;
    if (!proc) {
        const auto told = exec_contexts.find(pid);
        if (told == exec_contexts.end())
            return nullptr;
        exec_context = std::move(told->second);
        exec_contexts.erase(told);
        return exec_context.gone ? nullptr : &exec_context;
    }
    if (!asked_for.of_exec.any())
        return nullptr;
    ++counters.execs_asked;
    proc->read_exec(pid, asked_for.of_exec, exec_context);
    counters.execs_gone += exec_context.gone ? 1 : 0;
    if (learned) {
        exec_context_text.clear();
        append_text(exec_context, exec_context_text);
        Message message{};
        message.kind = MessageKind::process_exec;
        message.mono_ns = now_ns;
        message.bytes = exec_context_text;
        learned->on_message(message);
    }
    return exec_context.gone ? nullptr : &exec_context;
}

void Normalizer::State::on_exec(const SyscallFacts& facts) {
    const ProcessPtr process = process_of(facts);
    const ExecContext* const context = context_of(facts);
    if (context && context->pgid != 0)
        processes.group_joined(*process, context->pgid);
    else if (!process->credentials.tty().empty() && process->pgid != process->pid)
        processes.group_joined(*process, 0);  // a shell's job control moves it, and nobody tells
    detect::BlockPtr block = image_of_exec(facts, *process, context);
    const auto executed = processes.image_executed(*process, std::move(block), facts.point);
    release_missed_images();
    entry_may_begin(*process);
    // A record that is read long after its EXEC may be that of another exec.
    if (executed.announced_ns > 0 && now_ns - executed.announced_ns < Timeline::kMaxPairSkewNs)
        timeline.exec_seen(facts.point.time_ms, executed.announced_ns);

    settle_changes(*executed.image, facts.event);
    ++counters.exec;
    if (wanted(EventKind::exec, *process, executed.image->block))
        emit_exec(facts, *process, executed.image->block);
    release_forks(*executed.image);
}

void Normalizer::State::emit_exec(const SyscallFacts& facts, Process& process,
                                  const detect::BlockPtr& image) {
    put_shape(EventKind::exec, facts.time);
    put_credentials(process.credentials);
    put_syscall(facts);
    put_birth(process);
    builder.set_literal(detect::FieldId::event_outcome, "success");
    // Of what was opened: a script, not its interpreter. It tells files of equal name apart, in
    // containers and behind a chroot too.
    if (invoked_file.item == 0 && invoked_file.inode != 0)
        put_inode(invoked_file);
    decode(facts.syscall.exe, scratch);
    if (const auto name = memory_file_of(scratch))
        builder.set_text(detect::FieldId::process_ext_memfd_name, *name);
    emit(facts.time, facts.origin(), process, image);
}

}  // namespace audisp_eql::collector
