// SPDX-License-Identifier: Apache-2.0
// The table of known ECS fields (one row a field, in fields.def) and the names that rules add.
//
// An event is made of layers, blocks that several events share: the image a process runs is stored
// once and shown as process.* by its own events and as process.parent.* by its children's. The
// row of a field says in which layer it lies and under which field id it is stored there.
//
// Threads: the known table is constant. A FieldNames object belongs to the rule set that made it
// and is read-only once the rule set is complete.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

namespace audisp_eql::detect {

enum class FieldType : std::uint8_t { keyword, number, boolean, ip, date };

// keyword: text. id: text, but compares with a number by canonical decimal text (user.id == 0).
enum class FieldFlag : std::uint8_t {
    none = 0,
    list = 1,      // always an array in JSON
    id = 2,        // lenient comparison with numbers
    internal = 4,  // never in the event's JSON
};

enum class Layer : std::uint8_t {
    own,           // what this one event says
    process,       // who the process is: pid, entity id, ancestry (the same for all its events)
    image,         // what it runs: executable, name, args (one exec, shared until the next)
    parent,        // the parent's `process` layer
    parent_image,  // the image the parent ran when the process was forked
    host,          // the same for every event of a run
    // Leaders: their `process` layer, and the image that they run when the event happens.
    entry_leader,
    entry_leader_image,
    session_leader,
    session_leader_image,
    group_leader,
    group_leader_image,
};
inline constexpr std::size_t kLayerCount = 12;

enum class FieldId : std::uint16_t {
#define FIELD(symbol, name, type, layer, stored, flags, doc, source, surely) symbol,
#include "detect/event/fields.def"
#undef FIELD
    known_count
};
inline constexpr std::size_t kKnownFields = static_cast<std::size_t>(FieldId::known_count);

struct FieldRow {
    std::string_view name;
    FieldType type;
    Layer layer;
    FieldId stored;  // the id under which the layer's block keeps it
    std::uint8_t flags;
    std::string_view doc;
    std::string_view source;  // the records and files that a value is taken from
    std::string_view surely;  // when it is there

    constexpr bool has(FieldFlag flag) const {
        return (flags & static_cast<std::uint8_t>(flag)) != 0;
    }
};

namespace field_rows {
using enum FieldType;
using enum Layer;
inline constexpr std::uint8_t none = 0;
inline constexpr std::uint8_t list = static_cast<std::uint8_t>(FieldFlag::list);
inline constexpr std::uint8_t id = static_cast<std::uint8_t>(FieldFlag::id);
inline constexpr std::uint8_t internal = static_cast<std::uint8_t>(FieldFlag::internal);
}  // namespace field_rows

// Known rows, indexed by FieldId.
extern const std::array<FieldRow, kKnownFields> kFieldRows;

// Where a known or added field lies: added fields are always in the event's own layer.
struct FieldPlace {
    Layer layer;
    FieldId stored;
};
extern const std::array<FieldPlace, kKnownFields> kFieldPlaces;
inline FieldPlace place_of(FieldId field) {
    const auto index = static_cast<std::size_t>(field);
    return index < kKnownFields ? kFieldPlaces[index] : FieldPlace{Layer::own, field};
}

// Names -> ids. Starts with the known table; intern() adds names that rules or queries bring.
class FieldNames {
  public:
    FieldNames();
    // With the names of `before` under the ids they have there.
    static std::unique_ptr<FieldNames> continuing(const FieldNames& before);
    FieldNames(const FieldNames&) = delete;  // rows point at the names kept here
    FieldNames& operator=(const FieldNames&) = delete;

    std::optional<FieldId> find(std::string_view name) const;
    // The id of `name`, added if unknown (as keyword in the own layer).
    FieldId intern(std::string_view name);
    // The row of a known or added field. The reference stays valid for this object's life.
    const FieldRow& row(FieldId field) const;
    std::size_t size() const { return kKnownFields + added_.size(); }

  private:
    struct Added {
        std::string name;
        FieldRow row;
    };
    boost::unordered_flat_map<std::string_view, FieldId> by_name_;
    std::deque<Added> added_;
};

// True if the name is in the known table (an agent may fill it); false for added names.
constexpr bool is_known(FieldId field) {
    return static_cast<std::size_t>(field) < kKnownFields;
}

}  // namespace audisp_eql::detect
