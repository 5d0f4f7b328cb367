// SPDX-License-Identifier: Apache-2.0
#include "detect/event/field_table.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::array<FieldRow, kKnownFields> make_rows() {
    using namespace field_rows;
    return {{
#define FIELD(symbol, name, type, layer, stored, flags, doc, source, surely) \
    FieldRow{name, FieldType::type, Layer::layer, FieldId::stored, flags, doc, source, surely},
#include "detect/event/fields.def"
#undef FIELD
    }};
}

constexpr std::array<FieldPlace, kKnownFields> make_places() {
    std::array<FieldPlace, kKnownFields> places{};
    const auto rows = make_rows();
    for (std::size_t i = 0; i < kKnownFields; ++i)
        places[i] = FieldPlace{rows[i].layer, rows[i].stored};
    return places;
}

}  // namespace

constinit const std::array<FieldRow, kKnownFields> kFieldRows = make_rows();
constinit const std::array<FieldPlace, kKnownFields> kFieldPlaces = make_places();

FieldNames::FieldNames() {
    by_name_.reserve(kKnownFields * 2);
    for (std::size_t i = 0; i < kKnownFields; ++i)
        by_name_.emplace(kFieldRows[i].name, static_cast<FieldId>(i));
}

std::unique_ptr<FieldNames> FieldNames::continuing(const FieldNames& before) {
    auto names = std::make_unique<FieldNames>();
    for (const Added& added : before.added_)
        names->intern(added.name);
    return names;
}

std::optional<FieldId> FieldNames::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end())
        return std::nullopt;
    return found->second;
}

FieldId FieldNames::intern(std::string_view name) {
    if (const auto known = find(name))
        return *known;
    const auto id = static_cast<FieldId>(size());
    Added& added = added_.emplace_back();
    added.name = name;
    added.row = FieldRow{added.name, FieldType::keyword, Layer::own, id, 0, {}, {}, {}};
    by_name_.emplace(added.name, id);
    return id;
}

const FieldRow& FieldNames::row(FieldId field) const {
    const auto index = static_cast<std::size_t>(field);
    return index < kKnownFields ? kFieldRows[index] : added_[index - kKnownFields].row;
}

}  // namespace audisp_eql::detect
