// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/resync.hpp"

#include <algorithm>

namespace audisp_eql::collector {

void Resync::step(const ProcessTable& table, std::int64_t now_ns) {
    if (!running_) {
        if (asked_ && (runs_ == 0 || now_ns >= began_ns_ + kBetweenNs))
            begin(now_ns);
        return;
    }
    if (now_ns < began_ns_ + kSettleNs)
        return;
    const bool listing = !listed_.empty();
    const std::vector<std::int32_t>& pids = listing ? listed_ : gone_;
    const std::size_t until = std::min(pids.size(), next_ + kSlice);
    for (; next_ < until; ++next_)
        listing ? put_right(table, pids[next_], now_ns) : end_if_gone(table, pids[next_], now_ns);
    if (next_ < pids.size())
        return;
    next_ = 0;
    if (listing) {
        look_for_gone(table);
        listed_.clear();
    } else {
        gone_.clear();
        running_ = false;
        ++finished_;
    }
}

void Resync::begin(std::int64_t now_ns) {
    asked_ = false;
    running_ = true;
    began_ns_ = now_ns;
    ++runs_;
    next_ = 0;
    listed_ = proc_.pids();
    std::sort(listed_.begin(), listed_.end());  // parents first, as far as numbers tell
}

void Resync::put_right(const ProcessTable& table, std::int32_t pid, std::int64_t now_ns) {
    auto shown = proc_.read(pid);
    if (!shown)
        return;  // the connector tells its end
    const ProcessPtr known = table.find(pid);
    const bool same = known && known->alive() &&
                      (known->start_tick < 0 || known->start_tick == shown->start_tick);
    if (same)
        return;
    ++made_;
    shown->resync = true;
    const std::string text = to_text(*shown);
    Message message{};
    message.kind = MessageKind::process;
    message.mono_ns = now_ns;
    message.bytes = text;
    tell_(message);
}

// Who lived when the list was made and is not in it.
void Resync::look_for_gone(const ProcessTable& table) {
    gone_.clear();
    for (const std::int32_t pid : table.live_pids())
        if (!std::binary_search(listed_.begin(), listed_.end(), pid))
            gone_.push_back(pid);
}

// It has ended unseen: as if its EXIT, and those of its threads, came now.
void Resync::end_if_gone(const ProcessTable& table, std::int32_t pid, std::int64_t now_ns) {
    // More than any process has threads that anybody counted.
    constexpr std::int32_t kMaxThreads = 10'000;
    const ProcessPtr process = table.find(pid);
    if (!process || !process->alive() ||
        std::max(process->first_ns, process->active_ns) >= began_ns_ || proc_.read(pid))
        return;
    ++ended_;
    for (std::int32_t left = std::min(process->threads, kMaxThreads); left > 0; --left)
        tell_exit(0, pid, now_ns);
    tell_exit(pid, pid, now_ns);
}

void Resync::tell_exit(std::int32_t pid, std::int32_t tgid, std::int64_t now_ns) {
    ProcEvent event;
    event.what = ProcEvent::What::exit;
    event.ns = now_ns;
    event.pid = pid;
    event.tgid = tgid;
    event.concluded = true;
    Message message{};
    message.kind = MessageKind::proc_event;
    message.mono_ns = now_ns;
    message.bytes = {reinterpret_cast<const char*>(&event), sizeof event};
    tell_(message);
}

}  // namespace audisp_eql::collector
