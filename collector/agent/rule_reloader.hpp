// SPDX-License-Identifier: Apache-2.0
// Reads the rule files again and builds the new set beside the running one. A thousand rules take
// up to a second: the set is built on a thread of its own, and the worker goes on meanwhile.
// If any file is wrong, the running set stays: half of what somebody meant is not what they meant.
//
// Memory: owns the thread and waits for it when destroyed; refers to the io_context. Threads:
// called and calling back on the io_context's one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "collector/agent/options.hpp"
#include "collector/agent/rule_loader.hpp"

namespace audisp_eql::collector {

class RuleReloader {
  public:
    // Puts the new set in the place of the running one; how many pending matches that cost.
    using Replace = std::function<std::uint64_t(std::shared_ptr<const detect::RuleSet>)>;

    // `read`: the files; on a thread of the reloader's.
    RuleReloader(boost::asio::io_context& io, const Settings& settings,
                 std::function<RuleInput()> read, std::shared_ptr<const detect::RuleSet> running,
                 Replace replace);
    ~RuleReloader();
    RuleReloader(const RuleReloader&) = delete;
    RuleReloader& operator=(const RuleReloader&) = delete;

    // Says in the log what became of it. While a set is being built, another call makes the files
    // be read once more after it.
    void reload();
    bool is_building() const { return building_; }

  private:
    struct Attempt {
        LoadedRules rules;
        std::string trouble;  // why nothing could be loaded at all
    };
    void start_builder();
    void build();
    void take(Attempt attempt);
    void keep_old(const std::string& trouble) const;

    boost::asio::io_context& io_;
    std::function<RuleInput()> read_;
    bool deprecated_;
    std::shared_ptr<const detect::RuleSet> running_;
    std::string running_since_;  // when the running set was loaded, for people
    Replace replace_;
    std::optional<boost::asio::thread_pool> builder_;  // one thread, from the first reload on
    bool building_ = false, again_ = false;
};

}  // namespace audisp_eql::collector
