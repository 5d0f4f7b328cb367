// SPDX-License-Identifier: Apache-2.0
// The texts of the certificates and the key that TLS takes (PEM).
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <string>

namespace audisp_eql::collector {

struct TlsFiles {
    std::string ca, cert, key;  // empty: the system's, none, none
};

// Paths, as the options; empty ones are not read. Read for each connection, so that a renewed
// certificate counts at the next. Throws std::runtime_error with the option's name.
TlsFiles read_tls_files(const std::string& ca, const std::string& cert, const std::string& key);

}  // namespace audisp_eql::collector
