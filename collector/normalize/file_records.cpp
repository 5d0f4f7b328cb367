// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/file_records.hpp"

#include <algorithm>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {

namespace {

// name=(null) is not in quotes.
bool has_name(const PathRecord& item) {
    return item.name.present() && (item.name.quoted || !item.name.text.starts_with('('));
}

}  // namespace

void FileRecords::read(const AuditEvent& event) {
    items_.clear();
    cwd_body = {};
    openat2_flags.reset();
    for (const AuditEvent::Record& record : event.records()) {
        const std::string_view body = event.body(record);
        if (record.type == audit_type::kPath) {
            if (const auto path = parse_path(body))
                items_.push_back(*path);
        } else if (record.type == audit_type::kCwd) {
            cwd_body = body;
        } else if (record.type == audit_type::kOpenat2) {
            const auto flags = find_field(body, "oflag");
            openat2_flags = flags ? parse_octal(*flags) : std::nullopt;
        }
    }
}

const PathRecord* FileRecords::named(std::string_view nametype, std::size_t n) const {
    for (const PathRecord& item : items_)
        if (item.nametype == nametype && has_name(item) && n-- == 0)
            return &item;
    return nullptr;
}

const PathRecord* FileRecords::last(std::string_view nametype) const {
    const PathRecord* nameless = nullptr;
    for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
        if (item->nametype != nametype)
            continue;
        if (has_name(*item))
            return &*item;
        if (!nameless)
            nameless = &*item;
    }
    return nameless;
}

bool FileRecords::is_parent(std::uint64_t inode) const {
    return std::any_of(items_.begin(), items_.end(), [&](const PathRecord& item) {
        return item.nametype == "PARENT" && item.inode == inode;
    });
}

}  // namespace audisp_eql::collector
