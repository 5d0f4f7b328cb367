// SPDX-License-Identifier: Apache-2.0
// The self-test's own ears: the audit records and process events of its technique, kept and given
// to a pipeline of our own, to find out which stage a missing alert was lost at.
//
// The kernel sends audit records to any number of listeners (its multicast group) beside the one
// that holds the feed. That feed is lossy by nature, and good enough for one technique.
// Memory: every record of the few seconds, bounded. Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "collector/agent/options.hpp"
#include "collector/feed/audit_source.hpp"
#include "collector/feed/message.hpp"
#include "collector/feed/proc_connector.hpp"
#include "collector/host/diagnosis.hpp"

namespace audisp_eql::collector {

class Ears {
  public:
    // Records of a very busy host; what comes later is left out.
    static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

    // Listens from now on to what it may.
    Ears();
    ~Ears();
    Ears(const Ears&) = delete;
    Ears& operator=(const Ears&) = delete;

    // Takes what has come; often enough that the sockets do not overrun.
    void listen();

    // Which of the technique's events were heard.
    Overheard overheard(const std::string& nonce) const;
    // What the rules of `settings` make of it.
    Rehearsal rehearse(const Settings& settings, const std::string& nonce) const;

  private:
    struct Heard {
        Message message;  // without its bytes
        std::string bytes;
    };
    class Keeper;
    void keep(const Message& message);
    void play(MessageSink& sink) const;

    std::unique_ptr<AuditSource> audit_;
    std::unique_ptr<ProcConnector> connector_;
    std::vector<Heard> heard_;
    std::size_t bytes_ = 0;
};

}  // namespace audisp_eql::collector
