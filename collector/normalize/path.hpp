// SPDX-License-Identifier: Apache-2.0
// Paths as the records give them: decoded, put together and cut apart by text alone. No file is
// looked at here: what a path leads to may have changed since, and asking may block.
//
// Memory: the caller's. Threads: no state.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/audit/decode.hpp"

namespace audisp_eql::collector {

// "/a/b.c" -> "b.c"; of "/", empty.
std::string_view base_name(std::string_view path);
// "/a/b.c" -> "/a"; of "/b.c" and "/", "/"; of a bare name, empty.
std::string_view directory_name(std::string_view path);
// Of a base name, without the dot: "b.tar.gz" -> "gz". A dot at the start begins no extension.
std::string_view extension_of(std::string_view name);

// The files of memfd_create(2) have no path, but a name: "/memfd:NAME (deleted)" -> NAME, which may
// be empty and may hold slashes. nullopt: another path.
inline constexpr std::string_view kMemoryFile = "/memfd:";
std::optional<std::string_view> memory_file_of(std::string_view path);

// "." and ".." and doubled slashes resolved; the result is absolute. ".." after a symbolic link is
// resolved as if it were a directory.
void normalise(std::string& path);
// Puts a directory, which is absolute, before a relative path and normalises it.
void make_absolute(std::string_view directory, std::string& path);

// Decodes into `out`; empty if there is no such text.
void decode(const Untrusted& value, std::string& out);
// Of a CWD record's body; empty if there is none.
void decode_directory(std::string_view cwd_body, std::string& out);

}  // namespace audisp_eql::collector
