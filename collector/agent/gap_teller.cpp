// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/gap_teller.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
namespace {

// Sources come from a capture's lines, too.
constexpr std::size_t kMaxSources = 32;

}  // namespace

std::string gap_line(const GapNews& news) {
    std::string text = fmt::format("evidence was lost: {}", describe(news.gap));
    if (news.total > news.gap.count)
        text += fmt::format(" ({} since the start)", news.total);
    return text + "; alerts of that time say so in audisp_eql.gap";
}

void raise_gap(OwnAlerts& alerts, const GapNews& news) {
    const std::int64_t offset_ns = nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_MONOTONIC);
    const Gap& gap = news.gap;
    OwnAlertFacts facts;
    facts.message = gap_line(news);
    log::warning(facts.message);
    facts.more = {json_text("audisp_eql.gap.source", gap.source),
                  json_number("audisp_eql.gap.count", gap.count),
                  json_time("audisp_eql.gap.start", (gap.start_ns + offset_ns) / 1000),
                  json_time("audisp_eql.gap.end", (gap.end_ns + offset_ns) / 1000),
                  json_number("audisp_eql.gap.total", news.total)};
    if (gap.at_least)
        facts.more.push_back({"audisp_eql.gap.at_least", "true"});
    alerts.raise(OwnAlert::evidence_gap, std::move(facts));
}

void GapTeller::take(const Gap& gap) {
    auto source = std::find_if(sources_.begin(), sources_.end(),
                               [&](const Source& one) { return one.untold.source == gap.source; });
    if (source == sources_.end()) {
        if (sources_.size() == kMaxSources)
            return;
        source = sources_.insert(sources_.end(), Source{});
        source->untold.source = gap.source;
    }
    if (!std::exchange(source->any, true))
        source->untold.start_ns = gap.start_ns;
    source->untold.end_ns = gap.end_ns;
    source->untold.count += gap.count;
    source->untold.at_least = source->untold.at_least || gap.at_least;
    source->total += gap.count;
}

GapNews GapTeller::say(Source& source) {
    GapNews news{source.untold, source.total};
    source.any = false;
    source.untold.count = 0;
    source.untold.at_least = false;
    return news;
}

std::vector<GapNews> GapTeller::tell(std::vector<Gap> fresh, Time now) {
    for (const Gap& gap : fresh)
        take(gap);
    std::vector<GapNews> news;
    for (Source& source : sources_)
        if (source.any && (source.told == Time{} || now - source.told >= kBetween)) {
            source.told = now;
            news.push_back(say(source));
        }
    return news;
}

std::vector<GapNews> GapTeller::tell_rest(std::vector<Gap> fresh) {
    for (const Gap& gap : fresh)
        take(gap);
    std::vector<GapNews> news;
    for (Source& source : sources_)
        if (source.any)
            news.push_back(say(source));
    return news;
}

}  // namespace audisp_eql::collector
