// SPDX-License-Identifier: Apache-2.0
// audisp-eql selftest: a harmless technique that must come back as an alert of the running agent.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/command/agent_settings.hpp"
#include "collector/command/command.hpp"
#include "collector/command/overhear.hpp"
#include "collector/command/standalone_agent.hpp"
#include "collector/host/alert_watch.hpp"
#include "collector/host/diagnosis.hpp"
#include "collector/host/gather.hpp"
#include "collector/host/output_probe.hpp"
#include "collector/host/system_files.hpp"
#include "collector/host/technique.hpp"

namespace audisp_eql::collector {
namespace {

using Clock = std::chrono::steady_clock;

// With what else is asked, an answer comes within 15 s.
constexpr std::chrono::seconds kPatience{7};
constexpr std::chrono::milliseconds kStep{20};
// What the kernel and the agent still have to say when the first output has the alert.
constexpr std::chrono::milliseconds kOthers{3000};

// Where rsyslog and syslog-ng write what comes for authpriv and the other facilities, on the
// distributions.
constexpr const char* kSyslogFiles[] = {"/var/log/auth.log", "/var/log/secure", "/var/log/syslog",
                                        "/var/log/messages"};

struct Followed {
    WatchedOutput result;
    std::unique_ptr<AlertWatch> watch;
    bool awaited = false;  // also while none of its places is there
};

// As the agent sees its files: a service may have a /tmp of its own.
std::string as_seen_by(std::int32_t pid, const std::string& path) {
    const std::string base = fmt::format("/proc/{}/", pid);
    const std::string own = read_system_link("/proc/self/ns/mnt");
    return read_system_link(base + "ns/mnt") == own ? path : base + "root" + path;
}

bool exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

class SelfTest {
  public:
    explicit SelfTest(const Settings& settings) : settings_(settings) {}
    Diagnosis run();

  private:
    void choose_agent();
    void follow_outputs();
    void follow(OutputFacts output, std::vector<std::string> files, bool journal);
    void await_alert(Clock::time_point start, Ears& ears);
    bool look(Clock::time_point start);

    const Settings& settings_;
    std::unique_ptr<StandaloneAgent> standalone_;
    Settings agent_settings_;
    SelftestFacts facts_;
    std::vector<Followed> followed_;
    std::string nonce_ = make_nonce();
};

void SelfTest::choose_agent() {
    auto& agents = facts_.host.agents;
    const auto wanted = standalone_ != nullptr ? static_cast<std::size_t>(standalone_->pid())
                                               : settings_.selftest_agent.value;
    if (wanted != 0)
        std::erase_if(agents, [wanted](const AgentFacts& agent) {
            return static_cast<std::size_t>(agent.pid) != wanted;
        });
    if (agents.size() > 1)
        log::warning(fmt::format("audisp-eql runs {} times; pid {} is tested (--agent chooses)",
                                 agents.size(), agents.front().pid));
}

void SelfTest::follow(OutputFacts output, std::vector<std::string> files, bool journal) {
    Followed followed;
    followed.result.output = std::move(output);
    followed.watch = std::make_unique<AlertWatch>(files, journal);
    followed_.push_back(std::move(followed));
}

void SelfTest::follow_outputs() {
    const std::int32_t pid = facts_.host.agents.front().pid;
    if (auto known = settings_of(facts_.host.agents.front()))
        agent_settings_ = std::move(*known);
    else
        facts_.settings_known = false;
    const Settings& agent = agent_settings_;
    if (agent.syslog_enabled()) {
        std::vector<std::string> files(std::begin(kSyslogFiles), std::end(kSyslogFiles));
        files.insert(files.end(), settings_.look_in.begin(), settings_.look_in.end());
        const bool journal = exists("/run/systemd/journal/socket") &&
                             (exists("/usr/bin/journalctl") || exists("/bin/journalctl"));
        follow(probe_syslog(as_seen_by(pid, agent.syslog)), std::move(files), journal);
        // A file that the user names is where alerts come, even if nothing was written to it yet.
        followed_.back().awaited = !settings_.look_in.empty();
    }
    for (OutputFacts& server : probe_servers(agent, pid))
        follow(std::move(server), {}, false);
    if (!agent.json_file.empty()) {
        const std::string path = as_seen_by(pid, agent.json_file);
        follow(probe_json_file(path), {path}, false);
    }
    const std::string standard = read_system_link(fmt::format("/proc/{}/fd/1", pid));
    if (agent.stdout_form == StdoutForm::ndjson && standard.starts_with('/') &&
        !standard.starts_with("/dev/"))
        follow({"standard output", ""}, {as_seen_by(pid, standard)}, false);
    else if (agent.stdout_form != StdoutForm::none)
        follow({"standard output", ""}, {}, false);
}

// True if the alert has come to every output that can be followed.
bool SelfTest::look(Clock::time_point start) {
    bool all = true;
    for (Followed& output : followed_) {
        if (!output.result.seen_in.empty())
            continue;
        if (const auto found = output.watch->look(nonce_)) {
            output.result.seen_in = found->place;
            output.result.rule = found->rule;
            output.result.after =
                std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
        } else {
            all = all && output.watch->places().empty() && !output.awaited;
        }
    }
    return all;
}

void SelfTest::await_alert(Clock::time_point start, Ears& ears) {
    auto end = start + kPatience;
    bool first = true;
    while (Clock::now() < end) {
        ears.listen();
        if (look(start))
            break;
        const bool some = std::any_of(followed_.begin(), followed_.end(), [](const Followed& out) {
            return !out.result.seen_in.empty();
        });
        if (some && std::exchange(first, false))
            end = std::min(end, Clock::now() + kOthers);
        std::this_thread::sleep_for(kStep);
    }
}

Diagnosis SelfTest::run() {
    LinuxProcReader proc;
    facts_.host = gather_host_state(proc);
    if (settings_.standalone) {
        if (!facts_.host.agents.empty())
            throw std::runtime_error(
                fmt::format("audisp-eql runs already (pid {}): 'audisp-eql selftest' tests it",
                            facts_.host.agents.front().pid));
        standalone_ = std::make_unique<StandaloneAgent>(settings_);
        facts_.host = gather_host_state(proc);
    }
    choose_agent();
    if (auto known = diagnose_before(facts_))
        return *known;
    follow_outputs();
    Ears ears;
    const auto start = Clock::now();
    facts_.technique_error = perform_technique(nonce_);
    if (facts_.technique_error.empty())
        await_alert(start, ears);
    for (Followed& output : followed_) {
        output.result.places = output.watch->places();
        output.result.followed = !output.result.places.empty();
        facts_.outputs.push_back(output.result);
    }
    const bool seen = std::any_of(facts_.outputs.begin(), facts_.outputs.end(),
                                  [](const WatchedOutput& out) { return !out.seen_in.empty(); });
    if (!seen && facts_.technique_error.empty()) {
        ears.listen();
        facts_.overheard = ears.overheard(nonce_);
        if (facts_.settings_known)
            facts_.rehearsal = ears.rehearse(agent_settings_, nonce_);
    }
    return diagnose(facts_);
}

}  // namespace

int selftest_command(const Settings& settings) {
    if (!settings.arguments.empty()) {
        log::error("selftest takes no arguments; a file to look in is named with --look-in");
        return kExitUserMistake;
    }
    if (::geteuid() != 0)
        throw std::runtime_error("selftest needs root: it makes a network namespace of its own");
    const Diagnosis diagnosis = SelfTest(settings).run();
    if (diagnosis.stage == Stage::detected) {
        std::cout << "detected: " << diagnosis.text << std::endl;
        return std::cout ? kExitFine : kExitCannotRun;
    }
    std::cout << (diagnosis.arrived ? "detected, and yet a" : "not detected;")
              << " broken stage: " << to_string(diagnosis.stage) << ": " << diagnosis.text
              << "; mend: " << diagnosis.mend << std::endl;
    return kExitCannotRun;
}

}  // namespace audisp_eql::collector
