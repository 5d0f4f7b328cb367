// SPDX-License-Identifier: Apache-2.0
// Between the rules and the outputs of a live run: a flood of alerts becomes few.
//
// - Alerts that agree in the chosen fields (by default the rule, the host, the user, the process's
//   and its parent's executable, the destination's address) fold for a window: the first goes out
//   at once, later ones are counted, and one closing alert tells the count, the times and the first
//   of what was folded (audisp_eql.folded).
// - A rule that has had more alerts than its ceiling within a minute, folding not counted, goes to
//   counting: one alert says so, its further alerts are counted and reported every ten minutes. A
//   minute below the ceiling ends that.
//
// A replay folds nothing: what it prints is the evidence, and depends on no clock.
//
// Memory: keeps the first alert of each window that is open, bounded. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/agent/own_alert.hpp"
#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

struct FoldingOptions {
    std::int64_t window_ns = 60LL * 1'000'000'000;  // 0: nothing folds
    std::vector<std::string> fields;                // ECS names; without any, nothing folds
    std::uint64_t ceiling = 100;                    // alerts of a rule a minute; 0: none
    std::string selftest_mark;                      // in process.args: does not fold
};

struct FoldingCounters {
    std::uint64_t alerts = 0;   // that came in
    std::uint64_t passed = 0;   // that went out at once
    std::uint64_t folded = 0;   // told by a closing alert
    std::uint64_t closing = 0;  // closing alerts
    std::uint64_t counted = 0;  // of noisy rules
    std::uint64_t early = 0;    // windows that ended early, because too many were open
    std::uint64_t open = 0;     // windows now
    std::uint64_t noisy = 0;    // rules now
};

class AlertFolding {
  public:
    // Windows that are open at once. Each keeps an alert of some 10 kB: 20 MB at worst.
    static constexpr std::size_t kMaxWindows = 2000;
    // Folded alerts whose id, time and sentence the closing alert has.
    static constexpr std::size_t kMaxTold = 20;
    static constexpr std::int64_t kMinuteNs = 60LL * 1'000'000'000;
    static constexpr std::int64_t kReportNs = 10 * kMinuteNs;

    using Deliver = std::function<void(const detect::Alert&)>;

    // `own` must outlive it.
    AlertFolding(FoldingOptions options, OwnAlerts& own, Deliver deliver);

    // `now_ns`: monotonic.
    void on_alert(const detect::Alert& alert, std::int64_t now_ns);
    // Each second or so: closes windows whose time is over.
    void look_after(std::int64_t now_ns);
    // At the end: closes everything.
    void finish();

    FoldingCounters counters() const;
    // Ids of the rules that are only counted now.
    std::vector<std::string> noisy_rules() const;

  private:
    struct Told {
        std::string id, message;
        std::int64_t wall_us;
    };
    struct Window {
        std::string key;
        std::int64_t ends_ns;
        detect::Alert first;
        std::uint64_t folded = 0;
        std::int64_t last_us = 0;
        std::vector<Told> told;
    };
    struct Rule {
        std::string name;
        std::int64_t began_ns = 0;  // of this minute
        std::uint64_t sent = 0;     // in it; a noisy rule's: would have been
        bool noisy = false;
        std::uint64_t counted = 0;  // since it is noisy
        std::uint64_t told = 0;     // of them, by a report
        std::int64_t report_ns = 0;
    };
    using Windows = std::list<Window>;  // in the order in which they end

    std::string key_of(const detect::Alert& alert) const;
    bool fold(const std::string& key, const detect::Alert& alert);
    bool over_ceiling(const detect::Alert& alert, std::int64_t now_ns);
    void minute_over(const std::string& id, Rule& rule, std::int64_t now_ns);
    void report(const std::string& id, Rule& rule, OwnAlert kind, std::string text);
    void close(Windows::iterator window);

    FoldingOptions options_;
    OwnAlerts& own_;
    Deliver deliver_;
    Windows windows_;
    std::unordered_map<std::string_view, Windows::iterator> by_key_;
    std::map<std::string, Rule, std::less<>> rules_;  // by id; no more than the rule set has
    FoldingCounters counters_;
};

}  // namespace audisp_eql::collector
