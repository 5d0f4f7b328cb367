// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/pipeline.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/feed/capture.hpp"
#include "collector/process/proc_reader.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/rule/rule_set.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;

using Lines = std::vector<std::string>;

// What a pipeline made of its messages.
struct Made {
    Lines events;
    Lines alerts;
    std::string capture;  // of the tee
    PipelineCounters counters;
};

struct Tee final : MessageSink {
    CaptureWriter writer;
    std::string text;
    void on_message(const Message& message) override { writer.write(message, text); }
};

struct FakeProc final : ProcReader {
    std::map<std::int32_t, ProcSnapshot> processes;
    int asked = 0;
    std::vector<std::int32_t> pids() override {
        std::vector<std::int32_t> all;
        for (const auto& [pid, snapshot] : processes)
            all.push_back(pid);
        return all;
    }
    std::optional<ProcSnapshot> read(std::int32_t pid) override {
        ++asked;
        const auto found = processes.find(pid);
        return found == processes.end() ? std::nullopt : std::optional(found->second);
    }
    std::map<std::int32_t, ExecContext> after_exec;
    ExecQuestions questions;  // the last ones
    void read_exec(std::int32_t pid, const ExecQuestions& what, ExecContext& out) override {
        questions = what;
        out.clear(pid);
        const auto found = after_exec.find(pid);
        out.gone = found == after_exec.end();
        if (!out.gone)
            out = found->second;
    }
};

std::string rule_text(const std::string& query, const std::string& extra = "") {
    return "[rule]\nname = \"a rule\"\nrule_id = \"6fa459ea-ee8a-3ca4-894e-db77e160355e\"\n"
           "language = \"eql\"\ntype = \"eql\"\nrisk_score = 21\nseverity = \"low\"\n" +
           extra + "query = '''\n" + query + "\n'''\n";
}

std::shared_ptr<const detect::RuleSet> rules_of(
    const std::string& text, std::shared_ptr<const detect::RuleSet> replaces = nullptr) {
    std::vector<detect::RuleReport> reports;
    detect::RuleSet::Options options;
    options.replaces = std::move(replaces);
    auto set = detect::RuleSet::build({{"test.toml", text}}, options, reports);
    for (const detect::RuleReport& report : reports)
        for (const detect::Diagnostic& diagnostic : report.diagnostics)
            BOOST_TEST_MESSAGE(diagnostic.message);
    BOOST_REQUIRE(set->rules().size() == 1u);
    return set;
}

void feed(Pipeline& pipeline, std::string_view capture) {
    CaptureReader reader(pipeline);
    while (!capture.empty()) {
        const std::string_view line = capture.substr(0, capture.find('\n'));
        reader.line(line);
        capture.remove_prefix(std::min(capture.size(), line.size() + 1));
    }
    BOOST_TEST(reader.counters().unknown_lines == 0u);
}

Made run(const std::string& rule, std::string_view capture, FakeProc* proc = nullptr) {
    Made made;
    Tee tee;
    PipelineOptions options;
    options.proc = proc;
    options.tee = &tee;
    options.program_version = "test";
    options.on_event = [&](const detect::Event& event) {
        detect::append_event_json(made.events.emplace_back(), event);
    };
    Pipeline pipeline(rules_of(rule), options,
                      [&](const detect::Alert& alert) { made.alerts.push_back(alert.json); });
    feed(pipeline, capture);
    pipeline.finish();
    made.capture = tee.text;
    made.counters = pipeline.counters();
    return made;
}

constexpr std::int64_t kWall = 1'700'000'000'000'000'000;  // offset of the two clocks

std::string clock_line(std::int64_t ms) {
    const std::int64_t ns = ms * 1'000'000;
    return "type=CLOCK msg=proc(" + std::to_string(ns) + "): real=" + std::to_string(kWall + ns) +
           "\n";
}
std::string proc_line(std::int64_t ms, const std::string& body) {
    return "type=CN_PROC msg=proc(" + std::to_string(ms * 1'000'000) + "): " + body + "\n";
}
std::string fork_line(std::int64_t ms, int parent, int child) {
    const std::string from = std::to_string(parent), to = std::to_string(child);
    return proc_line(ms, "what=fork cpu=0 seq=1 parent_pid=" + from + " parent_tgid=" + from +
                             " pid=" + to + " tgid=" + to);
}
std::string exec_line(std::int64_t ms, int pid) {
    const std::string text = std::to_string(pid);
    return proc_line(ms, "what=exec cpu=0 seq=1 pid=" + text + " tgid=" + text);
}
// Without its end.
std::string exec_records(std::int64_t ms, int serial, int pid, const std::string& exe) {
    std::string millis = std::to_string(ms % 1000);
    millis.insert(0, 3 - millis.size(), '0');
    const std::string head = " msg=audit(" + std::to_string(1'700'000'000 + ms / 1000) + "." +
                             millis + ":" + std::to_string(serial) + "): ";
    return "type=SYSCALL" + head +
           "arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=1 pid=" +
           std::to_string(pid) +
           " auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 "
           "fsgid=1000 tty=pts0 ses=1 comm=\"x\" exe=\"" +
           exe + "\" key=\"k\"\ntype=EXECVE" + head + "argc=1 a0=\"" + exe + "\"\n";
}
std::string end_record(std::int64_t ms, int serial) {
    std::string millis = std::to_string(ms % 1000);
    millis.insert(0, 3 - millis.size(), '0');
    return "type=EOE msg=audit(" + std::to_string(1'700'000'000 + ms / 1000) + "." + millis + ":" +
           std::to_string(serial) + "):\n";
}
std::string exec_event(std::int64_t ms, int serial, int pid, const std::string& exe) {
    return clock_line(ms) + exec_records(ms, serial, pid, exe) + end_record(ms, serial);
}

const std::string kEveryExec = rule_text("process where event.action == \"exec\"");

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_run_s_capture_replays_to_the_run) {
    const std::string live = clock_line(1000) + fork_line(1001, 10, 11) + exec_line(1002, 11) +
                             exec_event(1003, 1, 11, "/usr/bin/a") + clock_line(1250) +
                             fork_line(1300, 11, 12) + exec_line(1301, 12) +
                             exec_event(1302, 2, 12, "/usr/bin/b") + clock_line(20'000);
    const Made first = run(kEveryExec, live);
    BOOST_TEST(first.events.size() == 4u);
    BOOST_TEST(first.alerts.size() == 2u);
    const Made again = run(kEveryExec, first.capture);
    BOOST_TEST((again.events == first.events));
    BOOST_TEST((again.alerts == first.alerts));
}

BOOST_AUTO_TEST_CASE(what_proc_answered_is_in_the_capture_and_gives_the_same_events) {
    // The connector told of an exec, audit does not: the image of 11 is asked of /proc when the
    // fork of 12 has waited long enough.
    FakeProc proc;
    ProcSnapshot shown;
    shown.pid = 11;
    shown.ppid = 10;
    shown.start_tick = 100;  // of its fork, in hundredths of a second
    shown.exe = "/usr/bin/from_proc";
    shown.args = {"from_proc"};
    shown.args_count = 1;
    proc.processes[11] = shown;
    const std::string live = clock_line(1000) + fork_line(1001, 10, 11) + exec_line(1002, 11) +
                             fork_line(1003, 11, 12) + fork_line(1004, 10, 13) +
                             exec_line(1005, 13) + fork_line(1006, 13, 14) + clock_line(2500) +
                             exec_event(2600, 1, 12, "/usr/bin/later") + clock_line(9000);
    const Made first = run(kEveryExec, live, &proc);
    BOOST_TEST(proc.asked == 2);
    BOOST_TEST(first.capture.find("/usr/bin/from_proc") != std::string::npos);
    const bool shows_proc =
        std::any_of(first.events.begin(), first.events.end(), [](const std::string& event) {
            return event.find("\"fork\"") != std::string::npos &&
                   event.find("/usr/bin/from_proc") != std::string::npos;
        });
    BOOST_TEST(shows_proc);
    const Made again = run(kEveryExec, first.capture);
    BOOST_TEST(again.events == first.events, boost::test_tools::per_element());
    BOOST_TEST((again.alerts == first.alerts));
}

BOOST_AUTO_TEST_CASE(of_an_exec_only_that_is_asked_which_a_rule_looks_at) {
    struct Row {
        const char* query;
        bool env_vars;
        bool stdio, container, group, variables;
    };
    const Row rows[] = {
        {"process where process.name == \"a\"", true, false, false, false, false},
        {"process where process.Ext.stdio.peer.port == 22", true, true, false, false, false},
        {"process where process.entry_leader.entry_meta.type == \"container\"", true, false, true,
         false, false},
        {"sequence by container.id [process where true] [network where true]", true, false, true,
         false, false},
        {"process where process.group_leader.name == \"sh\"", true, false, false, true, false},
        {"process where process.env_vars like (\"LD_PRELOAD=?*\", \"A=1\")", true, false, false,
         false, true},
        {"process where process.env_vars like \"LD_PRELOAD=?*\"", false, false, false, false,
         false},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.query) {
            FakeProc proc;
            PipelineOptions options;
            options.proc = &proc;
            options.env_vars = row.env_vars;
            Pipeline pipeline(rules_of(rule_text(row.query)), options, [](const auto&) {});
            CaptureReader reader(pipeline);
            std::string_view lines;
            const std::string capture =
                clock_line(1000) + exec_event(1003, 1, 11, "/usr/bin/a") + clock_line(1250);
            for (lines = capture; !lines.empty();) {
                const std::string_view line = lines.substr(0, lines.find('\n'));
                reader.line(line);
                lines.remove_prefix(std::min(lines.size(), line.size() + 1));
            }
            pipeline.finish();
            BOOST_TEST(proc.questions.stdio == row.stdio);
            BOOST_TEST(proc.questions.container == row.container);
            BOOST_TEST(proc.questions.group == row.group);
            BOOST_REQUIRE(static_cast<bool>(proc.questions.keep_variable) == row.variables);
            if (row.variables) {
                BOOST_TEST(proc.questions.keep_variable("LD_PRELOAD=/tmp/x.so"));
                BOOST_TEST(proc.questions.keep_variable("A=1"));
                BOOST_TEST(!proc.questions.keep_variable("LD_PRELOAD="));
                BOOST_TEST(!proc.questions.keep_variable("PASSWORD=1"));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(timers_due_before_a_message_fire_first) {
    // Event 1 never ends; it is let go by its time-out, before event 2, which comes later.
    const std::string live = clock_line(1000) + exec_records(1000, 1, 11, "/usr/bin/first") +
                             exec_event(3001, 2, 12, "/usr/bin/second");
    const Made made = run(kEveryExec, live);
    BOOST_REQUIRE(made.alerts.size() == 2u);
    BOOST_TEST(made.alerts[0].find("/usr/bin/first") != std::string::npos);
    BOOST_TEST(made.counters.assembler.incomplete == 1u);
}

BOOST_AUTO_TEST_CASE(a_loss_in_its_window_marks_an_alert) {
    const std::string loss = "type=LOSS msg=proc(1500000000): feed=audit count=3 at_least=1\n";
    const Made made = run(kEveryExec, exec_event(1000, 1, 11, "/usr/bin/a") + clock_line(1500) +
                                          loss + exec_event(1600, 2, 12, "/usr/bin/b") +
                                          exec_event(9000, 3, 13, "/usr/bin/c"));
    BOOST_REQUIRE(made.alerts.size() == 3u);
    BOOST_TEST(made.alerts[0].find("\"gap\"") == std::string::npos);
    BOOST_TEST(made.alerts[1].find("\"gap\"") != std::string::npos);
    BOOST_TEST(made.alerts[2].find("\"gap\"") == std::string::npos);
    BOOST_TEST(made.counters.losses == 1u);
}

// Eighty execs, some of which never came or came in part.
std::string busy(const std::string& host, int missing, int beheaded) {
    std::string text = host;
    for (int i = 0; i < 80; ++i) {
        const std::int64_t ms = 1000 + i * 100;
        if (i == missing)
            continue;
        if (i == beheaded) {
            std::string event = exec_event(ms, 100 + i, 11 + i, "/usr/bin/a");
            const auto syscall = event.find("type=SYSCALL");
            event.erase(syscall, event.find("type=EXECVE") - syscall);
            text += event;
        } else {
            text += exec_event(ms, 100 + i, 11 + i, i == 79 ? "/usr/bin/last" : "/usr/bin/a");
        }
    }
    return text;
}

BOOST_AUTO_TEST_CASE(what_is_missing_from_the_records_marks_alerts_too) {
    const std::string last = rule_text("process where process.name == \"last\"");
    const std::string kernel =
        "type=HOST msg=capture(1): boot_id=b feeds=audit audit_feed=unicast\n";
    const std::string lossy =
        "type=HOST msg=capture(1): boot_id=b feeds=audit audit_feed=multicast\n";
    struct Row {
        const std::string& host;
        int missing, beheaded;
        const char* gap;
    };
    const Row rows[] = {
        {kernel, -1, -1, nullptr}, {kernel, 72, -1, nullptr},
        {lossy, -1, -1, nullptr},  {lossy, 72, -1, "\"source\":\"serial\""},
        {lossy, 10, -1, nullptr},  {kernel, -1, 75, "\"source\":\"incomplete\""},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.host << row.missing << ' ' << row.beheaded) {
            const Made made = run(last, busy(row.host, row.missing, row.beheaded));
            BOOST_REQUIRE(made.alerts.size() == 1u);
            BOOST_TEST((made.alerts[0].find("\"gap\"") != std::string::npos) ==
                       (row.gap != nullptr));
            if (row.gap)
                BOOST_TEST(made.alerts[0].find(row.gap) != std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_the_program_itself_does_meets_no_rule) {
    const std::string host = "type=HOST msg=capture(1): boot_id=b feeds=audit self=11,12\n";
    const Made made = run(kEveryExec, host + exec_event(1000, 1, 11, "/usr/bin/a") +
                                          exec_event(1100, 2, 12, "/usr/bin/b") +
                                          exec_event(1200, 3, 13, "/usr/bin/c"));
    BOOST_TEST(made.alerts.size() == 1u);
    // Their forks are inferred.
    BOOST_TEST(made.counters.own_events == 4u);
}

BOOST_AUTO_TEST_CASE(after_a_loss_of_the_connector_the_processes_are_read_anew) {
    // 11 and 12 were forked; 12 ended and 13 began while nothing was heard.
    FakeProc proc;
    for (const std::int32_t pid : {10, 11, 13}) {
        ProcSnapshot& shown = proc.processes[pid];
        shown.pid = pid;
        shown.ppid = pid == 10 ? 1 : 10;
        shown.start_tick = pid == 11 ? 100 : pid;
        shown.exe = "/usr/bin/p" + std::to_string(pid);
    }
    const std::string live =
        clock_line(1000) + fork_line(1001, 10, 11) + fork_line(1002, 10, 12) + clock_line(1100) +
        "type=LOSS msg=proc(1200000000): feed=proc count=1 at_least=1\n" + clock_line(1300) +
        clock_line(1600) + clock_line(1900) + fork_line(2000, 13, 14) +
        exec_event(2100, 7, 13, "/usr/bin/q") + clock_line(9000);
    const Made first = run(kEveryExec, live, &proc);
    BOOST_TEST(first.counters.resyncs == 1u);
    BOOST_TEST(first.counters.resync_ended == 1u);
    BOOST_TEST(first.counters.resync_made >= 1u);
    const auto shows = [&](const char* kind, const char* what) {
        return std::any_of(first.events.begin(), first.events.end(), [&](const std::string& event) {
            return event.find(kind) != std::string::npos && event.find(what) != std::string::npos;
        });
    };
    BOOST_TEST(shows("\"end\"", "\"pid\":12"));
    // What nobody reported is marked.
    BOOST_TEST(shows("\"audisp_eql\":{\"inferred\":true", "\"pid\":12"));
    BOOST_TEST(shows("/usr/bin/q", "\"resynced\":true"));
    BOOST_TEST(!shows("\"pid\":14", "\"resynced\":true"));
    BOOST_TEST(!shows("\"end\"", "\"pid\":11"));
    BOOST_TEST(shows("\"fork\"", "/usr/bin/p13"));
    const Made again = run(kEveryExec, first.capture);
    BOOST_TEST(again.events == first.events, boost::test_tools::per_element());
}

// An exec that no second one follows; its window is open when the input ends.
const std::string kLonely = rule_text(
    "sequence by process.entity_id with maxspan=1m [process where event.action == \"exec\"] "
    "![process where event.action == \"end\"]");

BOOST_AUTO_TEST_CASE(the_end_of_input_closes_open_windows_and_the_end_of_a_live_run_does_not) {
    const std::string input = exec_event(1000, 1, 11, "/usr/bin/a");
    BOOST_TEST(run(kLonely, input).alerts.size() == 1u);
    for (const bool live : {false, true}) {
        Lines alerts;
        Pipeline pipeline(rules_of(kLonely), {},
                          [&](const detect::Alert& alert) { alerts.push_back(alert.json); });
        feed(pipeline, input);
        live ? pipeline.stop() : pipeline.finish();
        BOOST_TEST(alerts.size() == (live ? 0u : 1u));
    }
}

BOOST_AUTO_TEST_CASE(a_live_stop_takes_what_is_held_back_and_what_was_due) {
    // The last event has no end record yet; the first one's window closed long ago.
    Lines alerts;
    Pipeline pipeline(rules_of(kEveryExec), {},
                      [&](const detect::Alert& alert) { alerts.push_back(alert.json); });
    feed(pipeline, clock_line(1000) + exec_records(1000, 1, 11, "/usr/bin/a"));
    BOOST_TEST(alerts.empty());
    pipeline.stop();
    BOOST_TEST(alerts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(replaced_rules_go_on_with_what_was_pending) {
    const std::string pair = rule_text(
        "sequence by process.entity_id with maxspan=1m "
        "[process where process.name == \"a\"] [process where process.name == \"b\"]");
    const std::string other = rule_text("process where process.name == \"b\"");
    Lines alerts;
    const auto first = rules_of(pair);
    Pipeline pipeline(first, {}, [&](const detect::Alert& alert) { alerts.push_back(alert.json); });
    const std::string head = clock_line(900) + fork_line(950, 10, 11);
    feed(pipeline, head + exec_event(1000, 1, 11, "/usr/bin/a"));
    const auto second = rules_of(pair, first);
    BOOST_TEST(pipeline.replace_rules(second) == 0u);
    feed(pipeline, exec_event(1100, 2, 11, "/usr/bin/b"));
    BOOST_REQUIRE(alerts.size() == 1u);
    BOOST_TEST(alerts[0].find(second->digest()) != std::string::npos);
    BOOST_TEST(pipeline.counters().engine.matches == 1u);

    feed(pipeline, exec_event(1200, 3, 11, "/usr/bin/a"));
    const auto third = rules_of(other, second);
    BOOST_TEST(pipeline.replace_rules(third) == 1u);
    feed(pipeline, exec_event(1300, 4, 11, "/usr/bin/b"));
    BOOST_REQUIRE(alerts.size() == 2u);
    BOOST_TEST(alerts[1].find(third->digest()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_host_line_says_which_feeds_were_read) {
    const std::string event = exec_event(1000, 1, 11, "/usr/bin/a");
    BOOST_TEST(run(kEveryExec, event).alerts.at(0).find("\"feeds\":[\"audit\"]") !=
               std::string::npos);
    const std::string host =
        "type=HOST msg=capture(1): boot_id=4ff7a0f3-2f1c-4c5e-8a62-0f6b1a1a5e11 machine_id=m "
        "hostname=h kernel=6 feeds=audit,proc\n";
    BOOST_TEST(run(kEveryExec, host + event).alerts.at(0).find("\"feeds\":[\"audit\",\"proc\"]") !=
               std::string::npos);
}

// Rules of others may have every open of the host audited.
BOOST_AUTO_TEST_CASE(files_become_events_when_somebody_asks) {
    const std::string head = " msg=audit(1700000001.000:1): ";
    const std::string opened =
        clock_line(1000) + "type=SYSCALL" + head +
        "arch=c000003e syscall=2 success=yes exit=3 a0=1 a1=0 a2=0 a3=0 items=1 ppid=1 pid=10 "
        "auid=0 uid=0 gid=0 euid=0 egid=0 tty=(none) ses=1 comm=\"x\" exe=\"/usr/bin/x\"\n" +
        "type=CWD" + head + "cwd=\"/\"\ntype=PATH" + head +
        "item=0 name=\"/etc/shadow\" inode=5 dev=fe:00 mode=0100640 nametype=NORMAL\n" +
        end_record(1000, 1);
    const auto files = [&](const std::string& rule, const std::string& reloaded = {}) {
        Pipeline pipeline(rules_of(rule), {}, [](const detect::Alert&) {});
        CaptureReader reader(pipeline);
        if (!reloaded.empty())
            pipeline.replace_rules(rules_of(reloaded));
        for (std::string_view rest = opened; !rest.empty();) {
            const std::size_t end = rest.find('\n');
            reader.line(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
        pipeline.finish();
        return pipeline.counters().normalizer.file;
    };
    const std::string file_rule = rule_text("file where file.path == \"/etc/shadow\"");
    BOOST_TEST(files(kEveryExec) == 0u);
    BOOST_TEST(files(file_rule) == 1u);
    BOOST_TEST(files(kEveryExec, file_rule) == 1u);
    BOOST_TEST(files(file_rule, kEveryExec) == 0u);
    // Whoever looks at every event sees them, whatever the rules ask.
    BOOST_TEST(run(kEveryExec, opened).counters.normalizer.file == 1u);
}

BOOST_AUTO_TEST_CASE(building_blocks_are_evaluated_and_quiet) {
    const Made made = run(
        rule_text("process where event.action == \"exec\"", "building_block_type = \"default\"\n"),
        exec_event(1000, 1, 11, "/usr/bin/a"));
    BOOST_TEST(made.alerts.empty());
    BOOST_TEST(made.counters.quiet_matches == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_matches_across_a_break_of_the_log_s_clock) {
    const std::string rule = rule_text(
        "sequence with maxspan=1h\n[process where process.name == \"a\"]\n[process where "
        "process.name == \"b\"]");
    const auto plain = [](std::int64_t ms, int serial, int pid, const std::string& exe) {
        std::string text = exec_records(ms, serial, pid, exe);
        std::string end = end_record(ms, serial);
        return text + end.replace(5, 3, "PROCTITLE").insert(end.size() - 1, " proctitle=\"x\"");
    };
    const std::string first = plain(5'000'000, 1, 11, "/usr/bin/a");
    std::string back;
    for (int i = 0; i < 20; ++i)
        back += plain(1000 + i, 10 + i, 20 + i, "/usr/bin/x");
    BOOST_TEST(run(rule, first + plain(5'000'500, 50, 50, "/usr/bin/b")).alerts.size() == 1u);
    const Made broken = run(rule, first + back + plain(2000, 50, 50, "/usr/bin/b"));
    BOOST_TEST(broken.alerts.empty());
    BOOST_TEST(broken.counters.epochs == 1u);
}

BOOST_AUTO_TEST_CASE(the_end_of_input_completes_what_only_time_can) {
    const std::string rule = rule_text(
        "sequence by host.id with maxspan=10s\n[process where process.name == \"a\"]\n![process "
        "where process.name == \"b\"]");
    const Made alone = run(rule, exec_event(1000, 1, 11, "/usr/bin/a"));
    BOOST_TEST(alone.alerts.size() == 1u);
    const Made followed =
        run(rule, exec_event(1000, 1, 11, "/usr/bin/a") + exec_event(1500, 2, 12, "/usr/bin/b"));
    BOOST_TEST(followed.alerts.empty());
    // By itself, without the end of input.
    const Made later =
        run(rule, exec_event(1000, 1, 11, "/usr/bin/a") + exec_event(15'000, 2, 12, "/usr/bin/b"));
    BOOST_TEST(later.alerts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_capture_and_a_plain_log_may_follow_each_other) {
    std::string plain = exec_records(60'000, 7, 30, "/usr/bin/plain");
    const std::string capture = exec_event(1000, 1, 11, "/usr/bin/a");
    const Made made = run(kEveryExec, plain + capture);
    BOOST_TEST(made.alerts.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
