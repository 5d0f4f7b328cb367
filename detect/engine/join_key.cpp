// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/join_key.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "detect/eql/predicate_value.hpp"

namespace audisp_eql::detect {

namespace {

// What the first byte of an encoded value says.
enum Tag : char {
    kNull = 'n',
    kText = 't',
    kWhole = 'i',
    kReal = 'r',
    kBoolean = 'b',
    kDate = 'd'
};

void append_word(std::string& out, std::uint64_t word) {
    char bytes[sizeof word];
    std::memcpy(bytes, &word, sizeof word);
    out.append(bytes, sizeof word);
}

std::uint64_t read_word(std::string_view bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), std::min(bytes.size(), sizeof word));
    return word;
}

std::uint64_t random_word(std::random_device& device) {
    static_assert(sizeof(std::random_device::result_type) >= 4);
    return (std::uint64_t{device()} << 32) | device();
}

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) {
        v3 ^= word;
        round();
        v0 ^= word;
    }
};

void append_value(std::string& out, const Value& value, const FieldRow& row) {
    const auto append_bytes = [&](std::string_view text) {
        out += kText;
        append_word(out, text.size());
        out += text;
    };
    switch (value.kind()) {
        case ValueKind::text:
            append_bytes(value.as_text());
            break;
        case ValueKind::integer:
            if (row.has(FieldFlag::id)) {  // 0 and "0" are one user
                append_bytes(std::to_string(value.as_integer()));
                break;
            }
            out += kWhole;
            append_word(out, static_cast<std::uint64_t>(value.as_integer()));
            break;
        case ValueKind::real: {
            const double real = value.as_real();
            constexpr double kExact = 9007199254740992.0;                 // 2^53
            if (std::trunc(real) == real && std::fabs(real) <= kExact) {  // 1.0 is 1
                out += kWhole;
                append_word(out, static_cast<std::uint64_t>(static_cast<std::int64_t>(real)));
                break;
            }
            out += kReal;
            append_word(out, std::bit_cast<std::uint64_t>(real));
            break;
        }
        case ValueKind::boolean:
            out += kBoolean;
            append_word(out, value.as_boolean() ? 1 : 0);
            break;
        case ValueKind::date:
            out += kDate;
            append_word(out, static_cast<std::uint64_t>(value.as_integer()));
            break;
    }
}

}  // namespace

KeyHash::KeyHash() {
    std::random_device device;
    k0_ = random_word(device);
    k1_ = random_word(device);
}

std::uint64_t KeyHash::operator()(std::string_view bytes) const {
    SipState state{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261,
                   k1_ ^ 0x7465646279746573};
    const std::uint64_t length = bytes.size();
    for (; bytes.size() >= 8; bytes.remove_prefix(8))
        state.absorb(read_word(bytes.substr(0, 8)));
    state.absorb((length << 56) | read_word(bytes));
    state.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i)
        state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::span<const EncodedKey> JoinKeys::expand(const Event& event,
                                             const std::vector<KeyField>& fields) {
    const auto end = expansions_.begin() + static_cast<std::ptrdiff_t>(used_);
    const auto known = std::find_if(expansions_.begin(), end, [&](const Expansion& expansion) {
        return expansion.fields == fields;
    });
    if (known != end)
        return known->keys;
    used_ = std::min(used_ + 1, kMaxExpansions);
    Expansion& expansion = expansions_[used_ - 1];
    expansion.fields = fields;
    expand(event, expansion);
    return expansion.keys;
}

// Most fields have one value. False: some has several.
bool JoinKeys::expand_one(const Event& event, Expansion& out) {
    for (const KeyField& field : out.fields) {
        const Values values = event.values(field.field);
        if (values.size() > 1) {
            out.bytes.clear();
            return false;
        }
        if (!values.empty())
            append_value(out.bytes, values[0], fields_.row(field.field));
        else if (field.optional)
            out.bytes += kNull;
        else
            return true;
    }
    out.keys.push_back({out.bytes, hash_(out.bytes)});
    return true;
}

void JoinKeys::expand(const Event& event, Expansion& out) {
    auto& [fields, bytes, keys] = out;
    keys.clear();
    bytes.clear();
    if (expand_one(event, out))
        return;
    values_.clear();
    parts_.clear();
    begin_.clear();
    places_.clear();
    for (const KeyField& field : fields) {
        begin_.push_back(parts_.size());
        const Values values = event.values(field.field);
        if (values.empty()) {
            if (!field.optional)
                return;
            parts_.push_back({values_.size(), 1});
            values_ += kNull;
        }
        const FieldRow& row = fields_.row(field.field);
        for (const Value& value : values) {
            const std::size_t offset = values_.size();
            append_value(values_, value, row);
            parts_.push_back({offset, values_.size() - offset});
        }
    }
    begin_.push_back(parts_.size());

    // An odometer whose last wheel turns fastest.
    picked_.assign(begin_.begin(), begin_.end() - 1);
    for (bool more = true; more;) {
        if (keys.size() == kMaxKeys) {
            ++cut_;
            break;
        }
        const std::size_t offset = bytes.size();
        for (const std::size_t part : picked_)
            bytes.append(values_, parts_[part].offset, parts_[part].size);
        const std::string_view key = std::string_view(bytes).substr(offset);
        const std::uint64_t hash = hash_(key);
        // 128 bits would be needed to trust the hash alone; compare the bytes where it is equal.
        bool repeated = false;
        for (std::size_t i = 0; i < keys.size() && !repeated; ++i)
            repeated =
                keys[i].hash == hash && bytes.compare(places_[i].offset, places_[i].size, key) == 0;
        if (repeated) {
            bytes.resize(offset);
        } else {
            keys.push_back({{}, hash});
            places_.push_back({offset, key.size()});
        }
        std::size_t wheel = picked_.size();
        more = false;
        while (wheel > 0 && !more) {
            --wheel;
            more = ++picked_[wheel] < begin_[wheel + 1];
            if (!more)
                picked_[wheel] = begin_[wheel];
        }
    }
    // The views are made last: the buffer has moved while it grew.
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i].bytes = std::string_view(bytes).substr(places_[i].offset, places_[i].size);
}

std::vector<JoinKey> JoinKeys::decode(std::string_view bytes) {
    std::vector<JoinKey> keys;
    while (!bytes.empty()) {
        const char tag = bytes.front();
        bytes.remove_prefix(1);
        if (tag == kNull) {
            keys.emplace_back(std::monostate{});
            continue;
        }
        const std::uint64_t word = read_word(bytes.substr(0, 8));
        bytes.remove_prefix(8);
        switch (tag) {
            case kText:
                keys.emplace_back(std::string(bytes.substr(0, word)));
                bytes.remove_prefix(word);
                break;
            case kReal:
                keys.emplace_back(std::bit_cast<double>(word));
                break;
            case kBoolean:
                keys.emplace_back(word != 0);
                break;
            case kDate: {
                std::string text;
                append_text(text, Value::date(static_cast<std::int64_t>(word)));
                keys.emplace_back(std::move(text));
                break;
            }
            default:
                keys.emplace_back(static_cast<std::int64_t>(word));
                break;
        }
    }
    return keys;
}

}  // namespace audisp_eql::detect
