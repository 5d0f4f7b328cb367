// SPDX-License-Identifier: Apache-2.0
// The rows of the option table. Only options.cpp reads them.
//
// Memory: a row's semantic writes into the Settings that the table was made for.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/shared_ptr.hpp>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {

struct OptionRow {
    std::string_view group;  // heading in --help
    unsigned commands;       // bit mask of command_bit()
    bool in_file;            // also a key of the configuration file
    boost::shared_ptr<boost::program_options::option_description> option;
};

constexpr unsigned command_bit(Command command) {
    return 1U << static_cast<unsigned>(command);
}

// A value that is not what its option takes; what() is the end of a sentence that begins with the
// option's name.
struct BadValue : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// "off" (0), "60s", "5m", "1h", "90", at most a day; nullopt: none of these.
std::optional<std::uint32_t> interval_seconds(const std::string& text);

std::vector<OptionRow> option_table(Settings& settings);

}  // namespace audisp_eql::collector
