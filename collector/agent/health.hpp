// SPDX-License-Identifier: Apache-2.0
// What a live run looks after beside detecting: that nobody tampers with it unseen, that floods of
// alerts fold, that systemd and whoever reads the alerts know that it is alive.
//
// Memory: refers to agent, settings and outputs, which must outlive it. Threads: the worker's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "collector/agent/agent.hpp"
#include "collector/agent/alert_folding.hpp"
#include "collector/agent/connector_silence.hpp"
#include "collector/agent/file_watch.hpp"
#include "collector/agent/options.hpp"
#include "collector/agent/outputs.hpp"
#include "collector/agent/own_alert.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/agent/rule_reloader.hpp"
#include "collector/agent/run_marker.hpp"
#include "collector/agent/service_notify.hpp"
#include "collector/agent/status_report.hpp"
#include "collector/agent/status_socket.hpp"
#include "collector/agent/tamper_watch.hpp"
#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {

// How much happened a second in the last minute.
class Rates {
  public:
    static constexpr std::size_t kSeconds = 60;
    using Counts = std::array<std::uint64_t, 4>;
    // Each second.
    void add(const Counts& totals);
    std::array<double, 4> a_second() const;

  private:
    std::deque<Counts> totals_;
};

class Health {
  public:
    // How often files are compared, and how exactly the next start knows when a killed run ended.
    static constexpr std::chrono::seconds kMinute{60};

    // Takes the status socket's listener from `access`. `selftest_mark`: what a selftest has among
    // its arguments.
    Health(Agent& agent, const Settings& settings, Outputs& outputs, Access& access,
           std::string selftest_mark);

    OwnAlerts& own() { return own_; }
    void on_alert(const detect::Alert& alert);
    void on_config_change(const AuditEvent& event);
    void on_own_file(const AuditEvent& event) { files_.on_write(event, monotonic_ns()); }

    // Before the agent runs. Both must outlive the run.
    void begin(const Pipeline& pipeline, const RuleReloader& reloader);
    // SIGHUP came: rules are being read anew.
    void reloading();
    // They are in force.
    void rules_were_read() { files_.rules_were_read(); }
    // Rule files that were left out for errors.
    void rules_are_broken(std::size_t files) { broken_rules_ = files; }
    StatusReport status() const;
    // After the agent has run, before the outputs are flushed.
    void end();

  private:
    struct Counts {
        std::uint64_t events = 0, alerts = 0, losses = 0;
    };
    void tick();
    void look_at_feeds();
    void look();
    void minute();
    void heartbeat();
    Counts counts() const;
    void log_status() const;
    void add_alerts(StatusReport& report, const PipelineCounters& counted) const;
    std::string maintain(std::chrono::seconds time, const AuditActor& actor);
    std::chrono::seconds uptime() const;
    std::string status_line() const;

    Agent& agent_;
    const Settings& settings_;
    Outputs& outputs_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    OwnAlerts own_;
    AlertFolding folding_;
    TamperWatch tamper_;
    RunMarker marker_;
    FileWatch files_;
    ServiceNotify notify_;
    StatusSocket socket_;
    Liveness liveness_;
    ConnectorSilence connector_;
    bool audit_missed_ = false;  // it is required, and gone
    Rates rates_;
    std::size_t broken_rules_ = 0;
    const Pipeline* pipeline_ = nullptr;
    const RuleReloader* reloader_ = nullptr;
    bool reloading_ = false;
    Counts told_;
};

}  // namespace audisp_eql::collector
