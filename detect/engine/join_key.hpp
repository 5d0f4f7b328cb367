// SPDX-License-Identifier: Apache-2.0
// Join keys: the values of an event's key fields, one key for every choice of values, encoded as
// bytes so that equal keys are equal bytes.
//
// Hosts are attacked through what they are told: key values are chosen by whoever runs processes on
// the host. The hash is keyed with a secret, so that nobody can make keys collide.
//
// Memory: JoinKeys owns the bytes. Threads: one engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/engine/engine.hpp"
#include "detect/eql/compiler.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the variant that hash
// tables use).
class KeyHash {
  public:
    KeyHash();  // with a key from the system's random device
    KeyHash(std::uint64_t k0, std::uint64_t k1) : k0_(k0), k1_(k1) {}
    std::uint64_t operator()(std::string_view bytes) const;

  private:
    std::uint64_t k0_, k1_;
};

struct EncodedKey {
    std::string_view bytes;
    std::uint64_t hash;
};

class JoinKeys {
  public:
    // More keys than this of one event are not followed. An event has at most 20 ancestors; only
    // two long lists could bring more.
    static constexpr std::size_t kMaxKeys = 1024;

    JoinKeys(const FieldNames& fields, const KeyHash& hash) : fields_(fields), hash_(hash) {}

    // Another event comes: what was expanded is not its own.
    void begin() { used_ = 0; }
    // All keys of the event, without repeats, in the order of the fields' values. None if a field
    // that is not optional is missing. Valid until the next expand. Rules have few different lists
    // of fields: of one event each is expanded once.
    std::span<const EncodedKey> expand(const Event& event, const std::vector<KeyField>& fields);
    std::uint64_t cut() const { return cut_; }

    static std::vector<JoinKey> decode(std::string_view bytes);

  private:
    struct Part {
        std::size_t offset;
        std::size_t size;
    };
    // The keys of one list of fields.
    struct Expansion {
        std::vector<KeyField> fields;
        std::string bytes;  // the keys, one after the other
        std::vector<EncodedKey> keys;
    };
    // So many are kept of an event; a rule set seldom has more in all.
    static constexpr std::size_t kMaxExpansions = 8;

    bool expand_one(const Event& event, Expansion& out);
    void expand(const Event& event, Expansion& out);

    const FieldNames& fields_;
    const KeyHash& hash_;
    std::string values_;              // encoded values, field by field
    std::vector<Part> parts_;         // one a value
    std::vector<std::size_t> begin_;  // of each field's parts
    std::vector<std::size_t> picked_;
    std::vector<Part> places_;  // of the keys
    std::array<Expansion, kMaxExpansions> expansions_;
    std::size_t used_ = 0;   // of them, for the event at hand
    std::uint64_t cut_ = 0;  // events with more keys than kMaxKeys
};

}  // namespace audisp_eql::detect
