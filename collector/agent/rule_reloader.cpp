// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_reloader.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::collector {
namespace {

std::string now_text() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    std::string text;
    detect::append_iso_time(
        text,
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
    return text.substr(0, text.find('.')) + 'Z';
}

// "3 rules are new or changed, 1 is gone": what somebody expects who changed a file.
std::string difference(const detect::RuleSet& before, const detect::RuleSet& after) {
    std::set<std::string_view> hashes, ids;
    for (const auto& rule : before.rules())
        hashes.insert(rule.rule.hash);
    for (const auto& rule : after.rules())
        ids.insert(rule.rule.id);
    const auto fresh = std::count_if(after.rules().begin(), after.rules().end(),
                                     [&](auto& rule) { return !hashes.contains(rule.rule.hash); });
    const auto gone = std::count_if(before.rules().begin(), before.rules().end(),
                                    [&](auto& rule) { return !ids.contains(rule.rule.id); });
    return fmt::format("{} new or changed, {} gone", fresh, gone);
}

}  // namespace

RuleReloader::RuleReloader(boost::asio::io_context& io, const Settings& settings,
                           std::function<RuleInput()> read,
                           std::shared_ptr<const detect::RuleSet> running, Replace replace)
    : io_(io),
      read_(std::move(read)),
      deprecated_(settings.deprecated),
      running_(std::move(running)),
      running_since_(now_text()),
      replace_(std::move(replace)) {}

RuleReloader::~RuleReloader() {
    if (builder_)
        builder_->join();
}

void RuleReloader::reload() {
    if (building_) {
        again_ = true;
        return;
    }
    if (!builder_)
        start_builder();
    building_ = true;
    boost::asio::post(*builder_, [this] { build(); });
}

void RuleReloader::start_builder() {
    // Signals are the agent's business: none is delivered to this thread.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    builder_.emplace(1);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// On the builder's thread; what it reads of this object does not change meanwhile.
void RuleReloader::build() {
    auto attempt = std::make_shared<Attempt>();
    try {
        attempt->rules = load_rule_set(read_(), deprecated_, running_);
    } catch (const std::exception& problem) {
        attempt->trouble = problem.what();
    }
    boost::asio::post(io_, [this, attempt] { take(std::move(*attempt)); });
}

void RuleReloader::take(Attempt attempt) {
    building_ = false;
    if (!attempt.trouble.empty()) {
        keep_old(attempt.trouble);
    } else if (attempt.rules.broken()) {
        for (const auto& line : error_lines(attempt.rules))
            log::warning(line);
        for (const auto& line : exception_lines(attempt.rules))
            log::warning(line);
        keep_old("the new ones have errors");
    } else {
        const std::string what = difference(*running_, *attempt.rules.set);
        running_ = attempt.rules.set;
        running_since_ = now_text();
        const std::uint64_t dropped = replace_(running_);
        for (const auto& line : exception_lines(attempt.rules))
            log::warning(line);
        log::info(fmt::format("rules: {}; {}; {} pending match{} of changed rules dropped",
                              summary(attempt.rules), what, dropped, dropped == 1 ? "" : "es"));
        if (running_->rules().empty())
            log::warning("no rule is loaded: nothing is detected; 'audisp-eql check' says why");
    }
    if (std::exchange(again_, false))
        reload();
}

void RuleReloader::keep_old(const std::string& trouble) const {
    log::warning(fmt::format("kept the rules loaded at {}: {}; mend them and send SIGHUP again",
                             running_since_, trouble));
}

}  // namespace audisp_eql::collector
