// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/gaps.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {
namespace {

// A source comes from a capture's line: what is no short word is none of ours.
constexpr std::size_t kMaxSource = 32;

struct Meaning {
    std::string_view source;
    std::string_view one, many;
};
constexpr Meaning kMeanings[] = {
    {gap_source::kKernel, "audit record that the kernel dropped",
     "audit records that the kernel dropped"},
    {gap_source::kAudit, "audit record that did not fit into the socket",
     "audit records that did not fit into the socket"},
    {gap_source::kProc, "process event that did not fit into the connector's socket",
     "process events that did not fit into the connector's socket"},
    {gap_source::kSerial, "audit event that never arrived (its serial number is missing)",
     "audit events that never arrived (their serial numbers are missing)"},
    {gap_source::kRestart, "audit event between the last run and this one",
     "audit events between the last run and this one"},
    {gap_source::kRing, "message that was not worked off in time",
     "messages that were not worked off in time"},
    {gap_source::kPlugin, "record of auditd that was not worked off in time",
     "records of auditd that were not worked off in time"},
    {gap_source::kIncomplete, "audit event that arrived in part",
     "audit events that arrived in part"},
    {gap_source::kUnparsed, "line that is no audit record", "lines that are no audit records"},
    {gap_source::kMemory, "pending match or process dropped to stay below the memory ceiling",
     "pending matches and processes dropped to stay below the memory ceiling"},
};

bool names(std::string_view list, std::string_view source) {
    while (!list.empty()) {
        const std::string_view word = list.substr(0, list.find(','));
        if (word == source)
            return true;
        list.remove_prefix(std::min(list.size(), word.size() + 1));
    }
    return false;
}

}  // namespace

std::string describe(const Gap& gap) {
    const auto found =
        std::find_if(std::begin(kMeanings), std::end(kMeanings),
                     [&](const Meaning& meaning) { return meaning.source == gap.source; });
    const std::string_view what = found == std::end(kMeanings) ? std::string_view("records")
                                  : gap.count == 1             ? found->one
                                                               : found->many;
    if (gap.count == 0)
        return fmt::format("an unknown number of {}", what);
    return fmt::format("{}{} {}", gap.at_least ? "at least " : "", gap.count, what);
}

Gap gap_from_loss(std::string_view text, std::int64_t now_ns, std::int64_t engine_ns) {
    Gap gap;
    gap.source = find_field(text, "feed").value_or("unknown").substr(0, kMaxSource);
    const auto number = [&](std::string_view key) -> std::int64_t {
        const std::optional<std::string_view> value = find_field(text, key);
        return value ? std::max<std::int64_t>(0, parse_decimal(*value).value_or(0)) : 0;
    };
    gap.count = static_cast<std::uint64_t>(number("count"));
    gap.at_least = gap.count == 0 || find_field(text, "at_least") == "1";
    gap.start_ns = gap.end_ns = engine_ns;
    if (const std::int64_t since = number("since"); since > 0 && since < now_ns)
        gap.start_ns = engine_ns - (now_ns - since);
    return gap;
}

// `gap` was noticed later.
void GapLog::join(Gap& into, const Gap& gap) {
    into.start_ns = std::min(into.start_ns, gap.start_ns);
    into.end_ns = std::max(into.end_ns, gap.end_ns);
    into.count += gap.count;
    into.at_least = into.at_least || gap.at_least;
    for (std::string_view rest = gap.source; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        if (!names(into.source, word))
            into.source += "," + std::string(word);
    }
}

void GapLog::add(Gap gap) {
    ++added_;
    const auto told = std::find_if(news_.begin(), news_.end(),
                                   [&](const Gap& one) { return one.source == gap.source; });
    if (told != news_.end())
        join(*told, gap);
    else if (news_.size() < kMaxGaps)
        news_.push_back(gap);
    // The same loss going on is one gap.
    const auto same = std::find_if(gaps_.rbegin(), gaps_.rend(),
                                   [&](const Gap& one) { return one.source == gap.source; });
    if (same != gaps_.rend() && gap.start_ns <= same->end_ns + kMarginNs &&
        gap.end_ns >= same->start_ns) {
        join(*same, gap);
        return;
    }
    gaps_.push_back(std::move(gap));
    if (gaps_.size() <= kMaxGaps)
        return;
    const Gap oldest = std::move(gaps_.front());
    gaps_.pop_front();
    join(gaps_.front(), oldest);
}

Gap GapLog::touching(std::int64_t first_ns, std::int64_t last_ns) const {
    Gap all;
    for (const Gap& gap : gaps_) {
        if (gap.end_ns < first_ns - kMarginNs || gap.start_ns > last_ns + kMarginNs)
            continue;
        if (all.source.empty())
            all = gap;
        else
            join(all, gap);
    }
    return all;
}

std::vector<Gap> GapLog::take_news() {
    return std::exchange(news_, {});
}

}  // namespace audisp_eql::collector
