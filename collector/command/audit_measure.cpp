// SPDX-License-Identifier: Apache-2.0
#include "collector/command/audit_measure.hpp"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/command/counted.hpp"
#include "collector/command/status_line.hpp"
#include "collector/feed/audit_trial.hpp"

namespace audisp_eql::collector {
namespace {

using Clock = std::chrono::steady_clock;

// Who looks into an incident looks at days; a weekend lies in a week.
constexpr double kLeastReachSeconds = 7 * 24 * 3600;

// Set by SIGINT and SIGTERM: a measurement ends early, and all is put back.
volatile std::sig_atomic_t stopped = 0;

void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stopped = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

// Counts what comes in until the time is over; how many seconds that were.
double count(AuditTrial& trial, std::chrono::seconds time, AuditCosts& costs) {
    Assembler assembler(costs);
    StatusLine line;
    AuditBatch batch;
    const auto start = Clock::now();
    auto shown = start;
    while (stopped == 0) {
        const auto now = Clock::now();
        if (now - start >= time)
            break;
        if (line.watched() && now - shown >= std::chrono::milliseconds(200)) {
            shown = now;
            line.show(
                fmt::format("{} s of {} s, {} records; Ctrl-C ends it and shows what there is",
                            std::chrono::duration_cast<std::chrono::seconds>(now - start).count(),
                            time.count(), costs.all().records + costs.others().records));
        }
        const std::int64_t now_ns = now.time_since_epoch().count();
        if (trial.read(100, batch))
            for (const AuditBatch::Record& record : batch.records)
                assembler.add({record.audit_type, now_ns, record.bytes, {}}, now_ns);
        assembler.advance(now_ns);
    }
    assembler.finish();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

MeasuredCosts measure_costs(const std::vector<NeededLine>& lines, std::chrono::seconds time) {
    std::vector<std::string> texts;
    for (const NeededLine& line : lines)
        texts.push_back(line.text);
    MeasuredCosts measured{AuditCosts(texts.size(), AuditTrial::line_of), 0};
    stop_on_signals();
    AuditTrial trial(texts);
    for (const auto& note : trial.notes())
        log::warning(note);
    measured.seconds = std::max(count(trial, time, measured.costs), 0.001);
    log::info(fmt::format("measured for {:.0f} s: {}", measured.seconds, trial.feed()));
    if (const auto lost = trial.lost(); lost != 0)
        log::warning(
            fmt::format("the kernel lost at least {} meanwhile: there is more than was counted",
                        counted(lost, "record")));
    return measured;
}

LogPrice log_price(const AuditCost& added, const AuditCost& before, double seconds,
                   const LogRoom& room) {
    const double more = static_cast<double>(added.bytes) / seconds;
    const double now = static_cast<double>(before.bytes) / seconds;
    LogPrice price;
    price.text = fmt::format("the audit rules add {:.1f} kB/s to auditd's log, now {:.1f} kB/s",
                             more / 1e3, now / 1e3);
    if (room.bytes != 0 && room.rotates) {
        const auto room_bytes = static_cast<double>(room.bytes);
        price.dear = more > 0 && room_bytes < (more + now) * kLeastReachSeconds;
        price.text +=
            fmt::format("; its {} MB ({}) then reach back {}, now {}", room.bytes / 1024 / 1024,
                        room.path, reach_text(room.bytes, more + now), reach_text(room.bytes, now));
    } else if (room.bytes != 0) {
        price.text += fmt::format("; it is not rotated ({}), and grows by {:.0f} MB more a day",
                                  room.path, more * 86400 / 1e6);
    }
    return price;
}

}  // namespace audisp_eql::collector
