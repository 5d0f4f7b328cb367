// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include "collector/agent/option_table.hpp"
#include "detect/text/nearest.hpp"
#include "detect/text/utf8.hpp"

namespace po = boost::program_options;

namespace audisp_eql::collector {
namespace {

// One option as a source gave it.
struct Given {
    std::string where;  // "--feed", or "audisp-eql.conf:12: feed"
    std::string name;
    std::string value;
    std::vector<std::string> tokens;  // as Program_options wants them: none for a bare switch
};
using Source = std::vector<Given>;

class SettingsReader {
  public:
    SettingsReader(Command command, Settings& settings)
        : settings_(settings), rows_(option_table(settings)) {
        for (const auto& row : rows_) {
            const bool on_command_line = (row.commands & command_bit(command)) != 0;
            if (on_command_line)
                command_line_.add(row.option);
            if (row.in_file)
                file_.add(row.option);
            if (on_command_line || row.in_file)
                all_.add(row.option);
        }
    }

    OptionMessages read(const std::vector<std::string>& arguments) {
        const Source given = parse_command_line(arguments);
        if (settings_.help)
            return {};
        for (const auto& option : given)
            if (option.name == "config")
                settings_.config = option.value;
        std::vector<Source> files = read_files();
        check(given);
        for (const auto& file : files)
            check(file);
        if (messages_.errors.empty()) {
            // What is stored first wins.
            store(given);
            for (auto file = files.rbegin(); file != files.rend(); ++file)
                store(*file);
            po::notify(values_);
        }
        return std::move(messages_);
    }

  private:
    Source parse_command_line(const std::vector<std::string>& arguments);
    std::vector<Source> read_files();
    Source read_file(const std::string& path);
    void read_line(const std::string& where, std::string_view line, Source& source);
    void check(const Source& source);
    void store(const Source& source);
    void error(std::string text) { messages_.errors.push_back(std::move(text)); }

    Settings& settings_;
    std::vector<OptionRow> rows_;
    po::options_description command_line_, file_, all_;
    po::variables_map values_;
    OptionMessages messages_;
};

std::string suggestion(std::string_view name, const po::options_description& known,
                       std::string_view prefix) {
    detect::NearestName search(name);
    for (const auto& option : known.options())
        search.offer(option->long_name());
    const auto nearest = search.best();
    return nearest.empty() ? ""
                           : ", did you mean '" + std::string(prefix) + std::string(nearest) + "'?";
}

// `check --deprecated rules`: Boost would take the path for the option's value, which only stands
// behind '='.
std::vector<std::string> with_implied_values(std::vector<std::string> arguments,
                                             const po::options_description& known) {
    for (std::string& argument : arguments) {
        if (argument == "--")
            break;
        const auto* const option =
            argument.starts_with("--") ? known.find_nothrow(argument.substr(2), false) : nullptr;
        if (option && option->semantic()->min_tokens() == 0 &&
            option->semantic()->max_tokens() == 1)
            argument += "=on";
    }
    return arguments;
}

Source SettingsReader::parse_command_line(const std::vector<std::string>& arguments) {
    Source source;
    const auto style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    try {
        const auto parsed = po::command_line_parser(with_implied_values(arguments, command_line_))
                                .options(command_line_)
                                .style(style)
                                .allow_unregistered()
                                .run();
        for (const auto& option : parsed.options) {
            if (option.unregistered) {
                const std::string text =
                    option.original_tokens.empty() ? "" : option.original_tokens.front();
                std::string_view name = option.string_key;
                name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
                error("unknown option '" + text.substr(0, text.find('=')) + "'" +
                      suggestion(name, command_line_, "--"));
            } else if (option.position_key >= 0) {
                settings_.arguments.push_back(option.value.front());
            } else {
                const std::string value = option.value.empty() ? "" : option.value.front();
                source.push_back(
                    {"--" + option.string_key, option.string_key, value, option.value});
                if (option.string_key == "help")
                    settings_.help = true;
            }
        }
    } catch (const po::error& problem) {
        error(problem.what());
        // Its text may be asked for even where something else is wrong.
        settings_.help = std::find(arguments.begin(), arguments.end(), "--help") != arguments.end();
    }
    return source;
}

std::vector<Source> SettingsReader::read_files() {
    std::vector<Source> sources;
    for (const auto& path : configuration_files(settings_.config))
        sources.push_back(read_file(path));
    return sources;
}

Source SettingsReader::read_file(const std::string& path) {
    Source source;
    std::ifstream file(path);
    std::string line;
    if (file)
        file.peek();  // a directory opens, and fails at the first read
    if (!file && !file.eof()) {
        const int reason = errno;
        const std::string text = path + ": cannot be read: " + std::strerror(reason);
        // A user who replays a log or checks a rule need not be root.
        if (reason == EACCES && settings_.config.empty())
            messages_.warnings.push_back(text + "; its settings are not used");
        else
            error(text);
        return source;
    }
    for (int number = 1; std::getline(file, line); ++number)
        read_line(path + ":" + std::to_string(number), line, source);
    return source;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

// "key = value", an empty line, or a comment that begins the line with '#' (a value may hold one).
void SettingsReader::read_line(const std::string& where, std::string_view line, Source& source) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#')
        return;
    if (!detect::is_utf8(line)) {
        error(where + ": is not UTF-8");
        return;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trimmed(line.substr(0, equals)).empty()) {
        error(where + ": expected 'key = value'");
        return;
    }
    std::string key(trimmed(line.substr(0, equals)));
    std::replace(key.begin(), key.end(), '_', '-');  // as auditd.conf writes its keys
    const std::string value(trimmed(line.substr(equals + 1)));
    if (file_.find_nothrow(key, false) == nullptr) {
        const bool command_line_only =
            std::any_of(rows_.begin(), rows_.end(),
                        [&](const OptionRow& row) { return row.option->long_name() == key; });
        error(where + ": " +
              (command_line_only ? "'" + key + "' can be given on the command line only"
                                 : "unknown key '" + key + "'" + suggestion(key, file_, "")));
    } else if (value.empty()) {
        error(where + ": '" + key + "' has no value");
    } else {
        source.push_back({where + ": " + key, key, value, {value}});
    }
}

// Converts every value for its message only, so that all mistakes are told at once and each with
// its own place.
void SettingsReader::check(const Source& source) {
    std::map<std::string, boost::any> seen;
    for (const auto& option : source) {
        const auto* known = all_.find_nothrow(option.name, false);
        if (known == nullptr)
            continue;
        try {
            // Bytes as they are: UTF-8 would be turned into the locale's form, which may have none.
            constexpr bool kUtf8 = false;
            known->semantic()->parse(seen[option.name], option.tokens, kUtf8);
        } catch (const BadValue& problem) {
            error(option.where + ": " + problem.what());
        } catch (const po::multiple_occurrences&) {
            error(option.where + ": is given twice");
        } catch (const po::error&) {
            error(option.where + ": '" + option.value + "' is neither on nor off");
        }
    }
}

void SettingsReader::store(const Source& source) {
    po::parsed_options parsed(&all_);
    for (const auto& option : source) {
        parsed.options.emplace_back(option.name, option.tokens);
    }
    po::store(parsed, values_);
}

}  // namespace

bool Settings::requires_feed(RequiredFeed wanted) const {
    return std::find(require.begin(), require.end(), wanted) != require.end();
}

std::vector<std::string> configuration_files(const std::string& config) {
    namespace fs = std::filesystem;
    const bool chosen = !config.empty();
    const fs::path main_file = chosen ? fs::path(config) : fs::path(kDefaultConfig);
    std::vector<std::string> paths;
    std::error_code status;
    if (chosen || fs::exists(main_file, status))
        paths.push_back(main_file.string());
    const fs::path directory = main_file.parent_path() / "conf.d";
    std::error_code listing;
    std::vector<fs::path> pieces;
    for (fs::directory_iterator it(directory, listing), end; !listing && it != end;
         it.increment(listing))
        if (it->path().extension() == ".conf" && it->path().filename().string()[0] != '.')
            pieces.push_back(it->path());
    std::sort(pieces.begin(), pieces.end());
    for (const auto& piece : pieces)
        paths.push_back(piece.string());
    return paths;
}

OptionMessages read_settings(Command command, const std::vector<std::string>& arguments,
                             Settings& settings) {
    return SettingsReader(command, settings).read(arguments);
}

std::string option_help(Command command) {
    Settings defaults;
    // The width of a terminal; the description begins in the middle at the latest.
    constexpr unsigned kWidth = 80;
    const auto rows = option_table(defaults);
    std::vector<std::string_view> names;
    for (const auto& row : rows)
        if (std::find(names.begin(), names.end(), row.group) == names.end())
            names.push_back(row.group);
    std::ostringstream out;
    for (const auto name : names) {
        po::options_description group(std::string(name), kWidth);
        for (const auto& row : rows)
            if (row.group == name && (row.commands & command_bit(command)) != 0)
                group.add(row.option);
        if (!group.options().empty())
            out << group << '\n';
    }
    return out.str();
}

}  // namespace audisp_eql::collector
