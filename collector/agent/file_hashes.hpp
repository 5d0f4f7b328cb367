// SPDX-License-Identifier: Apache-2.0
// What lies in files, for telling whether it has changed.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <map>
#include <string>

namespace audisp_eql::collector {

// By path, the SHA-256 of the content; empty: it cannot be read.
using FileHashes = std::map<std::string, std::string>;

// Of the configuration file and conf.d/*.conf. `config`: as Settings::config.
FileHashes hash_configuration(const std::string& config);

}  // namespace audisp_eql::collector
