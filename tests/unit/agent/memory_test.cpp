// SPDX-License-Identifier: Apache-2.0
// The memory ceiling, under what makes memory grow.
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/agent/memory_guard.hpp"
#include "collector/agent/pipeline.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::int64_t kMs = 1'000'000;

// Each exec begins a sequence that nothing ever ends.
constexpr const char* kHalfOpen = R"([rule]
name = "half open"
rule_id = "00000000-0000-4000-8000-000000000001"
description = "test"
language = "eql"
type = "eql"
risk_score = 21
severity = "low"
query = '''
sequence by process.pid with maxspan=1h
  [process where event.action == "exec"] [file where process.name == "never"]
'''
)";

std::shared_ptr<const detect::RuleSet> half_open() {
    std::vector<detect::RuleReport> reports;
    auto set = detect::RuleSet::build({{"test.toml", kHalfOpen}}, {}, reports);
    BOOST_REQUIRE(set->rules().size() == 1u);
    return set;
}

class Storm {
  public:
    // So much more than what this test program uses already.
    explicit Storm(std::size_t more) {
        const std::size_t base = MemoryGuard::used();
        PipelineOptions options;
        options.limits.pending_per_rule = options.limits.pending_total = 1'000'000;
        options.memory_ceiling = (base + more + kRingBytes) / 2 * 3;
        mark_ = MemoryGuard(options.memory_ceiling).mark();
        pipeline_ = std::make_unique<Pipeline>(half_open(), options, [](const detect::Alert&) {});
        send(MessageKind::clock, 0, {});
    }

    void send(MessageKind kind, std::uint16_t type, std::string_view bytes) {
        Message message{kind, type, now_ns, 1'700'000'000'000 * kMs + now_ns, bytes};
        pipeline_->on_message(message);
        if (++sent_ % 512 == 0)
            most_ = std::max(most_, MemoryGuard::used());
    }
    void fork(std::int32_t parent, std::int32_t pid) {
        ProcEvent event;
        event.what = ProcEvent::What::fork;
        event.ns = now_ns;
        event.parent_pid = event.parent_tgid = parent;
        event.pid = event.tgid = pid;
        send(MessageKind::proc_event, 0, {reinterpret_cast<const char*>(&event), sizeof event});
    }
    void exec(std::int32_t pid, const std::string& argument, bool ended = true) {
        const std::string head = "audit(1700000" + std::to_string(100 + now_ns / kMs / 1000) +
                                 ".000:" + std::to_string(++serial_) + "): ";
        send(MessageKind::audit_record, 1300,
             head +
                 "arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 "
                 "ppid=1 pid=" +
                 std::to_string(pid) +
                 " auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 "
                 "fsgid=1000 tty=pts0 ses=1 comm=\"x\" exe=\"/usr/bin/x\" key=\"k\"");
        send(MessageKind::audit_record, 1309, head + "argc=2 a0=\"x\" a1=\"" + argument + "\"");
        if (ended)
            send(MessageKind::audit_record, 1320, head);
    }
    // Once the storm is over.
    void check(const char* what) {
        const PipelineCounters counters = pipeline_->counters();
        BOOST_TEST_MESSAGE(what << ": at most " << most_ / kMiB << " MiB, the mark at "
                                << mark_ / kMiB << ", let go " << counters.shed);
        // What one portion adds, at most.
        BOOST_TEST(most_ < mark_ + 6 * MemoryGuard::kPortion);
        BOOST_TEST(counters.shed > 0u);
        const std::vector<Gap> gaps = pipeline_->take_new_gaps();
        const auto told = std::find_if(gaps.begin(), gaps.end(), [](const Gap& gap) {
            return gap.source == gap_source::kMemory;
        });
        BOOST_REQUIRE((told != gaps.end()));
        BOOST_TEST(told->count == counters.shed);
    }
    PipelineCounters counters() const { return pipeline_->counters(); }

    std::int64_t now_ns = 10'000 * kMs;

  private:
    static constexpr std::size_t kRingBytes = std::size_t{16} << 20;
    std::unique_ptr<Pipeline> pipeline_;
    std::size_t mark_ = 0, most_ = 0;
    std::uint64_t sent_ = 0, serial_ = 0;
};

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(memory_stays_below_its_ceiling_in_a_fork_bomb) {
    Storm storm(32 * kMiB);
    for (std::int32_t pid = 2; pid < 150'000; ++pid) {
        storm.fork(pid / 2, pid);
        storm.now_ns += kMs / 100;
    }
    storm.check("a fork bomb");
}

BOOST_AUTO_TEST_CASE(memory_stays_below_its_ceiling_with_sequences_that_never_end) {
    Storm storm(48 * kMiB);
    const std::string argument(7000, 'x');
    for (std::int32_t pid = 2; pid < 25'000; ++pid) {
        storm.exec(pid, argument);
        storm.now_ns += kMs;
    }
    storm.check("half-open sequences with long arguments");
}

BOOST_AUTO_TEST_CASE(memory_stays_below_its_ceiling_with_events_that_never_end) {
    Storm storm(48 * kMiB);
    const std::string argument(7000, 'x');
    for (std::int32_t pid = 2; pid < 25'000; ++pid) {
        storm.exec(pid, argument, false);
        storm.now_ns += kMs / 10;
    }
    BOOST_TEST(storm.counters().assembler.evicted > 0u);
    storm.check("events without an end");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
