// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/spool_record.hpp"

#include <cstring>
#include <type_traits>

#include <boost/crc.hpp>

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kMagic = "AEQ1";
constexpr std::size_t kHeader = kMagic.size() + 2 * sizeof(std::uint32_t);

std::uint32_t checksum(std::string_view bytes) {
    // CRC-32C (Castagnoli), as in RFC 3720, appendix B.4.
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

class Writer {
  public:
    template <typename Number>
    void number(Number value) {
        static_assert(std::is_integral_v<Number>);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        bytes_ += value;
    }
    void members(const detect::JsonMembers& members) {
        number(static_cast<std::uint32_t>(members.size()));
        for (const auto& member : members) {
            text(member.name);
            text(member.text);
        }
    }
    template <typename List, typename Each>
    void list(const List& values, Each each) {
        number(static_cast<std::uint32_t>(values.size()));
        for (const auto& value : values)
            each(value);
    }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

// After the first thing that does not fit, all that follows is empty and ok() is false.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    template <typename Number>
    Number number() {
        Number value{};
        if (rest_.size() < sizeof value) {
            ok_ = false;
            rest_ = {};
            return value;
        }
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_.remove_prefix(sizeof value);
        return value;
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (rest_.size() < size) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        std::string value(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return value;
    }
    // Every element of a list has a length or a count of four bytes at least.
    std::size_t count() {
        const auto value = number<std::uint32_t>();
        if (value > rest_.size() / sizeof(std::uint32_t)) {
            ok_ = false;
            rest_ = {};
            return 0;
        }
        return value;
    }
    detect::JsonMembers members() {
        detect::JsonMembers members(count());
        for (auto& member : members) {
            member.name = text();
            member.text = text();
        }
        return members;
    }
    bool ended() const { return ok_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

// The body of the record that `bytes` begins with; empty: none.
std::string_view body_of(std::string_view bytes) {
    if (bytes.size() < kHeader || !bytes.starts_with(kMagic))
        return {};
    Reader header(bytes.substr(kMagic.size(), kHeader - kMagic.size()));
    const auto size = header.number<std::uint32_t>();
    const auto crc = header.number<std::uint32_t>();
    if (size > kMaxSpoolRecord || bytes.size() - kHeader < size)
        return {};
    const std::string_view body = bytes.substr(kHeader, size);
    return checksum(body) == crc ? body : std::string_view();
}

}  // namespace

std::string write_record(const SpooledAlert& spooled) {
    const detect::Alert& alert = spooled.alert;
    Writer body;
    body.number(spooled.number);
    body.number(spooled.raised_us);
    body.number(alert.wall_us);
    body.number(static_cast<std::uint8_t>(alert.severity));
    static const std::string from_document;  // as which it would stand there twice
    const std::string& json = alert.document.empty() ? alert.json : from_document;
    for (const std::string* text : {&alert.id, &json, &alert.message, &alert.rule_name})
        body.text(*text);
    body.members(alert.document.members);
    const auto each_members = [&body](const detect::JsonMembers& members) {
        body.members(members);
    };
    body.list(alert.document.sequence, each_members);
    body.list(alert.document.ancestry, each_members);
    body.list(alert.document.trimmed, [&body](const std::string& text) { body.text(text); });
    const std::string bytes = body.take();

    Writer record;
    record.number(static_cast<std::uint32_t>(bytes.size()));
    record.number(checksum(bytes));
    return std::string(kMagic) + record.take() + bytes;
}

std::optional<SpoolRecordHead> look_at_record(std::string_view bytes) {
    const std::string_view body = body_of(bytes);
    if (body.size() < sizeof(std::uint64_t) + sizeof(std::int64_t))
        return std::nullopt;
    Reader reader(body);
    SpoolRecordHead head;
    head.number = reader.number<std::uint64_t>();
    head.raised_us = reader.number<std::int64_t>();
    head.size = kHeader + body.size();
    if (head.number > kMaxSpoolNumber)
        return std::nullopt;
    return head;
}

std::optional<SpooledAlert> read_record(std::string_view bytes) {
    Reader reader(body_of(bytes));
    SpooledAlert spooled;
    detect::Alert& alert = spooled.alert;
    spooled.number = reader.number<std::uint64_t>();
    spooled.raised_us = reader.number<std::int64_t>();
    alert.wall_us = reader.number<std::int64_t>();
    const auto severity = reader.number<std::uint8_t>();
    for (std::string* text : {&alert.id, &alert.json, &alert.message, &alert.rule_name})
        *text = reader.text();
    alert.document.members = reader.members();
    for (auto* list : {&alert.document.sequence, &alert.document.ancestry}) {
        list->resize(reader.count());
        for (detect::JsonMembers& members : *list)
            members = reader.members();
    }
    alert.document.trimmed.resize(reader.count());
    for (std::string& text : alert.document.trimmed)
        text = reader.text();
    if (!reader.ended() || severity > static_cast<std::uint8_t>(detect::RuleSeverity::critical))
        return std::nullopt;
    alert.severity = static_cast<detect::RuleSeverity>(severity);
    if (!alert.document.empty())
        alert.json = alert.document.text();
    return spooled;
}

}  // namespace audisp_eql::collector
