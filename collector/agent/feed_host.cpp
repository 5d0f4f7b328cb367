// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/feed_host.hpp"

#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "collector/agent/memory_guard.hpp"
#include "collector/agent/options.hpp"
#include "collector/agent/settings_file.hpp"
#include "collector/agent/successor.hpp"
#include "collector/feed/loss.hpp"

namespace audisp_eql::collector {

LocalFeedHost::LocalFeedHost(const Settings& settings, bool worker_is_elsewhere)
    : wanted_(settings.feed),
      worker_is_elsewhere_(worker_is_elsewhere),
      ring_(std::make_shared<Ring>()),
      shared_(make_reader_shared()) {}

LocalFeedHost::~LocalFeedHost() = default;

FeedReport LocalFeedHost::open(const FeedRequest& request) {
    FeedOptions options;
    options.audit = wanted_;
    options.more_proc_events = request.more_proc_events;
    options.exempt_program = worker_is_elsewhere_;
    options.released_connector = inherited_connector();
    options.rules = [&request](bool proc_connector) {
        return proc_connector ? request.rules : request.rules_without_connector;
    };
    feeds_.emplace(Feeds::open(options));
    FeedReport report;
    report.lines = feeds_->lines;
    report.names = feeds_->names();
    report.audit = feeds_->audit != nullptr;
    if (report.audit)
        report.audit_feed = name_of(feeds_->feed());
    report.reader_pid = static_cast<std::int32_t>(::getpid());
    if (report.audit && feeds_->feed() == AuditFeed::plugin)
        allow_successor();
    report.connector = feeds_->connector != nullptr;
    report.audit_was_off = feeds_->audit_was_off();
    settings_file_ = std::make_unique<SettingsFile>(state_dir_, feeds_->settings());
    if (!settings_file_->trouble().empty())
        report.lines.push_back(settings_file_->trouble());
    reader_ = std::make_unique<Reader>(*ring_, std::move(feeds_->audit),
                                       std::move(feeds_->connector), shared_);
    watch_kernel();
    return report;
}

void LocalFeedHost::watch_kernel() {
    std::unique_ptr<AuditControl> control;
    AuditStatus status;
    try {
        control = std::make_unique<KernelAuditControl>();
    } catch (const std::runtime_error&) {
        return;  // said by Feeds
    }
    if (control->status(status) != 0)
        return;
    const auto look = [this](const AuditStatus& now, LostCount::Lost lost, std::int64_t since_ns) {
        ReaderCounters& counters = shared_->counters;
        counters.kernel_lost += lost.count;
        counters.kernel_enabled = now.enabled;
        counters.kernel_pid = now.pid;
        counters.kernel_backlog = now.backlog;
        counters.kernel_backlog_limit = now.backlog_limit;
        ++counters.kernel_looks;
        if (lost.count != 0)
            reader_->tell_loss(gap_source::kKernel, lost.count, lost.at_least, since_ns);
    };
    watch_ = std::make_unique<KernelWatch>(std::move(control), status.lost, look);
}

void LocalFeedHost::start() {
    reader_->start();
    if (watch_)
        watch_->start();
    // In a process of its own, nothing but reading is left to do.
    let_go_of_start();
}

std::vector<std::string> LocalFeedHost::exchange(std::string_view rules,
                                                 std::uint32_t more_proc_events) {
    reader_->ask_connector(more_proc_events);
    return feeds_->exchange(rules);
}

std::vector<AuditRuleBytes> LocalFeedHost::rules_in_force() {
    return feeds_->rules_in_force();
}

AuditView LocalFeedHost::look_after(bool restore) {
    return feeds_->look_after(restore);
}

std::vector<std::string> LocalFeedHost::stop() {
    watch_.reset();  // after a last look
    if (successor_asked())
        feeds_->leave_rules();
    auto troubles = feeds_->retire();
    reader_->stop();
    return troubles;
}

std::vector<std::string> LocalFeedHost::close() {
    watch_.reset();
    reader_->stop();
    if (successor_asked()) {
        bequeath_connector(reader_->join_and_release());
        feeds_->leave_rules();
    }
    reader_->join();
    auto troubles = feeds_->close();
    settings_file_.reset();
    return troubles;
}

}  // namespace audisp_eql::collector
