// SPDX-License-Identifier: Apache-2.0
// What /proc, /sys and /etc hold, as text.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <string>

namespace audisp_eql::collector {

// Empty where it cannot be read.
std::string read_system_file(const std::string& path);
std::string read_system_link(const std::string& path);

// "net:[4026531833]": where the kernel's own threads are, or, in a container, its first process;
// empty where it cannot be seen.
std::string host_network_namespace();

}  // namespace audisp_eql::collector
