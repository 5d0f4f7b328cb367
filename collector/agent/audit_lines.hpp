// SPDX-License-Identifier: Apache-2.0
// From what rules may match to lines of audit rules: the calls, word sizes, tests and places of
// each, before and after lines of many rules are joined.
//
// Memory: values. Threads: no state.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/agent/rule_demand.hpp"

namespace audisp_eql::collector {

struct Line {
    std::size_t order = 0;  // place in the output, first by what it is for
    std::string heading, key;
    std::string arch;             // "b64", "b32"; empty: any
    std::string place;            // "dir=/etc", "path=/etc/passwd", empty
    std::string tests;            // several with a space between
    std::set<std::string> calls;  // empty: the line has no -S
    std::string list = "exit";
    bool expensive = false;
    bool optional = false;  // the kernel may not know it, another line does most of its work
    std::set<std::uint32_t> rules;

    std::string text() const;
    // What it reports, for people: "unlink, unlinkat in /etc (32-bit)".
    std::string what() const;
};

struct LineOptions {
    bool proc_connector = true;
    bool trace_by_audit = false;  // some rule needs more of a ptrace than the connector says
};

// Lines for one demand that is not of files, or for what is asked of files in one place.
void add_lines(const Demand& demand, const LineOptions& options, std::vector<Line>& lines);

// What is asked of files in one place: kinds with their calls, and who asks.
struct FileWish {
    std::map<EventKind, std::set<std::string_view>> calls;
    std::set<std::uint32_t> rules;
};
// `place`: null for everywhere; then opens are expensive.
void add_file_lines(const FileWish& wish, const Place* place, std::vector<Line>& lines);

// What standard descriptors lead to, where /proc is too late to ask.
void add_descriptor_lines(const std::set<std::uint32_t>& rules, std::vector<Line>& lines);

// Who changes files in these places ("dir=/etc/x", "path=/etc/y"), whatever rules ask for; in
// auditctl's form, under kOwnFilesKey.
inline constexpr std::string_view kOwnFilesKey = "audisp-eql-own-files";
std::vector<std::string> lines_of_writers(const std::set<std::string>& places);

// Lines that differ in their calls and rules only become one; in their order.
std::vector<Line> joined(std::vector<Line> lines);

}  // namespace audisp_eql::collector
