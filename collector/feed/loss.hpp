// SPDX-License-Identifier: Apache-2.0
// Losses on the reader's side, gathered until there is room to tell them: each becomes a `loss`
// message of the stream, "feed=NAME count=N [at_least=1] [since=NS]".
//
// Memory: values. Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace audisp_eql::collector {

// Where evidence is lost, as alerts and LOSS lines name it.
namespace gap_source {
inline constexpr std::string_view kKernel = "kernel";    // audit's own count of lost records
inline constexpr std::string_view kAudit = "audit";      // the audit socket overran, or a read cut
inline constexpr std::string_view kProc = "proc";        // the proc connector's socket overran
inline constexpr std::string_view kSerial = "serial";    // serial numbers that never came
inline constexpr std::string_view kRestart = "restart";  // the same, between two runs
inline constexpr std::string_view kRing = "ring";        // no room between reader and worker
inline constexpr std::string_view kPlugin = "plugin";    // auditd's lines that did not fit there
inline constexpr std::string_view kIncomplete = "incomplete";  // events without head or end
inline constexpr std::string_view kUnparsed = "unparsed";      // no audit records
inline constexpr std::string_view kMemory = "memory";  // dropped to stay below the memory ceiling
}  // namespace gap_source

// `since_ns`: monotonic, when nothing was lost yet; 0: not known. `count` 0 with `at_least`: nobody
// knows how many.
inline std::string loss_text(std::string_view source, std::uint64_t count, bool at_least,
                             std::int64_t since_ns) {
    std::string text = fmt::format("feed={} count={}", source, count);
    if (at_least)
        text += " at_least=1";
    if (since_ns > 0)
        text += fmt::format(" since={}", since_ns);
    return text;
}

class PendingLosses {
  public:
    struct Loss {
        std::string_view source;
        std::uint64_t count = 0;
        bool at_least = false;
        std::int64_t since_ns = 0;
        bool any = false;
    };

    // `source`: one of gap_source; others are left out.
    void add(std::string_view source, std::uint64_t count, bool at_least, std::int64_t since_ns) {
        const auto loss = std::find_if(losses_.begin(), losses_.end(),
                                       [&](const Loss& one) { return one.source == source; });
        if (loss == losses_.end())
            return;
        if (!loss->any)
            loss->since_ns = since_ns;
        loss->any = any_ = true;
        loss->count += count;
        loss->at_least = loss->at_least || at_least;
    }
    bool any() const { return any_; }
    // Hands each to tell(text) and forgets it.
    template <typename Tell>
    void tell_all(Tell tell) {
        for (Loss& loss : losses_) {
            if (loss.any)
                tell(loss_text(loss.source, loss.count, loss.at_least, loss.since_ns));
            loss = {loss.source};
        }
        any_ = false;
    }

  private:
    std::array<Loss, 5> losses_{{{gap_source::kKernel},
                                 {gap_source::kAudit},
                                 {gap_source::kProc},
                                 {gap_source::kRing},
                                 {gap_source::kPlugin}}};
    bool any_ = false;
};

}  // namespace audisp_eql::collector
