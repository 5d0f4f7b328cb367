// SPDX-License-Identifier: Apache-2.0
// Secrets that programs take on the command line, in an alert: kMasked stands in their place, of
// one length whatever theirs was. Rules match the real bytes; the alert is made of masked events.
//
// What is looked for: values of names that say so (--password, API_KEY=, "token":, Cookie:), the
// options of known programs (-p of mysql, -u USER:PASSWORD of curl), what stands before the @ of
// an address, words after Bearer and Basic, and tokens known by their form (AKIA…, ghp_…, a JWT).
// In names, paths and ids only tokens and addresses: what an attacker calls his file stays
// readable.
//
// Memory: values; CleanBlocks keeps blocks alive, at most kSlots. Threads: no state but theirs.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/engine/engine.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

inline constexpr std::string_view kMasked = "[masked]";

// A command line, a script or a message. Text without a secret comes back as it is.
std::string mask_text(std::string_view text);
// The words of one command, as execve(2) had them.
std::vector<std::string> mask_args(std::vector<std::string> args);
// A text that is no command: tokens and addresses only.
std::string mask_tokens(std::string_view text);

// Blocks that were looked through and hold no secret. The events of a match share most of theirs,
// and alerts what the processes above them run. For one FieldNames.
class CleanBlocks {
  public:
    bool has(const BlockPtr& block) const { return block && slots_[slot_of(block)] == block; }
    void add(const BlockPtr& block) { slots_[slot_of(block)] = block; }

  private:
    // The programs that most processes are started by are few; a kilobyte or two each.
    static constexpr std::size_t kSlots = 128;
    static std::size_t slot_of(const BlockPtr& block) {
        return std::hash<const Block*>{}(block.get()) / 64 % kSlots;
    }
    std::array<BlockPtr, kSlots> slots_;  // by address
};

// Kept from one alert to the next.
struct SecretFree {
    CleanBlocks events;     // all of the block
    CleanBlocks ancestors;  // its arguments
};

// The same event if it holds no secret.
EventPtr mask_event(const EventPtr& event, const FieldNames* fields = nullptr);
std::vector<JoinKey> mask_keys(std::vector<JoinKey> keys);
// Its events and join keys.
Match mask_match(const Match& match, const FieldNames* fields, CleanBlocks& clean);

}  // namespace audisp_eql::detect
