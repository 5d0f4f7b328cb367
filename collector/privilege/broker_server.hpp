// SPDX-License-Identifier: Apache-2.0
// The privileged side's answers. A small, fixed set of questions; whatever a question says is
// checked here, and the worst that a wrong one gets is a refusal.
//
// Of the confined process's making are: process and descriptor numbers, the names of modules, and
// kernel audit rules, which may only make records, under our key, and hide nothing.
//
// Memory: refers to what it asks. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "collector/agent/access.hpp"
#include "collector/privilege/wire.hpp"
#include "collector/process/proc_files.hpp"

namespace audisp_eql::collector {

struct BrokerMeans {
    FeedHost* feeds = nullptr;
    ProcFiles* proc = nullptr;
    bool environments = false;  // may be read (option env-vars)
    std::function<RuleInput()> read_rules;
    // As Access'; empty: not to be had.
    std::function<int()> open_json_file;
    std::function<FileHashes()> configuration;
    std::function<TlsFiles()> tls_files;
    std::function<bool(std::string_view)> notify;
};

class BrokerServer {
  public:
    explicit BrokerServer(BrokerMeans means) : means_(std::move(means)) {}

    // The answer to one question; `descriptor`: goes with it, -1: none. Throws nothing.
    void answer(std::string_view question, std::string& out, int& descriptor);
    // Receives one question, answers it. False: the other side has closed, or cannot be answered.
    bool serve(int socket);

    std::uint64_t refused() const { return refused_; }
    bool feeds_open() const { return stage_ == Stage::open || stage_ == Stage::reading; }

  private:
    // What the feeds' questions may come after.
    enum class Stage : std::uint8_t { fresh, open, reading, closed };
    void act(wire::Question what, wire::Reader& in, std::string& out, int& descriptor);
    bool ask_feeds(wire::Question what, wire::Reader& in, std::string& out);
    bool ask_proc(wire::Question what, wire::Reader& in, std::string& out);
    bool ask_files(wire::Question what, std::string& out, int& descriptor);

    BrokerMeans means_;
    Stage stage_ = Stage::fresh;
    std::uint64_t refused_ = 0;
    std::string question_, answer_;
    RawExec exec_;
};

// Why these kernel audit rules are none that the program could have made from its rules; nullopt:
// they are.
std::optional<std::string> what_is_wrong_with(std::string_view audit_rules);

}  // namespace audisp_eql::collector
