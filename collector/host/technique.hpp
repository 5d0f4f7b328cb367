// SPDX-License-Identifier: Apache-2.0
// A harmless reverse shell that this program performs on itself, for its rules to find: a shell
// starts a program in a temporary directory, an interpreter by its name, which forks; the child
// connects; then the program itself connects and becomes a shell that does nothing.
//
// Nothing leaves the host: all of it happens in a network namespace of its own that has a loopback
// interface and nothing else, and the peer is a listener of ours there.
// Memory: values. Threads: one; forks.
#pragma once

#include <string>
#include <vector>

namespace audisp_eql::collector {

// In the arguments of every process of the technique, and so in its alert.
inline constexpr const char* kNoncePrefix = "audisp-eql-selftest-";
std::string make_nonce();

// Performs it and waits until it is over, some seconds at most. Empty on success, else why not.
std::string perform_technique(const std::string& nonce);

// The other half: this program, copied and started by the technique's shell. `arguments` are
// main's, without the program's name.
bool is_technique(const std::vector<std::string>& arguments);
int technique_main(const std::vector<std::string>& arguments);

}  // namespace audisp_eql::collector
