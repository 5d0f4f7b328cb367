// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/file_watch.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "collector/agent/tamper_watch.hpp"
#include "collector/feed/clock.hpp"
#include "detect/rule/sha256.hpp"

namespace audisp_eql::collector {
namespace {

// Named in one alert; a replaced rule set has a thousand.
constexpr std::size_t kMaxNamed = 20;

std::string base_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

void add_rules(FileHashes& hashes, const RuleFiles& files) {
    for (const detect::RuleSource& source : files.sources)
        hashes.emplace(source.name, detect::sha256_hex(source.text));
    for (const PathTrouble& trouble : files.troubles)
        hashes.emplace(trouble.path, std::string());
}

}  // namespace

std::vector<std::string> difference(const FileHashes& before, const FileHashes& now) {
    std::map<std::string, const char*> found;
    for (const auto& [path, hash] : before) {
        const auto same = now.find(path);
        if (same == now.end())
            found.emplace(path, "gone");
        else if (same->second != hash)
            found.emplace(path, same->second.empty() ? "unreadable" : "changed");
    }
    for (const auto& [path, hash] : now)
        if (!before.contains(path))
            found.emplace(path, "new");
    std::vector<std::string> texts;
    texts.reserve(found.size());
    for (const auto& [path, what] : found)
        texts.push_back(fmt::format("{} ({})", path, what));
    return texts;
}

FileWatch::FileWatch(boost::asio::io_context& io, std::function<FileHashes()> hash_configuration,
                     std::function<RuleInput()> read_rules, OwnAlerts& own)
    : io_(io),
      hash_configuration_(std::move(hash_configuration)),
      read_rules_(std::move(read_rules)),
      own_(own),
      read_(hash()),
      told_(read_) {}

WatchedFiles FileWatch::hash() const {
    WatchedFiles files;
    files.configuration = hash_configuration_();
    const RuleInput rules = read_rules_();
    add_rules(files.rules, rules.rules);
    add_rules(files.rules, rules.exceptions);
    return files;
}

FileWatch::~FileWatch() {
    background_.join();
}

void FileWatch::rules_were_read() {
    ++rules_read_;
    take_rules_ = true;
    look();
}

void FileWatch::look() {
    if (std::exchange(looking_, true))
        return;
    looked_ns_ = monotonic_ns();
    boost::asio::post(background_, [this, version = rules_read_] {
        std::shared_ptr<WatchedFiles> now;
        try {
            now = std::make_shared<WatchedFiles>(hash());
        } catch (const std::runtime_error&) {
            // Who reads them is gone; the worker notices that by itself.
        }
        boost::asio::post(io_, [this, now, version] {
            looking_ = false;
            if (!now)
                return;
            ++looks_;
            if (version != rules_read_)
                look();  // what was hashed may be older than what was read meanwhile
            else
                compare(std::move(*now));
        });
    });
}

void FileWatch::on_write(const AuditEvent& event, std::int64_t now_ns) {
    // More than anybody replaces between two looks; a package's upgrade is one writer's.
    constexpr std::size_t kMaxWrites = 256;
    Write write{actor_of(event), {}};
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type != audit_type::kPath)
            continue;
        FieldCursor fields(event.body(record));
        while (fields.next()) {
            if (fields.key != "name")
                continue;
            std::string name;
            append_untrusted(fields.value, fields.quoted, name);
            write.names.push_back(base_name(name));
            break;
        }
    }
    writes_.push_back(std::move(write));
    if (writes_.size() > kMaxWrites)
        writes_.pop_front();
    written_ns_ = now_ns;
}

bool FileWatch::wants_look(std::int64_t now_ns) const {
    constexpr std::int64_t kQuietNs = 1'000'000'000, kBetweenNs = 5'000'000'000;
    return written_ns_ > looked_ns_ && now_ns - written_ns_ >= kQuietNs &&
           now_ns - looked_ns_ >= kBetweenNs;
}

// The newest whose call named one of the files that differ.
AuditActor FileWatch::who_wrote(const FileHashes& before, const FileHashes& now) const {
    std::set<std::string> changed;
    for (const auto& [path, hash] : now)
        if (const auto was = before.find(path); was == before.end() || was->second != hash)
            changed.insert(base_name(path));
    for (const auto& [path, hash] : before)
        if (!now.contains(path))
            changed.insert(base_name(path));
    for (auto write = writes_.rbegin(); write != writes_.rend(); ++write)
        for (const std::string& name : write->names)
            if (changed.contains(name))
                return write->actor;
    return {};
}

void FileWatch::compare(WatchedFiles now) {
    if (std::exchange(take_rules_, false))
        read_.rules = told_.rules = now.rules;
    tell({OwnAlert::configuration_changed, "configuration file", "at the next start"},
         read_.configuration, std::move(now.configuration), told_.configuration);
    tell({OwnAlert::rule_files_changed, "rule file", "from the next SIGHUP on"}, read_.rules,
         std::move(now.rules), told_.rules);
}

void FileWatch::tell(const Told& what, const FileHashes& read, FileHashes now, FileHashes& told) {
    if (now == told)
        return;
    OwnAlertFacts facts;
    facts.actor = who_wrote(told, now);
    told = std::move(now);
    std::vector<std::string> names = difference(read, told);
    const std::size_t count = names.size();
    if (names.empty()) {
        facts.message = fmt::format("every {} is again as the agent has read it", what.what);
    } else {
        facts.more.push_back(json_number("audisp_eql.files.count", count));
        names.resize(std::min(count, kMaxNamed));
        facts.message = fmt::format(
            "{} {}{} changed since the agent read {}: {}{}; that counts {}", count, what.what,
            count == 1 ? " has" : "s have", count == 1 ? "it" : "them", names.front(),
            count == 1 ? "" : fmt::format(" and {} more", count - 1), what.counts);
    }
    facts.message += facts.actor.known() ? "; written by " + actor_text(facts.actor)
                                         : "; by whom, no audit record tells";
    facts.more.push_back({"audisp_eql.files.names", detect::json_list(names)});
    own_.raise(what.kind, std::move(facts));
}

}  // namespace audisp_eql::collector
