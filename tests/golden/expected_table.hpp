// SPDX-License-Identifier: Apache-2.0
// The tables of expected.md, which were made by hand: what alerts each recording must give.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace audisp_eql::golden {

// The rules of the table's two columns.
inline constexpr const char* kBinaryRule = "fa3a59dc-33c3-43bf-80a9-e8437a922c7f";
inline constexpr const char* kParentRule = "4b1a807a-4e7b-414e-8cea-24bf580f6fc5";

struct Expected {
    // "PID>IP:PORT", one an alert, in order, by rule id.
    std::map<std::string, std::vector<std::string>> alerts;
    // The audit serials of each alert's events, in order, by rule id.
    std::map<std::string, std::vector<std::vector<std::uint64_t>>> serials;
};

// By scenario. Throws std::runtime_error if the file is not as its own text says.
std::map<std::string, Expected> read_expected(const std::string& path);

}  // namespace audisp_eql::golden
