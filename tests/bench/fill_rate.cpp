// SPDX-License-Identifier: Apache-2.0
// fill_rate [FILE|DIR…]: replays recordings and says how many of their exec events have each
// field. Without arguments, those of tests/data/captures. Ends with 1 if a field that rules count
// on is missing in more than one exec of a hundred.
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collector/agent/pipeline.hpp"
#include "collector/feed/capture.hpp"
#include "collector/feed/log_file.hpp"

namespace {

using namespace audisp_eql;
using detect::FieldId;

constexpr double kGoal = 99.0;
// What nearly every public rule on processes tests, and what sequences join by. A parent that is
// older than a recording without /proc's word (PROC lines) has a name only, no arguments.
constexpr std::array kCountedOn{FieldId::process_name,
                                FieldId::process_executable,
                                FieldId::process_args,
                                FieldId::process_entity_id,
                                FieldId::process_parent_name,
                                FieldId::process_parent_executable,
                                FieldId::process_parent_entity_id,
                                FieldId::user_id};

struct Tally {
    std::uint64_t recordings = 0;
    std::uint64_t execs = 0;
    std::array<std::uint64_t, detect::kKnownFields> filled{};

    void count(const detect::Event& event) {
        const detect::Values action = event.values(FieldId::event_action);
        if (action.empty() || action[0].as_text() != "exec")
            return;
        ++execs;
        for (std::size_t i = 0; i < filled.size(); ++i)
            filled[i] += event.values(static_cast<FieldId>(i)).empty() ? 0 : 1;
    }
    double percent(FieldId field) const {
        return execs == 0 ? 0.0
                          : 100.0 * static_cast<double>(filled[static_cast<std::size_t>(field)]) /
                                static_cast<double>(execs);
    }
};

// Each is an input of its own: another host, another boot.
void replay(const std::string& file, Tally& tally) {
    collector::PipelineOptions options;
    options.on_event = [&](const detect::Event& event) { tally.count(event); };
    collector::Pipeline pipeline(nullptr, std::move(options), [](const detect::Alert&) {});
    collector::CaptureReader reader(pipeline);
    collector::read_lines(file, [&](std::string_view line) { reader.line(line); });
    pipeline.finish();
    ++tally.recordings;
}

std::set<std::string> recordings(const std::vector<std::string>& places) {
    namespace fs = std::filesystem;
    std::set<std::string> files;
    for (const std::string& place : places) {
        if (!fs::is_directory(place)) {
            files.insert(place);
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(place))
            if (entry.path().string().find(".capture") != std::string::npos)
                files.insert(entry.path().string());
    }
    return files;
}

void print_row(const Tally& tally, FieldId field) {
    fmt::print("| {} | {} | {:.2f} % |\n", detect::kFieldRows[static_cast<std::size_t>(field)].name,
               tally.filled[static_cast<std::size_t>(field)], tally.percent(field));
}

// True if each field that is counted on is there often enough.
bool print(const Tally& tally) {
    fmt::print("{} recordings, {} execs\n\n| field | execs that have it | |\n|---|---|---|\n",
               tally.recordings, tally.execs);
    bool enough = tally.execs > 0;
    for (const FieldId field : kCountedOn) {
        print_row(tally, field);
        enough &= tally.percent(field) >= kGoal;
    }
    fmt::print("\n| other fields | execs that have it | |\n|---|---|---|\n");
    for (std::size_t i = 0; i < tally.filled.size(); ++i) {
        const auto field = static_cast<FieldId>(i);
        const bool told =
            std::find(kCountedOn.begin(), kCountedOn.end(), field) != kCountedOn.end();
        if (!told && tally.filled[i] > 0)
            print_row(tally, field);
    }
    if (!enough)
        fmt::print("\nNot reached: each field of the first table in {} % of the execs.\n", kGoal);
    return enough;
}

}  // namespace

int main(int count, char** arguments) {
    std::vector<std::string> places(arguments + 1, arguments + count);
    if (places.empty())
        places.emplace_back(TEST_DATA "/captures");
    try {
        Tally tally;
        for (const std::string& file : recordings(places))
            replay(file, tally);
        return print(tally) ? 0 : 1;
    } catch (const std::exception& problem) {
        fmt::print(stderr, "fill_rate: {}\n", problem.what());
        return 2;
    }
}
