// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_rule_cover.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include <libaudit.h>

#include "collector/feed/audit_rules.hpp"

namespace audisp_eql::collector {

namespace {

struct Field {
    std::uint32_t name, op, value;
    std::string_view text;  // of fields with a string
};

// The fields but for the key; false if the bytes are no rule.
bool read(const AuditRuleBytes& bytes, std::vector<Field>& fields) {
    if (bytes.size() < sizeof(audit_rule_data))
        return false;
    const auto* rule = reinterpret_cast<const audit_rule_data*>(bytes.data());
    std::size_t place = sizeof(audit_rule_data);
    for (std::uint32_t i = 0; i < rule->field_count && i < AUDIT_MAX_FIELDS; ++i) {
        Field field{rule->fields[i], rule->fieldflags[i], rule->values[i], {}};
        if (has_string(field.name)) {
            if (field.value > bytes.size() - place)
                return false;
            field.text = {bytes.data() + place, field.value};
            place += field.value;
        }
        if (field.name != AUDIT_FILTERKEY)
            fields.push_back(field);
    }
    return true;
}

bool lies_below(std::string_view path, std::string_view directory) {
    while (directory.ends_with('/'))
        directory.remove_suffix(1);
    return path.starts_with(directory) &&
           (path.size() == directory.size() || path[directory.size()] == '/');
}

// Whatever passes `one` passes `other`.
bool implies(const Field& one, const Field& other) {
    const bool places = one.name == AUDIT_DIR || one.name == AUDIT_WATCH;
    if (places && other.name == AUDIT_DIR)
        return lies_below(one.text, other.text);
    if (one.name != other.name)
        return false;
    if (has_string(one.name))
        return one.op == other.op && one.text == other.text;
    if (one.op == AUDIT_BIT_MASK && other.op == AUDIT_BIT_MASK)
        return (one.value & ~other.value) == 0;
    return one.op == other.op && one.value == other.value;
}

}  // namespace

bool covers(const AuditRuleBytes& present, const AuditRuleBytes& needed) {
    std::vector<Field> theirs, ours;
    if (!read(present, theirs) || !read(needed, ours))
        return false;
    const auto* a = reinterpret_cast<const audit_rule_data*>(present.data());
    const auto* b = reinterpret_cast<const audit_rule_data*>(needed.data());
    if (a->flags != b->flags || a->action != b->action)
        return false;
    for (std::size_t i = 0; i < AUDIT_BITMASK_SIZE; ++i)
        if ((b->mask[i] & ~a->mask[i]) != 0)
            return false;
    return std::all_of(theirs.begin(), theirs.end(), [&](const Field& other) {
        return std::any_of(ours.begin(), ours.end(),
                           [&](const Field& one) { return implies(one, other); });
    });
}

}  // namespace audisp_eql::collector
