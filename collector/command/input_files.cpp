// SPDX-License-Identifier: Apache-2.0
#include "collector/command/input_files.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/feed/log_file.hpp"

namespace audisp_eql::collector {
namespace {

// "3 records cannot be read, 1 event has no end"; empty if all is well.
std::string troubles(const PipelineCounters& counters, const CaptureCounters& lines) {
    const std::pair<std::uint64_t, const char*> list[] = {
        {lines.unknown_lines, "lines are neither records nor capture lines"},
        {lines.long_lines, "lines are too long"},
        {counters.unknown_types, "records are of an unknown type"},
        {counters.assembler.unparsed, "records cannot be read"},
        {counters.assembler.incomplete, "events have no end"},
        {counters.assembler.without_syscall, "events have no SYSCALL record"},
        {counters.assembler.orphans, "ends belong to no event"},
        {counters.assembler.evicted, "events had to be let go unfinished"},
        {counters.assembler.capped_records, "records were left out of too large events"},
        {counters.normalizer.undecoded, "events cannot be decoded"},
        {counters.normalizer.let_go_early, "forks or ends had to be let go early"},
        {counters.engine.pending_dropped, "pending matches had to be dropped"},
        {counters.epochs, "breaks of the log's clock: nothing matches across them"},
        {counters.losses, "losses were recorded"},
    };
    std::string text;
    for (const auto& [count, what] : list) {
        if (count != 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
    }
    return text;
}

}  // namespace

bool read_files(const std::vector<std::string>& paths, const LineReader& reader,
                StatusLine& status) {
    bool all_read = true;
    const std::vector<std::string> ordered = in_order_of_writing(paths);
    ReadingProgress progress(status, ordered);
    ReadOptions options;
    options.max_line_bytes = reader.max_line_bytes;
    const auto is_full = [&] { return reader.is_full && reader.is_full(); };
    options.go_on = [&](std::uint64_t bytes) {
        progress.at(bytes);
        return !is_full();
    };
    for (const std::string& path : ordered) {
        if (is_full())
            break;
        try {
            std::uint64_t number = 0;
            read_lines(
                path,
                [&](std::string_view line) {
                    reader.on_line({path, ++number, line});
                },
                options);
        } catch (const UnreadableFile& problem) {
            status.erase();
            log::error(problem.what());
            all_read = false;
        }
        progress.next_file();
    }
    status.erase();
    return all_read;
}

void tell_statistics(const PipelineCounters& counters, const CaptureCounters& lines,
                     std::chrono::nanoseconds took, std::string_view found) {
    const double seconds = std::chrono::duration<double>(took).count();
    log::info(fmt::format("{} messages, {} of them audit records, in {:.2f} s ({:.0f} a second)",
                          counters.messages, counters.assembler.records, seconds,
                          static_cast<double>(counters.messages) / std::max(seconds, 1e-6)));
    const NormalizerCounters& events = counters.normalizer;
    log::info(fmt::format(
        "events: {} fork ({} inferred), {} exec, {} end, {} connect, {} accept, {} file; {}",
        events.fork, events.inferred_forks, events.exec, events.end, events.connect, events.accept,
        events.file, found));
    if (const auto text = suppression_text(counters.engine.suppressed); !text.empty())
        log::info(text);
    if (const std::string text = troubles(counters, lines); !text.empty())
        log::warning("not all is well: " + text);
}

}  // namespace audisp_eql::collector
