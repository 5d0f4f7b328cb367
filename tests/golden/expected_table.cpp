// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/expected_table.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace audisp_eql::golden {

namespace {

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string::npos ? ""
                                      : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// "| a | b |" -> {a, b}; empty if the line is no row.
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    if (line.empty() || line.front() != '|')
        return cells;
    for (std::size_t at = 1; at < line.size();) {
        const std::size_t end = line.find('|', at);
        if (end == std::string::npos)
            break;
        cells.push_back(trimmed(line.substr(at, end - at)));
        at = end + 1;
    }
    return cells;
}

std::vector<std::string> alerts_of(const std::string& cell) {
    std::vector<std::string> alerts;
    if (cell == "-")
        return alerts;
    for (std::size_t at = 0; at <= cell.size();) {
        const std::size_t end = std::min(cell.find(',', at), cell.size());
        alerts.push_back(trimmed(cell.substr(at, end - at)));
        if (alerts.back().find('>') == std::string::npos)
            throw std::runtime_error("no alert in the cell '" + cell + "'");
        at = end + 1;
    }
    return alerts;
}

// The numbers in parentheses: "exec sh (419369)".
std::vector<std::uint64_t> serials_of(const std::string& stages) {
    std::vector<std::uint64_t> serials;
    for (std::size_t at = stages.find('('); at != std::string::npos;
         at = stages.find('(', at + 1)) {
        const std::size_t end = stages.find_first_not_of("0123456789", at + 1);
        if (end != std::string::npos && end > at + 1 && stages[end] == ')')
            serials.push_back(std::stoull(stages.substr(at + 1, end - at - 1)));
    }
    return serials;
}

}  // namespace

std::map<std::string, Expected> read_expected(const std::string& path) {
    std::ifstream file(path);
    std::map<std::string, Expected> all;
    std::vector<std::string> head;
    for (std::string line; std::getline(file, line);) {
        const std::vector<std::string> cells = cells_of(line);
        if (cells.empty()) {
            head.clear();
        } else if (head.empty()) {
            head = cells;
        } else if (cells[0].find_first_not_of('-') == std::string::npos) {
            continue;
        } else if (head.size() == 5 && head[2] == "suspicious-binary" && cells.size() == 5) {
            Expected& expected = all[cells[0]];
            expected.alerts[kBinaryRule] = alerts_of(cells[2]);
            expected.alerts[kParentRule] = alerts_of(cells[3]);
        } else if (head.size() == 4 && head[1] == "rule" && cells.size() == 4) {
            all[cells[0]].serials[cells[1] == "binary" ? kBinaryRule : kParentRule].push_back(
                serials_of(cells[3]));
        } else {
            throw std::runtime_error("a row of neither table: " + line);
        }
    }
    if (all.empty())
        throw std::runtime_error("no table in " + path);
    return all;
}

}  // namespace audisp_eql::golden
