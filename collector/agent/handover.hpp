// SPDX-License-Identifier: Apache-2.0
// What auditd's plugin leaves to the version that takes its place (agent/successor): the newest
// messages of the feeds. The newer version works them off once more, without a word, before it goes
// on with the feeds: so it knows the sequences that had begun, and what the processes of that time
// did. As a capture, because every version can read that.
//
// The file lies in the state directory, which nobody else may write, and is gone once it was read.
// Memory: RecentMessages owns kBytes, Handover the text of the file. Threads: the worker's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "collector/feed/message.hpp"
#include "collector/feed/ring.hpp"

namespace audisp_eql::collector {

// The newest messages, in the order in which they were worked off.
class RecentMessages final : public MessageSink {
  public:
    // Some 12,000 records with what the connector tells beside them: two minutes of a host that
    // makes 100 a second. To work them off again takes some 30 ms.
    static constexpr std::size_t kBytes = std::size_t{4} << 20;

    // `also` gets every message, too; may be null.
    explicit RecentMessages(MessageSink* also) : also_(also) {}
    void on_message(const Message& message) override;
    // As on_message, but for nobody else.
    void keep(const Message& message);
    // All of them to DIRECTORY/handover.capture, from the first clock on; this forgets them. Throws
    // std::system_error where there is no such directory, or it can't be written.
    void leave(const std::string& directory, const std::string& boot_id, std::int64_t now_ns);

  private:
    MessageSink* also_;
    Ring ring_{kBytes};
};

class Handover {
  public:
    // Older ones are no handover: what happened since is not known.
    static constexpr std::chrono::seconds kFresh{60};

    // Reads what was left in the directory, and removes it. None if there is nothing, or if it is
    // of another boot or too old. Never throws.
    Handover(const std::string& directory, const std::string& boot_id, std::int64_t now_ns);

    bool empty() const { return text_.empty(); }
    // Both clocks when it begins.
    std::int64_t mono_ns() const { return mono_ns_; }
    std::int64_t real_ns() const { return real_ns_; }
    // How many there were.
    std::size_t tell(MessageSink& sink) const;

  private:
    std::string text_;
    std::int64_t mono_ns_ = 0, real_ns_ = 0;
};

}  // namespace audisp_eql::collector
