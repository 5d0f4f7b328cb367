// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/feed_host.hpp"

#include <unistd.h>
#include <utility>

#include "collector/agent/options.hpp"
#include "collector/agent/settings_file.hpp"

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
    report.connector = feeds_->connector != nullptr;
    report.audit_was_off = feeds_->audit_was_off();
    settings_file_ = std::make_unique<SettingsFile>(state_dir_, feeds_->settings());
    if (!settings_file_->trouble().empty())
        report.lines.push_back(settings_file_->trouble());
    reader_ = std::make_unique<Reader>(*ring_, std::move(feeds_->audit),
                                       std::move(feeds_->connector), shared_);
    return report;
}

void LocalFeedHost::start() {
    reader_->start();
}

std::vector<std::string> LocalFeedHost::exchange(std::string_view rules,
                                                 std::uint32_t more_proc_events) {
    reader_->ask_connector(more_proc_events);
    return feeds_->exchange(rules);
}

std::vector<AuditRuleBytes> LocalFeedHost::rules_in_force() {
    return feeds_->rules_in_force();
}

std::vector<std::string> LocalFeedHost::look_after() {
    return feeds_->look_after();
}

std::vector<std::string> LocalFeedHost::stop() {
    auto troubles = feeds_->retire();
    reader_->stop();
    return troubles;
}

std::vector<std::string> LocalFeedHost::close() {
    reader_->stop();
    reader_->join();
    auto troubles = feeds_->close();
    settings_file_.reset();
    return troubles;
}

}  // namespace audisp_eql::collector
