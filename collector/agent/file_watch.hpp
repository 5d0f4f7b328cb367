// SPDX-License-Identifier: Apache-2.0
// Are the configuration and the rules on disk still those that the running agent has read? Compared
// by content, on a thread of its own: neither a time stamp nor a slow disk matters.
//
// Memory: owns the thread and waits for it when destroyed; refers to the io_context and the alerts.
// Threads: called and calling on the io_context's one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "collector/agent/file_hashes.hpp"
#include "collector/agent/own_alert.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/audit/assembler.hpp"

namespace audisp_eql::collector {

// "/etc/x.toml (changed)", "/etc/y.toml (new)", "/etc/z.toml (gone)", by path.
std::vector<std::string> difference(const FileHashes& before, const FileHashes& now);

struct WatchedFiles {
    FileHashes configuration;
    FileHashes rules;  // and exceptions
};

class FileWatch {
  public:
    // What is there now is taken for what was read: make it right after reading. Both are called
    // on any thread.
    FileWatch(boost::asio::io_context& io, std::function<FileHashes()> hash_configuration,
              std::function<RuleInput()> read_rules, OwnAlerts& own);
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    // The rules were read anew.
    void rules_were_read();
    // Audit tells of somebody who may have written one of the files; the next look names him if
    // they changed.
    void on_write(const AuditEvent& event, std::int64_t now_ns);
    // Somebody has, and is done with it.
    bool wants_look(std::int64_t now_ns) const;
    // Each minute or so; a look that still goes on is not doubled.
    void look();
    std::uint64_t looks() const { return looks_; }

  private:
    WatchedFiles hash() const;
    struct Write {
        AuditActor actor;
        std::vector<std::string> names;  // without directories: a process may name them anyhow
    };
    struct Told {
        OwnAlert kind;
        const char* what;
        const char* counts;  // from when on
    };
    void compare(WatchedFiles now);
    void tell(const Told& what, const FileHashes& read, FileHashes now, FileHashes& told);
    AuditActor who_wrote(const FileHashes& before, const FileHashes& now) const;

    boost::asio::io_context& io_;
    const std::function<FileHashes()> hash_configuration_;
    const std::function<RuleInput()> read_rules_;
    OwnAlerts& own_;
    WatchedFiles read_, told_;
    std::deque<Write> writes_;  // newest last
    std::int64_t written_ns_ = 0, looked_ns_ = 0;
    std::uint64_t looks_ = 0, rules_read_ = 0;
    bool looking_ = false, take_rules_ = false;
    boost::asio::thread_pool background_{1};
};

}  // namespace audisp_eql::collector
