// SPDX-License-Identifier: Apache-2.0
// What audit rules cost: records and bytes that each of them makes, and which programs make most.
//
// Memory: values. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/audit/assembler.hpp"

namespace audisp_eql::collector {

struct AuditCost {
    std::uint64_t events = 0, records = 0;
    std::uint64_t bytes = 0;  // in auditd's file with log_format = RAW; EOE is not written there
    void add(const AuditCost& other) {
        events += other.events;
        records += other.records;
        bytes += other.bytes;
    }
};

class AuditCosts final : public AuditEventSink {
  public:
    // Programs beyond are counted together: a host that runs as many different ones is building.
    static constexpr std::size_t kMaxPrograms = 10'000;
    struct Program {
        AuditCost cost;
        std::set<std::size_t> lines;
    };
    // `line_of`: which of `lines` a rule's key stands for; any other number: somebody else's.
    AuditCosts(std::size_t lines, std::function<std::size_t(std::string_view key)> line_of)
        : lines_(lines), line_of_(std::move(line_of)) {}

    void on_audit_event(const AuditEvent& event) override;

    const std::vector<AuditCost>& lines() const { return lines_; }
    const AuditCost& all() const { return all_; }        // of all lines
    const AuditCost& others() const { return others_; }  // what there would be without
    // By executable; "" where the records do not tell.
    const std::map<std::string, Program>& programs() const { return programs_; }

  private:
    std::vector<AuditCost> lines_;
    std::function<std::size_t(std::string_view)> line_of_;
    AuditCost all_, others_;
    std::map<std::string, Program> programs_;
};

// How long auditd's files reach back.
struct LogRoom {
    std::uint64_t bytes = 0;  // all files together; 0: not known
    bool rotates = false;
    std::string path;  // of the configuration
};
// Of auditd's configuration, as read_auditd_file() gives it; defaults as in auditd.conf(5).
LogRoom log_room(const std::map<std::string, std::string>& conf, std::string path);
// "12 days"; "more than 10 years" for next to nothing.
std::string reach_text(std::uint64_t room, double bytes_a_second);

}  // namespace audisp_eql::collector
