// SPDX-License-Identifier: Apache-2.0
#include "collector/command/check_report.hpp"

#include <ostream>
#include <string>
#include <string_view>

#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {
namespace {

void member(std::string& out, std::string_view name, std::string_view text) {
    out += out.back() == '{' ? "\"" : ",\"";
    out.append(name).append("\":");
    detect::append_json_string(out, text);
}

void append_diagnostic(std::string& out, const detect::Diagnostic& diagnostic,
                       std::string_view source) {
    const auto position = detect::position_of(source, diagnostic.at.offset);
    out += "{\"line\":" + std::to_string(position.line) +
           ",\"column\":" + std::to_string(position.column);
    member(out, "severity", diagnostic.severity == detect::Severity::error ? "error" : "warning");
    member(out, "message", diagnostic.message);
    member(out, "hint", diagnostic.hint);
    out += '}';
}

}  // namespace

void print_json(const LoadedRules& rules, std::ostream& out) {
    for (const auto& trouble : rules.files.troubles) {
        std::string line = "{";
        member(line, "file", trouble.path);
        line += R"(,"id":"","name":"","status":"error","diagnostics":[{"line":1,"column":1)";
        member(line, "severity", "error");
        member(line, "message", "cannot be read: " + trouble.message);
        member(line, "hint", "");
        out << line << "}]}\n";
    }
    for (std::size_t i = 0; i < rules.reports.size(); ++i) {
        const auto& report = rules.reports[i];
        std::string line = "{";
        member(line, "file", report.file);
        member(line, "id", report.id);
        member(line, "name", report.name);
        member(line, "status", detect::to_string(report.status));
        line += ",\"diagnostics\":[";
        for (const auto& diagnostic : report.diagnostics) {
            if (line.back() != '[')
                line += ',';
            append_diagnostic(line, diagnostic, rules.files.sources[i].text);
        }
        out << line << "]}\n";
    }
}

}  // namespace audisp_eql::collector
