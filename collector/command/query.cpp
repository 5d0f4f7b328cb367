// SPDX-License-Identifier: Apache-2.0
// audisp-eql query: a question in EQL to audit logs, captures or events as JSON.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <system_error>

#include "collector/agent/log.hpp"
#include "collector/command/command.hpp"
#include "collector/command/input_files.hpp"
#include "collector/command/query_input.hpp"
#include "collector/command/query_output.hpp"
#include "collector/command/result_lines.hpp"
#include "detect/eql/compiler.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::collector {
namespace {

struct Question {
    std::string name;  // for diagnostics
    std::string text;
    std::vector<std::string> files;
};

// nullopt after the mistake was told.
std::optional<Question> question_of(const Settings& settings) {
    Question question{"query", {}, settings.arguments};
    if (!settings.query_file.empty()) {
        question.name = settings.query_file;
        std::ifstream file(settings.query_file, std::ios::binary);
        question.text.assign(std::istreambuf_iterator<char>(file), {});
        if (!file.is_open() || file.bad()) {
            log::error(fmt::format("cannot read the query from {}: {}", settings.query_file,
                                   std::generic_category().message(errno == 0 ? EISDIR : errno)));
            return std::nullopt;
        }
    } else if (!question.files.empty()) {
        question.text = std::move(question.files.front());
        question.files.erase(question.files.begin());
    }
    if (question.files.empty()) {
        log::error(
            settings.query_file.empty()
                ? "query takes a query and the files to ask: 'audisp-eql query QUERY FILE…'; "
                  "'-' is standard input"
                : "query takes the files to ask; '-' is standard input");
        return std::nullopt;
    }
    return question;
}

std::shared_ptr<const detect::RuleSet> compile(const Question& question, const Settings& settings,
                                               bool any_field, detect::Diagnostics& diagnostics) {
    detect::CompileOptions options;
    if (!settings.category_field.empty())
        options.category_field = settings.category_field;
    options.any_field = any_field;
    return detect::RuleSet::of_query(question.text, diagnostics, options);
}

void tell(const detect::Diagnostics& diagnostics, const Question& question) {
    for (const detect::Diagnostic& diagnostic : diagnostics)
        std::cerr << detect::render(diagnostic, question.name, question.text);
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& lists) {
    std::vector<std::string> names;
    for (std::string_view rest : lists) {
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (comma != 0)
                names.emplace_back(rest.substr(0, comma));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return names;
}

// Of events that the program makes itself, as warnings.
void check_field_names(const std::vector<std::string>& fields) {
    for (const std::string& name : fields) {
        detect::NearestName nearest(name);
        const bool known = std::any_of(
            detect::kFieldRows.begin(), detect::kFieldRows.end(), [&](const detect::FieldRow& row) {
                nearest.offer(row.name);
                return row.name.starts_with(name) &&
                       (row.name.size() == name.size() || row.name[name.size()] == '.');
            });
        if (!known)
            log::warning(fmt::format(
                "--fields: unknown field '{}'{}", name,
                nearest.best().empty() ? "" : fmt::format(", did you mean '{}'?", nearest.best())));
    }
}

class Query {
  public:
    Query(const Settings& settings, const Question& question,
          const std::vector<detect::PipeStep>& pipes, QueryOutput::Form form)
        : settings_(settings),
          question_(question),
          fields_(form.fields),
          output_(lines_, std::move(form),
                  [this](const detect::Event& event) { return input_->text_of(event); }),
          matches_(pipes, output_) {}

    int run();

  private:
    void line(const InputLine& line);
    void open(QueryInputKind kind);

    const Settings& settings_;
    const Question& question_;
    std::vector<std::string> fields_;
    StatusLine status_;
    ResultLines lines_{status_};
    QueryOutput output_;
    detect::PipedSink matches_;
    std::unique_ptr<QueryInput> input_;  // null until the kind of the input is known
};

int Query::run() {
    const auto begin = std::chrono::steady_clock::now();
    if (settings_.query_input != QueryInputKind::automatic)
        open(settings_.query_input);
    LineReader reader;
    reader.on_line = [this](const InputLine& one) { line(one); };
    reader.is_full = [this] { return matches_.is_full(); };
    reader.max_line_bytes = detect::JsonEventReader::kMaxLineBytes;
    bool mistaken = !read_files(question_.files, reader, status_);
    if (input_)
        mistaken = !input_->finish() || mistaken;
    matches_.finish();
    output_.finish();
    if (input_)
        input_->tell_statistics(std::chrono::steady_clock::now() - begin, output_.matches());
    if (mistaken)
        return kExitUserMistake;
    return settings_.exit_code && output_.matches() != 0 ? kExitMatched : kExitFine;
}

// The first line that holds anything tells what the input is.
void Query::line(const InputLine& line) {
    if (!input_) {
        const std::size_t first = line.text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos)
            return;
        const bool json = line.text[first] == '{' || line.text[first] == '[';
        open(json ? QueryInputKind::ndjson : QueryInputKind::audit);
    }
    input_->line(line);
}

void Query::open(QueryInputKind kind) {
    const bool json = kind == QueryInputKind::ndjson;
    detect::Diagnostics warnings;
    const auto rules = compile(question_, settings_, json, warnings);
    tell(warnings, question_);
    if (!json)
        check_field_names(fields_);
    output_.set_names(rules->fields());
    const QuerySetup setup{settings_, rules, matches_, status_};
    input_ = json ? make_ndjson_input(setup) : make_log_input(setup);
}

}  // namespace

int query_command(const Settings& settings) {
    const std::optional<Question> question = question_of(settings);
    if (!question)
        return kExitUserMistake;
    // Before the kind of the input is known: its mistakes; warnings are for then.
    detect::Diagnostics diagnostics;
    const auto rules = compile(*question, settings, true, diagnostics);
    if (!rules) {
        tell(diagnostics, *question);
        return kExitUserMistake;
    }
    const detect::Program& program = rules->rules().front().program;
    QueryOutput::Form form;
    form.count = settings.count;
    form.single = program.kind == detect::QueryKind::event;
    form.fields = split_at_commas(settings.fields);
    return Query(settings, *question, program.pipes, std::move(form)).run();
}

}  // namespace audisp_eql::collector
