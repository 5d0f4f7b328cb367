// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/record_losses.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace audisp_eql::collector {

void RecordLosses::host_says(std::string_view text) {
    const std::optional<std::string_view> feed = find_field(text, "audit_feed");
    // The kernel's own queue leaves no holes: what it drops gets no number, or is in its own count.
    numbered_ = feed == "multicast" || feed == "plugin";
}

void RecordLosses::look(const StageLosses& counted, std::int64_t now_ns, std::int64_t engine_ns,
                        GapLog& log, bool at_end) {
    next_look_ns_ = now_ns + kLookNs;
    const std::int64_t since = looked_engine_ns_ != 0 ? looked_engine_ns_ : engine_ns;
    looked_engine_ns_ = engine_ns;
    const auto note = [&](std::string_view source, std::uint64_t& told, std::uint64_t count) {
        const std::uint64_t fresh = count - std::min(count, std::exchange(told, count));
        if (fresh != 0 && counted.assembler.records > kFirstRecords)
            log.add({std::string(source), since, engine_ns, fresh, false});
    };
    const AssemblerCounters& assembler = counted.assembler;
    // An end without anything before it is all that arrived of an event that has its number.
    note(gap_source::kIncomplete, incomplete_,
         assembler.incomplete + assembler.evicted + assembler.without_syscall +
             (numbered_ ? assembler.orphans : 0));
    note(gap_source::kUnparsed, unparsed_, assembler.unparsed + counted.unknown_types);
    note(gap_source::kMemory, dropped_, counted.dropped);
    if (const SerialTracker::Lost lost =
            serials_.take_lost(at_end ? now_ns + SerialTracker::kLateNs : now_ns);
        lost.count != 0)
        log.add({std::string(gap_source::kSerial), engine_ns - (now_ns - lost.since_ns),
                 engine_ns - (now_ns - lost.until_ns), lost.count, false});
}

void RecordLosses::reset() {
    serials_.reset();
    first_serial_ = last_serial_ = 0;
    next_look_ns_ = looked_engine_ns_ = 0;
}

}  // namespace audisp_eql::collector
