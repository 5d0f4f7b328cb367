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
// Memory: values. Threads: no state.
#pragma once

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

// The same event if it holds no secret.
EventPtr mask_event(const EventPtr& event, const FieldNames* fields = nullptr);
std::vector<JoinKey> mask_keys(std::vector<JoinKey> keys);
// Its events and join keys.
Match mask_match(const Match& match, const FieldNames* fields = nullptr);

}  // namespace audisp_eql::detect
