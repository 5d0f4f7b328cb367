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

std::string unreadable(const PathTrouble& trouble) {
    std::string text = R"([{"line":1,"column":1)";
    member(text, "severity", "error");
    member(text, "message", "cannot be read: " + trouble.message);
    member(text, "hint", "");
    return text + "}]";
}

std::string list(const detect::Diagnostics& diagnostics, std::string_view source) {
    std::string text = "[";
    for (const auto& diagnostic : diagnostics) {
        if (text.back() != '[')
            text += ',';
        append_diagnostic(text, diagnostic, source);
    }
    return text + ']';
}

std::string texts(const std::vector<std::string>& items) {
    std::string text = "[";
    for (const std::string& item : items) {
        if (text.back() != '[')
            text += ',';
        detect::append_json_string(text, item);
    }
    return text + ']';
}

std::string item_text(const detect::ExceptionReport::Item& item) {
    std::string text = "{";
    member(text, "id", item.id);
    member(text, "comment", item.comment);
    text += ",\"rules\":" + texts(item.rules);
    if (item.expires_us) {
        text += ",\"expires\":";
        detect::append_json_time(text, *item.expires_us);
    }
    return text + (item.expired ? ",\"expired\":true}" : ",\"expired\":false}");
}

void print_exceptions(const LoadedRules& rules, std::ostream& out) {
    const auto print = [&](std::string_view file, bool good, const std::string& items,
                           const std::string& diagnostics) {
        std::string line = "{";
        member(line, "file", file);
        member(line, "kind", "exceptions");
        member(line, "status", good ? "ok" : "error");
        out << line << ",\"exceptions\":[" << items << "],\"diagnostics\":" << diagnostics << "}\n";
    };
    for (const auto& trouble : rules.exception_files.troubles)
        print(trouble.path, false, "", unreadable(trouble));
    for (std::size_t i = 0; i < rules.exceptions.size(); ++i) {
        const auto& report = rules.exceptions[i];
        std::string items;
        for (const auto& item : report.items)
            items += (items.empty() ? "" : ",") + item_text(item);
        print(report.file, !detect::has_errors(report.diagnostics), items,
              list(report.diagnostics, rules.exception_files.sources[i].text));
    }
}

}  // namespace

void print_json(const LoadedRules& rules, std::ostream& out, const std::vector<RuleStatus>* here) {
    for (const auto& trouble : rules.files.troubles) {
        std::string line = "{";
        member(line, "file", trouble.path);
        line += R"(,"id":"","name":"","status":"error","diagnostics":)";
        out << line << unreadable(trouble) << "}\n";
    }
    for (std::size_t i = 0; i < rules.reports.size(); ++i) {
        const auto& report = rules.reports[i];
        std::string line = "{";
        member(line, "file", report.file);
        member(line, "id", report.id);
        member(line, "name", report.name);
        member(line, "status",
               here == nullptr ? detect::to_string(report.status) : (*here)[i].status);
        if (here != nullptr)
            line += ",\"missing\":" + texts((*here)[i].missing);
        out << line << ",\"diagnostics\":" << list(report.diagnostics, rules.files.sources[i].text)
            << "}\n";
    }
    print_exceptions(rules, out);
}

}  // namespace audisp_eql::collector
