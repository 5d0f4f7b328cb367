// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/alert_folding.hpp"

#include <algorithm>
#include <utility>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

namespace audisp_eql::collector {
namespace {

const detect::JsonMember* member(const detect::Alert& alert, std::string_view name) {
    const detect::JsonMembers& members = alert.document.members;
    const auto at = std::lower_bound(members.begin(), members.end(), name,
                                     [](const detect::JsonMember& one, std::string_view wanted) {
                                         return detect::name_less(one.name, wanted);
                                     });
    return at != members.end() && at->name == name ? &*at : nullptr;
}

// The text of a JSON string that needs no escapes, as ids do; else the JSON itself.
std::string text_of(const detect::JsonMember* member) {
    if (member == nullptr)
        return {};
    const std::string& json = member->text;
    return json.size() >= 2 && json.front() == '"' ? json.substr(1, json.size() - 2) : json;
}

// Stories are told once a tree, and say themselves what they hold.
bool is_story(const detect::Alert& alert) {
    return text_of(member(alert, "event.action")) == "story";
}

// A selftest looks for its own alert, and may be run twice in a minute.
bool is_of_selftest(const detect::Alert& alert, const std::string& mark) {
    const detect::JsonMember* const args = member(alert, "process.args");
    return !mark.empty() && args != nullptr && args->text.find(mark) != std::string::npos;
}

void set(detect::JsonMembers& members, detect::JsonMember member) {
    std::erase_if(members, [&](const detect::JsonMember& one) { return one.name == member.name; });
    members.push_back(std::move(member));
}

// Unlike that of any other closing alert, and the same when it is sent again.
std::string closing_id(const std::string& first, std::uint64_t folded, std::int64_t last_us) {
    constexpr auto kSpace = "6b1f5c3e-0a8d-4f0e-9d0a-6f3f6f1d2b77";
    const boost::uuids::uuid space = boost::uuids::string_generator()(kSpace);
    return to_string(
        boost::uuids::name_generator_sha1(space)(fmt::format("{},{},{}", first, folded, last_us)));
}

std::string seconds_text(std::int64_t ns) {
    return fmt::format("{} s", ns / 1'000'000'000);
}

}  // namespace

AlertFolding::AlertFolding(FoldingOptions options, OwnAlerts& own, Deliver deliver)
    : options_(std::move(options)), own_(own), deliver_(std::move(deliver)) {}

// The JSON texts of the fields, a field that is missing being a value like any other.
std::string AlertFolding::key_of(const detect::Alert& alert) const {
    std::string key;
    for (const std::string& field : options_.fields) {
        if (const detect::JsonMember* const found = member(alert, field))
            key += found->text;
        key += '\n';  // in no JSON text
    }
    return key;
}

void AlertFolding::on_alert(const detect::Alert& alert, std::int64_t now_ns) {
    ++counters_.alerts;
    if (alert.document.empty() || is_story(alert)) {
        ++counters_.passed;
        deliver_(alert);
        return;
    }
    look_after(now_ns);
    const bool folds = options_.window_ns > 0 && !options_.fields.empty() &&
                       !is_of_selftest(alert, options_.selftest_mark);
    std::string key = folds ? key_of(alert) : std::string();
    if (folds && fold(key, alert))
        return;
    if (over_ceiling(alert, now_ns)) {
        ++counters_.counted;
        return;
    }
    ++counters_.passed;
    deliver_(alert);
    if (!folds)
        return;
    if (windows_.size() == kMaxWindows) {
        ++counters_.early;
        close(windows_.begin());
    }
    windows_.push_back({std::move(key), now_ns + options_.window_ns, alert, 0, 0, {}});
    by_key_.emplace(windows_.back().key, std::prev(windows_.end()));
}

bool AlertFolding::fold(const std::string& key, const detect::Alert& alert) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end())
        return false;
    Window& window = *found->second;
    ++window.folded;
    ++counters_.folded;
    window.last_us = alert.wall_us;
    if (window.told.size() < kMaxTold)
        window.told.push_back({alert.id, alert.message, alert.wall_us});
    return true;
}

// True: only counted.
bool AlertFolding::over_ceiling(const detect::Alert& alert, std::int64_t now_ns) {
    if (options_.ceiling == 0)
        return false;
    const std::string id = text_of(member(alert, "rule.id"));
    Rule& rule = rules_[id];
    rule.name = alert.rule_name;
    minute_over(id, rule, now_ns);
    if (rule.sent == 0)
        rule.began_ns = now_ns;
    ++rule.sent;
    if (!rule.noisy && rule.sent > options_.ceiling) {
        rule.noisy = true;
        rule.counted = rule.told = 0;
        rule.report_ns = now_ns + kReportNs;
        report(id, rule, OwnAlert::noisy_rule,
               fmt::format("the rule \"{}\" has raised more than {} alerts in a minute: from now "
                           "on they are counted, until it is quieter",
                           rule.name, options_.ceiling));
    }
    rule.counted += rule.noisy ? 1 : 0;
    return rule.noisy;
}

void AlertFolding::minute_over(const std::string& id, Rule& rule, std::int64_t now_ns) {
    if (rule.noisy && now_ns >= rule.report_ns && rule.counted > rule.told) {
        report(id, rule, OwnAlert::noisy_rule,
               fmt::format("the rule \"{}\" is still noisy: {} of its alerts were only counted in "
                           "the last {}",
                           rule.name, rule.counted - rule.told, seconds_text(kReportNs)));
        rule.told = rule.counted;
        rule.report_ns = now_ns + kReportNs;
    }
    if (now_ns - rule.began_ns < kMinuteNs)
        return;
    if (rule.noisy && rule.sent <= options_.ceiling) {
        report(id, rule, OwnAlert::noisy_rule_over,
               fmt::format("the rule \"{}\" is quieter: {} of its alerts were only counted, from "
                           "now on they are told again",
                           rule.name, rule.counted));
        rule.noisy = false;
    }
    rule.began_ns = now_ns;
    rule.sent = 0;
}

void AlertFolding::report(const std::string& id, Rule& rule, OwnAlert kind, std::string text) {
    own_.raise(kind, {.message = std::move(text),
                      .more = {json_text("audisp_eql.noisy.rule.id", id),
                               json_text("audisp_eql.noisy.rule.name", rule.name),
                               json_number("audisp_eql.noisy.counted", rule.counted)}});
}

void AlertFolding::look_after(std::int64_t now_ns) {
    while (!windows_.empty() && windows_.front().ends_ns <= now_ns)
        close(windows_.begin());
    for (auto& [id, rule] : rules_)
        if (rule.noisy)
            minute_over(id, rule, now_ns);
}

void AlertFolding::finish() {
    while (!windows_.empty())
        close(windows_.begin());
    for (auto& [id, rule] : rules_)
        if (std::exchange(rule.noisy, false))
            report(id, rule, OwnAlert::noisy_rule_over,
                   fmt::format("the rule \"{}\": {} of its alerts were only counted until the "
                               "agent's stop",
                               rule.name, rule.counted));
}

// The first alert once more, under an id of its own and with what was folded.
void AlertFolding::close(Windows::iterator at) {
    by_key_.erase(at->key);
    Window window = std::move(*at);
    windows_.erase(at);
    if (window.folded == 0)
        return;
    detect::Alert alert = std::move(window.first);
    const std::int64_t first_us = alert.wall_us;
    const std::string first_id = alert.id;
    alert.id = closing_id(first_id, window.folded, window.last_us);
    alert.message = fmt::format("{} more like it: {}", window.folded, alert.message);
    alert.wall_us = window.last_us;
    std::string told = "[";
    for (const Told& one : window.told) {
        told += told.size() > 1 ? ",{\"id\":" : "{\"id\":";
        detect::append_json_string(told, one.id);
        told += ",\"message\":";
        detect::append_json_string(told, one.message);
        told += ",\"time\":";
        detect::append_json_time(told, one.wall_us);
        told += '}';
    }
    detect::JsonMembers& members = alert.document.members;
    set(members, json_text("event.id", alert.id));
    set(members, json_text("message", alert.message));
    set(members, json_time("@timestamp", alert.wall_us));
    members.push_back(json_number("audisp_eql.folded.count", window.folded));
    members.push_back(json_time("audisp_eql.folded.first", first_us));
    members.push_back(json_time("audisp_eql.folded.last", window.last_us));
    members.push_back(json_text("audisp_eql.folded.into", first_id));
    members.push_back({"audisp_eql.folded.alerts", told + "]"});
    settle(members);
    alert.json = alert.document.text();
    ++counters_.closing;
    deliver_(alert);
}

FoldingCounters AlertFolding::counters() const {
    FoldingCounters counters = counters_;
    counters.open = windows_.size();
    counters.noisy = static_cast<std::uint64_t>(std::count_if(
        rules_.begin(), rules_.end(), [](const auto& entry) { return entry.second.noisy; }));
    return counters;
}

std::vector<std::string> AlertFolding::noisy_rules() const {
    std::vector<std::string> ids;
    for (const auto& [id, rule] : rules_)
        if (rule.noisy)
            ids.push_back(id);
    return ids;
}

}  // namespace audisp_eql::collector
