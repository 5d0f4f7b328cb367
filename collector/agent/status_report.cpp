// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {
namespace {

// Of rules and the like, people read the first; the other forms have all.
constexpr std::size_t kMaxLinesOfMany = 20;

bool is_whole(double value) {
    return value == std::floor(value) && std::abs(value) < 9e15;
}

std::string number_text(double value) {
    return is_whole(value) ? fmt::format("{}", static_cast<std::int64_t>(value))
                           : fmt::format("{:.3f}", value);
}

std::string quoted(std::string_view text) {
    std::string out;
    detect::append_json_string(out, text);
    return out;
}

std::string value_text(const Figure& figure) {
    return figure.kind == Figure::Kind::text ? figure.text : number_text(figure.number);
}

// One line for a terminal, whatever bytes a name has.
std::string printable(std::string_view text) {
    std::string out = quoted(text);
    return out.substr(1, out.size() - 2);
}

bool together(const Figure& a, const Figure& b) {
    return a.section == b.section && a.labels == b.labels;
}

// Calls `each(begin, end)` for the figures of one thing, which stand together.
template <typename Each>
void by_thing(const std::vector<Figure>& figures, Each each) {
    for (auto begin = figures.begin(); begin != figures.end();) {
        const auto end = std::find_if(
            begin, figures.end(), [&](const Figure& figure) { return !together(figure, *begin); });
        each(begin, end);
        begin = end;
    }
}

std::string text_of(const StatusReport& report) {
    std::string out;
    std::string_view section;
    std::size_t of_section = 0;
    by_thing(report.figures(), [&](auto begin, auto end) {
        if (begin->section != section) {
            if (of_section > kMaxLinesOfMany)
                out += fmt::format("  … and {} more\n", of_section - kMaxLinesOfMany);
            section = begin->section;
            of_section = 0;
            out += fmt::format("{}{}\n", out.empty() ? "" : "\n", section);
        }
        if (begin->labels.empty()) {
            for (auto figure = begin; figure != end; ++figure)
                out += fmt::format("  {:<22} {}\n", figure->name, printable(value_text(*figure)));
            return;
        }
        if (++of_section > kMaxLinesOfMany)
            return;
        std::string line;
        for (const auto& [name, value] : begin->labels)
            line += (line.empty() ? "  " : ", ") + printable(value);
        std::string values;
        for (auto figure = begin; figure != end; ++figure)
            if (figure->kind == Figure::Kind::text ? !figure->text.empty() : figure->number != 0)
                values += fmt::format("{}{} {}", values.empty() ? ": " : ", ", figure->name,
                                      printable(value_text(*figure)));
        out += line + values + '\n';
    });
    if (of_section > kMaxLinesOfMany)
        out += fmt::format("  … and {} more\n", of_section - kMaxLinesOfMany);
    return out;
}

std::string json_of(const StatusReport& report) {
    std::string out = "{";
    std::string_view section;
    bool in_list = false, first = true;
    by_thing(report.figures(), [&](auto begin, auto end) {
        if (begin->section != section) {
            if (!section.empty())
                out += in_list ? "]}," : "},";
            section = begin->section;
            out += quoted(section) + ":{";
            in_list = false;
            first = true;
        }
        const bool one_of_many = !begin->labels.empty();
        if (one_of_many && !in_list) {
            out += first ? "\"each\":[" : ",\"each\":[";
            in_list = first = true;
        }
        if (one_of_many)
            out += first ? "{" : ",{";
        bool comma = !one_of_many && !first;
        const auto member = [&](std::string_view name, const std::string& json) {
            out += (comma ? "," : "") + quoted(name) + ':' + json;
            comma = true;
        };
        for (const auto& [name, value] : begin->labels)
            member(name, quoted(value));
        for (auto figure = begin; figure != end; ++figure)
            member(figure->name, figure->kind == Figure::Kind::text ? quoted(figure->text)
                                                                    : number_text(figure->number));
        if (one_of_many)
            out += '}';
        first = false;
    });
    if (!section.empty())
        out += in_list ? "]}" : "}";
    return out += "}\n";
}

// Backslash, quote and newline are escaped, the rest must be UTF-8 (exposition format).
std::string label_value(std::string_view bytes) {
    std::string out;
    const std::string text = quoted(bytes);  // JSON: U+FFFD for what is not text
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char escaped = text[++i];
        if (escaped == '"' || escaped == '\\' || escaped == 'n')
            out += fmt::format("\\{}", escaped);
        else
            out += fmt::format("\\\\{}", escaped);
    }
    return out;
}

std::string sample(const std::string& name, const Figure& figure) {
    std::string labels;
    const auto add = [&](std::string_view label, std::string_view value) {
        labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", label, label_value(value));
    };
    for (const auto& [label, value] : figure.labels)
        add(label, value);
    if (figure.kind == Figure::Kind::text)
        add("value", figure.text);
    const std::string number = figure.kind == Figure::Kind::text ? "1" : number_text(figure.number);
    return labels.empty() ? fmt::format("{} {}\n", name, number)
                          : fmt::format("{}{{{}}} {}\n", name, labels, number);
}

std::string prometheus_of(const StatusReport& report) {
    // All samples of one metric stand together.
    std::vector<std::pair<std::string, std::string>> metrics;  // name, text
    std::map<std::string, std::size_t, std::less<>> places;
    for (const Figure& figure : report.figures()) {
        const bool counts = figure.kind == Figure::Kind::counter;
        const std::string name = fmt::format("audisp_eql_{}_{}{}", figure.section, figure.name,
                                             counts                              ? "_total"
                                             : figure.kind == Figure::Kind::text ? "_info"
                                                                                 : "");
        const auto [place, fresh] = places.emplace(name, metrics.size());
        if (fresh)
            metrics.emplace_back(
                name, fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, figure.help, name,
                                  counts ? "counter" : "gauge"));
        metrics[place->second].second += sample(name, figure);
    }
    std::string out;
    for (const auto& [name, text] : metrics)
        out += text;
    return out;
}

}  // namespace

void StatusReport::counter(std::string_view name, std::uint64_t value, std::string_view help) {
    figures_.push_back(
        {Figure::Kind::counter, section_, name, help, labels_, static_cast<double>(value), {}});
}

void StatusReport::gauge(std::string_view name, double value, std::string_view help) {
    figures_.push_back({Figure::Kind::gauge, section_, name, help, labels_, value, {}});
}

void StatusReport::text(std::string_view name, std::string value, std::string_view help) {
    figures_.push_back({Figure::Kind::text, section_, name, help, labels_, 0, std::move(value)});
}

std::string render(const StatusReport& report, StatusOutput form) {
    switch (form) {
        case StatusOutput::text:
            break;
        case StatusOutput::json:
            return json_of(report);
        case StatusOutput::prometheus:
            return prometheus_of(report);
    }
    return text_of(report);
}

}  // namespace audisp_eql::collector
