// SPDX-License-Identifier: Apache-2.0
// The live feeds as the worker's side sees them: in this process, or in the privileged one that
// holds the sockets (collector/privilege).
//
// Memory: owns the ring, the feeds and their reader. Threads: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/feed/feeds.hpp"
#include "collector/feed/kernel_watch.hpp"
#include "collector/feed/reader.hpp"
#include "collector/feed/ring.hpp"

namespace audisp_eql::collector {

struct Settings;
class SettingsFile;

// What rules ask of the kernel.
struct FeedRequest {
    // Kernel audit rules in auditctl's form, where the proc connector is read and where it is not.
    std::string rules, rules_without_connector;
    std::uint32_t more_proc_events = 0;  // as FeedOptions'
};

struct FeedReport {
    std::vector<std::string> lines;  // what was got and what it costs, for the log
    std::string names;               // "audit,proc"
    std::string audit_feed;          // "unicast", as name_of(); empty: none
    std::int32_t reader_pid = 0;     // of the process that reads the feeds
    bool audit = false, connector = false;
    bool audit_was_off = false;  // as Feeds'
};

class FeedHost {
  public:
    virtual ~FeedHost() = default;
    // Once, before the rest. Throws std::runtime_error where nothing can be read.
    virtual FeedReport open(const FeedRequest& request) = 0;
    // From now on nothing is missed.
    virtual void start() = 0;
    // Other rules, other messages of the connector. Lines for the log, here and below.
    virtual std::vector<std::string> exchange(std::string_view rules,
                                              std::uint32_t more_proc_events) = 0;
    virtual std::vector<AuditRuleBytes> rules_in_force() = 0;
    virtual AuditView look_after(bool restore) = 0;
    // Audit is put back as it was; the reader goes on to what was said before, then finishes.
    virtual std::vector<std::string> stop() = 0;
    virtual std::vector<std::string> close() = 0;
    // As Reader's.
    virtual bool finished() const = 0;
    virtual const ReaderCounters& counters() const = 0;
    virtual Ring& ring() = 0;
};

class LocalFeedHost final : public FeedHost {
  public:
    // `worker_is_elsewhere`: the kernel exempts only the process that holds the feed from being
    // audited, so the worker's is exempted by a rule.
    explicit LocalFeedHost(const Settings& settings, bool worker_is_elsewhere = false);
    ~LocalFeedHost() override;
    // Writes down what was changed of audit's settings, for a stop command after a crash; only
    // where asked for.
    void keep_settings_in(std::string directory) { state_dir_ = std::move(directory); }

    FeedReport open(const FeedRequest& request) override;
    void start() override;
    std::vector<std::string> exchange(std::string_view rules,
                                      std::uint32_t more_proc_events) override;
    std::vector<AuditRuleBytes> rules_in_force() override;
    AuditView look_after(bool restore) override;
    std::vector<std::string> stop() override;
    std::vector<std::string> close() override;
    bool finished() const override { return shared_->finished.load(std::memory_order_acquire); }
    const ReaderCounters& counters() const override { return shared_->counters; }
    Ring& ring() override { return *ring_; }
    const std::shared_ptr<Ring>& shared_ring() const { return ring_; }
    const std::shared_ptr<ReaderShared>& shared_reader() const { return shared_; }

  private:
    void watch_kernel();

    AuditFeed wanted_;
    bool worker_is_elsewhere_;
    std::string state_dir_ = "off";
    std::shared_ptr<Ring> ring_;
    std::shared_ptr<ReaderShared> shared_;
    std::unique_ptr<SettingsFile> settings_file_;  // goes when audit is as it was
    std::optional<Feeds> feeds_;
    std::unique_ptr<Reader> reader_;
    std::unique_ptr<KernelWatch> watch_;  // ends before the reader
};

}  // namespace audisp_eql::collector
