// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/path.hpp"

#include <algorithm>

namespace audisp_eql::collector {

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view directory_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{}
                                           : path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string_view extension_of(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view{} : name.substr(dot + 1);
}

std::optional<std::string_view> memory_file_of(std::string_view path) {
    constexpr std::string_view kDeleted = " (deleted)";
    if (!path.starts_with(kMemoryFile))
        return std::nullopt;
    path.remove_prefix(kMemoryFile.size());
    if (path.ends_with(kDeleted))
        path.remove_suffix(kDeleted.size());
    return path;
}

void normalise(std::string& path) {
    std::size_t kept = 0;  // path[0, kept) is done: "" or "/a/b"
    std::size_t at = 0;
    while (at < path.size()) {
        while (at < path.size() && path[at] == '/')
            ++at;
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part(path.data() + at, end - at);
        if (part == "..") {
            while (kept > 0 && path[--kept] != '/') {
            }
        } else if (!part.empty() && part != ".") {
            path[kept++] = '/';
            std::copy(part.begin(), part.end(), path.begin() + static_cast<long>(kept));
            kept += part.size();
        }
        at = end;
    }
    path.resize(kept);
    if (path.empty())
        path = "/";
}

void make_absolute(std::string_view directory, std::string& path) {
    path.insert(0, 1, '/').insert(0, directory);
    normalise(path);
}

void decode(const Untrusted& value, std::string& out) {
    out.clear();
    value.append_to(out);
}

void decode_directory(std::string_view cwd_body, std::string& out) {
    out.clear();
    FieldCursor field(cwd_body);
    while (field.next()) {
        if (field.key == "cwd") {
            append_untrusted(field.value, field.quoted, out);
            return;
        }
    }
}

}  // namespace audisp_eql::collector
