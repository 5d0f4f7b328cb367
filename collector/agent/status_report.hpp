// SPDX-License-Identifier: Apache-2.0
// The status of a running agent as a list of figures, and its three forms: text for people, one
// JSON object, and the Prometheus text format (version 0.0.4).
//
// Memory: values; section, name and help are texts of the program. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {

struct Figure {
    enum class Kind : std::uint8_t { counter, gauge, text };
    using Labels = std::vector<std::pair<std::string_view, std::string>>;

    Kind kind = Kind::gauge;
    std::string_view section, name, help;  // lower case, '_' between words; one line
    Labels labels;                         // which of several; their bytes are anybody's
    double number = 0;
    std::string text;  // kind text
};

class StatusReport {
  public:
    // What follows belongs to this section.
    void section(std::string_view name) {
        section_ = name;
        labels_.clear();
    }
    // And to this one of several, until the next call or section.
    void of(Figure::Labels labels) { labels_ = std::move(labels); }
    void counter(std::string_view name, std::uint64_t value, std::string_view help);
    void gauge(std::string_view name, double value, std::string_view help);
    void text(std::string_view name, std::string value, std::string_view help);

    const std::vector<Figure>& figures() const { return figures_; }

  private:
    std::string_view section_;
    Figure::Labels labels_;
    std::vector<Figure> figures_;
};

std::string render(const StatusReport& report, StatusOutput form);

}  // namespace audisp_eql::collector
