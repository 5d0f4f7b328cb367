// SPDX-License-Identifier: Apache-2.0
// Join keys: the values of an event's key fields, one key for every choice of values, encoded as
// bytes so that equal keys are equal bytes.
//
// Hosts are attacked through what they are told: key values are chosen by whoever runs processes on
// the host. The hash is keyed with a secret, so that nobody can make keys collide.
//
// Memory: JoinKeys owns the bytes until the next expand. Threads: one engine.
#pragma once

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

    // All keys of the event, without repeats, in the order of the fields' values. None if a field
    // that is not optional is missing.
    std::span<const EncodedKey> expand(const Event& event, const std::vector<KeyField>& fields);
    std::uint64_t cut() const { return cut_; }

    static std::vector<JoinKey> decode(std::string_view bytes);

  private:
    struct Part {
        std::size_t offset;
        std::size_t size;
    };
    Part append(const Value& value, const FieldRow& row);

    const FieldNames& fields_;
    const KeyHash& hash_;
    std::string values_;              // encoded values, field by field
    std::vector<Part> parts_;         // one a value
    std::vector<std::size_t> begin_;  // of each field's parts
    std::vector<std::size_t> picked_;
    std::string bytes_;  // the keys, one after the other
    std::vector<Part> places_;
    std::vector<EncodedKey> keys_;
    std::uint64_t cut_ = 0;  // events with more keys than kMaxKeys
};

}  // namespace audisp_eql::detect
