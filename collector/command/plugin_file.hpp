// SPDX-License-Identifier: Apache-2.0
// The file that tells auditd to start this program (packaging/auditd-plugin.conf.in), as text.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace audisp_eql::collector {

// What its line "active = …" says; nullopt: there is no such line.
std::optional<bool> plugin_is_active(std::string_view file);

// The same text with the value of that line set, and nothing else changed: the rest is the
// administrator's. Where the line is missing it is added.
std::string with_plugin_active(std::string_view file, bool active);

// The whole file, for a host that has none, with a first line by which we know it again. `config`:
// the configuration file, if it is not the default one; empty: it is.
std::string new_plugin_file(std::string_view program, std::string_view config);
bool is_own_plugin_file(std::string_view file);

// packaging/auditd-plugin.conf.in, as it was when the program was built.
std::string_view built_in_plugin_file();

}  // namespace audisp_eql::collector
