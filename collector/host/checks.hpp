// SPDX-License-Identifier: Apache-2.0
// The parts of examine(), one a file. Only the checks include this.
#pragma once

#include <string>
#include <string_view>

#include "collector/host/finding.hpp"

namespace audisp_eql::collector::checks {

class Report {
  public:
    explicit Report(Findings& findings) : findings_(findings) {}
    void fine(std::string_view check, std::string text) {
        add(check, Verdict::fine, std::move(text), {});
    }
    void warning(std::string_view check, std::string text, std::string mend) {
        add(check, Verdict::warning, std::move(text), std::move(mend));
    }
    void broken(std::string_view check, std::string text, std::string mend) {
        add(check, Verdict::broken, std::move(text), std::move(mend));
    }

  private:
    void add(std::string_view check, Verdict verdict, std::string text, std::string mend) {
        findings_.push_back({std::string(check), verdict, std::move(text), std::move(mend)});
    }
    Findings& findings_;
};

// Whether the kernel can do it, who runs and who may.
void kernel(const HostState& host, Report& report);
void agents(const HostState& host, Report& report);
// The kernel's audit settings and rules.
void settings(const HostState& host, Report& report);
void lines(const HostState& host, Report& report);
// auditd, its plugin directory, its configuration.
void auditd(const HostState& host, Report& report);
// The proc connector, namespaces, security modules, io_uring, clock, rules, outputs.
void surroundings(const HostState& host, Report& report);

// "sshd (pid 812)"
std::string text_of(const NamedProcess& process);
const AgentFacts* agent_of_auditd(const HostState& host);
bool held_by_agent(const HostState& host);

}  // namespace audisp_eql::collector::checks
