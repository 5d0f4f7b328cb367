// SPDX-License-Identifier: Apache-2.0
#include "collector/process/process_table.hpp"

#include <set>
#include <string>

#include <boost/test/unit_test.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

namespace audisp_eql::collector {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
const std::string kBoot = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

std::string uuid_of(const std::string& boot, const std::string& name) {
    const auto space = boost::uuids::string_generator()(boot);
    return boost::uuids::to_string(boost::uuids::name_generator_sha1(space)(name));
}

detect::BlockPtr named(std::string_view name) {
    detect::BlockBuilder builder;
    builder.set_text(detect::FieldId::process_name, name);
    return builder.finish();
}

std::string name_in(const ImagePtr& image) {
    if (!image->block)
        return {};
    return std::string(image->block->values(detect::FieldId::process_name)[0].as_text());
}

ProcessTable::RecordPoint exec_at(std::int32_t pid, std::int64_t entry_ns) {
    ProcessTable::RecordPoint record;
    record.pid = pid;
    record.entry_ns = entry_ns;
    record.time_ms = entry_ns / kMs;
    record.exec = true;
    return record;
}

ProcSnapshot shown(std::int32_t pid, std::int32_t ppid, std::int64_t tick) {
    ProcSnapshot snapshot;
    snapshot.pid = pid;
    snapshot.ppid = ppid;
    snapshot.start_tick = tick;
    snapshot.uid = snapshot.euid = 1000;
    snapshot.gid = snapshot.egid = 1000;
    return snapshot;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(entity_id_is_made_from_boot_pid_and_tick) {
    ProcessTable table;
    table.set_boot_id(kBoot);
    const auto child = table.fork(1, 42, 42, 1'239'999'999);
    BOOST_TEST(table.entity_id(*child) == uuid_of(kBoot, "42:123:0"));
    // exec does not change it
    table.exec_announced(42, 1'300'000'000);
    BOOST_TEST(table.entity_id(*table.find(42)) == uuid_of(kBoot, "42:123:0"));
}

BOOST_AUTO_TEST_CASE(entity_id_without_tick_comes_from_the_first_serial) {
    ProcessTable table;
    bool inferred = false;
    ProcessTable::RecordPoint record;
    record.pid = 7;
    record.ppid = 1;
    record.serial = 4711;
    const auto process = table.find_or_infer(record, inferred);
    BOOST_TEST(inferred);
    BOOST_TEST(process->inferred);
    BOOST_TEST(table.entity_id(*process) ==
               uuid_of("00000000-0000-0000-0000-000000000000", "7:s4711"));
    record.serial = 4712;
    BOOST_TEST(table.find_or_infer(record, inferred) == process);
    BOOST_TEST(!inferred);
    BOOST_TEST(table.entity_id(*process) ==
               uuid_of("00000000-0000-0000-0000-000000000000", "7:s4711"));
}

BOOST_AUTO_TEST_CASE(boot_id_that_is_none_is_the_nil_uuid) {
    for (const char* text : {"", "boot", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg",
                             "0f1e2d3c44b5a-6978-8796-a5b4c3d2e1f0"}) {
        ProcessTable table;
        table.set_boot_id(text);
        const auto child = table.fork(1, 42, 42, 10 * kMs);
        BOOST_TEST(table.entity_id(*child) ==
                   uuid_of("00000000-0000-0000-0000-000000000000", "42:1:0"));
    }
}

// clone3's set_tid gives one pid many lives within one tick of field 22 (983 of 999 measured).
BOOST_AUTO_TEST_CASE(pid_reused_within_one_tick_has_its_own_entity_id) {
    ProcessTable table;
    std::set<std::string> ids;
    std::int64_t ns = kSecond;
    for (int life = 0; life < 999; ++life, ns += 76'000) {
        const auto child = table.fork(1, 32691, 32691, ns);
        ids.emplace(table.entity_id(*child));
        table.exit(32691, 32691, 0, ns + 50'000);
    }
    BOOST_TEST(ids.size() == 999U);
    BOOST_TEST(table.counters().reused_pids == 0U);  // each had exited
}

BOOST_AUTO_TEST_CASE(fork_over_a_live_entry_retires_it) {
    ProcessTable table;
    const auto old = table.fork(1, 5, 5, kSecond);
    const auto fresh = table.fork(1, 5, 5, 2 * kSecond);
    BOOST_TEST(fresh != old);
    BOOST_TEST(table.find(5) == fresh);
    BOOST_TEST(!old->alive());
    BOOST_TEST(table.counters().reused_pids == 1U);
    BOOST_TEST(table.entity_id(*old) != table.entity_id(*fresh));
}

BOOST_AUTO_TEST_CASE(threads_are_no_processes) {
    ProcessTable table;
    BOOST_TEST(!table.fork(10, 11, 10, kSecond));
    BOOST_TEST(table.counters().threads == 1U);
    BOOST_TEST(!table.find(11));
}

BOOST_AUTO_TEST_CASE(child_shares_its_parents_image_filled_or_not) {
    ProcessTable table;
    const auto shell = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    const auto child = table.fork(10, 11, 11, kSecond + 2 * kMs);
    BOOST_TEST(child->image == shell->image);
    BOOST_TEST((child->image->state == Image::State::awaited));
    table.image_executed(*shell, named("bash"), exec_at(10, kSecond));
    BOOST_TEST(name_in(child->image) == "bash");
    BOOST_TEST(name_in(child->parent_image) == "bash");
    // What the parent becomes later is not what the child was made by.
    table.exec_announced(10, kSecond + 3 * kMs);
    table.image_executed(*shell, named("cat"), exec_at(10, kSecond + 3 * kMs));
    BOOST_TEST(name_in(child->parent_image) == "bash");
    BOOST_TEST(name_in(shell->image) == "cat");
}

// The connector is ahead: a connect record made before the exec must show the image before it.
BOOST_AUTO_TEST_CASE(records_before_the_announced_exec_show_the_image_before_it) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    table.image_executed(*process, named("python3"), exec_at(10, kSecond));
    table.exec_announced(10, 2 * kSecond);  // python3 connected, then ran sh
    ProcessTable::RecordPoint connect;
    connect.pid = 10;
    connect.entry_ns = 2 * kSecond - 10 * kMs;
    BOOST_TEST(name_in(table.image_at(*process, connect)) == "python3");
    table.image_executed(*process, named("sh"), exec_at(10, 2 * kSecond - kMs));
    BOOST_TEST(name_in(table.image_at(*process, connect)) == "sh");
}

BOOST_AUTO_TEST_CASE(oldest_awaited_image_is_filled_first) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    const auto between = table.fork(10, 11, 11, kSecond + 2 * kMs);
    table.exec_announced(10, kSecond + 3 * kMs);
    const auto after = table.fork(10, 12, 12, kSecond + 4 * kMs);
    BOOST_TEST(table.counters().images_awaited == 2U);
    const auto first = table.image_executed(*process, named("env"), exec_at(10, kSecond));
    BOOST_TEST(first.announced_ns == kSecond + kMs);
    table.image_executed(*process, named("sh"), exec_at(10, kSecond + 2 * kMs));
    BOOST_TEST(name_in(between->image) == "env");
    BOOST_TEST(name_in(after->image) == "sh");
    BOOST_TEST(table.counters().images_awaited == 0U);
}

BOOST_AUTO_TEST_CASE(exec_that_audit_never_told_is_passed_over) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    const auto child = table.fork(10, 11, 11, kSecond + 2 * kMs);
    table.exec_announced(10, 3 * kSecond);
    table.image_executed(*process, named("sh"), exec_at(10, 3 * kSecond - kMs));
    BOOST_TEST(name_in(process->image) == "sh");
    BOOST_TEST(name_in(child->image) == "");
    BOOST_TEST((child->image->state == Image::State::unknown));
    BOOST_TEST(table.counters().images_missed == 1U);
}

// Feeds that were not read in drain order (older captures): the record first, EXEC after it.
BOOST_AUTO_TEST_CASE(announcement_after_its_record_opens_nothing) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.image_executed(*process, named("wget"), exec_at(10, kSecond));
    const auto announced = table.exec_announced(10, kSecond + kMs);
    BOOST_TEST(announced.told_ms == kSecond / kMs);
    BOOST_TEST(name_in(process->image) == "wget");
    BOOST_TEST(process->awaited.empty());
    // The next one is a new exec.
    BOOST_TEST(table.exec_announced(10, kSecond + 5 * kMs).told_ms == 0);
    BOOST_TEST(process->awaited.size() == 1U);
}

BOOST_AUTO_TEST_CASE(announcement_younger_than_the_records_receipt_is_another_exec) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    auto record = exec_at(10, kSecond);
    record.received_ns = kSecond + 2 * kMs;
    table.image_executed(*process, named("env"), record);  // its EXEC was lost
    table.exec_announced(10, kSecond + 3 * kMs);
    BOOST_TEST(process->awaited.size() == 1U);
}

// exec by a thread that is not the leader: the leader's EXIT, then EXEC of the same process.
BOOST_AUTO_TEST_CASE(exec_by_another_thread_keeps_the_process) {
    for (const bool thread_seen : {true, false}) {
        ProcessTable table;
        const auto process = table.fork(1, 31917, 31917, kSecond);
        if (thread_seen)
            table.fork(1, 31918, 31917, kSecond + kMs);
        const std::string id(table.entity_id(*process));
        table.exit(31917, 31917, 0, 2 * kSecond);
        BOOST_TEST(process->alive() == thread_seen);
        const auto announced = table.exec_announced(31917, 2 * kSecond + kMs);
        BOOST_TEST(announced.process == process);
        BOOST_TEST(process->alive());
        BOOST_TEST(table.entity_id(*process) == id);
        table.advance(100 * kSecond);
        BOOST_TEST(table.find(31917) == process);
        BOOST_TEST(table.exit(31917, 31917, 0, 101 * kSecond) == process);
    }
}

BOOST_AUTO_TEST_CASE(process_ends_with_its_last_thread) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.fork(1, 11, 10, kSecond);
    table.fork(1, 12, 10, kSecond);
    BOOST_TEST(!table.exit(11, 10, 0, 2 * kSecond));
    BOOST_TEST(!table.exit(10, 10, 256, 3 * kSecond));  // main() called pthread_exit
    const auto child = table.fork(10, 20, 20, 4 * kSecond);
    BOOST_TEST(child->parent == process);
    BOOST_TEST(table.exit(12, 10, 0, 5 * kSecond) == process);
    BOOST_TEST(process->exit_status == 256U);
    BOOST_TEST(process->exit_ns == 5 * kSecond);
}

BOOST_AUTO_TEST_CASE(pid_that_goes_on_long_after_its_exit_has_a_new_owner) {
    ProcessTable table;
    const auto old = table.fork(1, 10, 10, kSecond);
    table.image_executed(*old, named("awk"), exec_at(10, kSecond));
    table.exit(10, 10, 0, 2 * kSecond);
    const auto announced = table.exec_announced(10, 30 * kSecond);
    BOOST_TEST(announced.process != old);
    BOOST_TEST(!announced.process->parent);

    table.exit(10, 10, 0, 31 * kSecond);
    const auto child = table.fork(10, 11, 11, 50 * kSecond);
    BOOST_TEST(child->parent != announced.process);
    BOOST_TEST(name_in(child->image) == "");

    table.exit(11, 11, 0, 51 * kSecond);
    bool inferred = false;
    ProcessTable::RecordPoint record;
    record.pid = 11;
    record.serial = 9;
    record.entry_ns = 55 * kSecond;
    BOOST_TEST(table.find_or_infer(record, inferred) != child);
    BOOST_TEST(inferred);
}

BOOST_AUTO_TEST_CASE(record_names_an_unknown_parent) {
    ProcessTable table;
    bool inferred = false;
    ProcessTable::RecordPoint record;
    record.pid = 10;
    record.ppid = 9;
    record.serial = 77;
    const auto process = table.find_or_infer(record, inferred);
    BOOST_REQUIRE(process->parent);
    BOOST_TEST(process->parent->pid == 9);
    record.pid = 11;
    record.serial = 78;
    const auto sibling = table.find_or_infer(record, inferred);
    BOOST_TEST(sibling->parent == process->parent);
    BOOST_TEST(table.entity_id(*process->parent) ==
               uuid_of("00000000-0000-0000-0000-000000000000", "9:s77"));
}

BOOST_AUTO_TEST_CASE(late_records_find_the_tombstone) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.exit(10, 10, 0, 2 * kSecond);
    bool inferred = true;
    ProcessTable::RecordPoint record;
    record.pid = 10;
    BOOST_TEST(table.find_or_infer(record, inferred) == process);
    BOOST_TEST(!inferred);
    table.advance(2 * kSecond + ProcessTable::kTombstoneNs - 1);
    BOOST_TEST(table.find(10) == process);
    table.advance(2 * kSecond + ProcessTable::kTombstoneNs);
    BOOST_TEST(!table.find(10));
    BOOST_TEST(table.counters().tombstones == 0U);
}

// The pid has a new owner by the time the old owner's last records are read.
BOOST_AUTO_TEST_CASE(record_of_a_reused_pid_goes_to_the_incarnation_it_was_made_by) {
    ProcessTable table;
    const auto old = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    table.exit(10, 10, 0, 2 * kSecond);
    const auto fresh = table.fork(1, 10, 10, 2 * kSecond + kMs);
    ProcessTable::RecordPoint record;
    record.pid = 10;
    record.entry_ns = kSecond + kMs;
    BOOST_TEST(table.find(record) == old);  // long before the new one
    record.entry_ns = 2 * kSecond;          // a coarse clock can't tell …
    BOOST_TEST(table.find(record) == fresh);
    record.exec = true;  // … but the old one's exec is still to be told
    BOOST_TEST(table.find(record) == old);
    record.entry_ns = 2 * kSecond + kMs;
    BOOST_TEST(table.find(record) == fresh);
}

BOOST_AUTO_TEST_CASE(double_fork_keeps_the_true_parent) {
    ProcessTable table;
    const auto top = table.fork(1, 31889, 31889, kSecond);
    const auto middle = table.fork(31889, 31890, 31890, kSecond + kMs);
    const auto orphan = table.fork(31890, 31891, 31891, kSecond + 2 * kMs);
    table.exit(31890, 31890, 0, kSecond + 3 * kMs);
    bool inferred = true;
    ProcessTable::RecordPoint record;
    record.pid = 31891;
    record.ppid = 1;  // reparented by the time of its exec
    BOOST_TEST(table.find_or_infer(record, inferred) == orphan);
    BOOST_TEST(orphan->parent == middle);
    BOOST_TEST(orphan->parent->parent == top);
    table.advance(1000 * kSecond);  // the tombstone goes, the lineage stays
    BOOST_TEST(!table.find(31890));
    BOOST_TEST(orphan->parent->pid == 31890);
}

BOOST_AUTO_TEST_CASE(snapshot_completes_what_a_fork_made) {
    ProcessTable table;
    const auto child = table.fork(100, 42, 42, 1'239'999'999);
    const std::string id(table.entity_id(*child));
    const auto same = table.snapshot(shown(42, 100, 123), 2 * kSecond);
    BOOST_TEST(same == child);
    BOOST_TEST(child->credentials.uid == 1000U);
    BOOST_TEST(table.entity_id(*child) == id);
    // Another tick is another process.
    BOOST_TEST(table.snapshot(shown(42, 100, 150), 3 * kSecond) != child);
    BOOST_TEST(!child->alive());
}

BOOST_AUTO_TEST_CASE(fork_after_the_snapshot_of_the_same_process_completes_it) {
    ProcessTable table;
    const auto process = table.snapshot(shown(42, 100, 123), kSecond);
    const auto parent = table.snapshot(shown(100, 1, 5), kSecond);
    BOOST_TEST(table.fork(100, 42, 42, 1'235'000'000) == process);
    BOOST_TEST(process->parent == parent);
    BOOST_TEST(process->start_ns == 1'235'000'000);
}

BOOST_AUTO_TEST_CASE(snapshot_of_the_dead_stays_dead) {
    ProcessTable table;
    const auto child = table.fork(100, 42, 42, 1'239'999'999);
    table.exit(42, 42, 0, 1'300'000'000);
    BOOST_TEST(table.snapshot(shown(42, 100, 123), 2 * kSecond) == child);
    BOOST_TEST(!child->alive());
}

BOOST_AUTO_TEST_CASE(snapshots_link_parents_in_any_order) {
    ProcessTable table;
    table.set_boot_id(kBoot);
    const auto child = table.snapshot(shown(50, 200, 900), kSecond);
    const auto parent = table.snapshot(shown(200, 1, 800), kSecond);
    table.image_read(*parent, named("sshd"));
    table.link_parent(*child, 0);
    BOOST_TEST(child->parent == parent);
    BOOST_TEST(name_in(child->parent_image) == "sshd");
    BOOST_TEST(table.entity_id(*parent) == uuid_of(kBoot, "200:800:0"));
    // A younger process can't be the parent: the pid was reused.
    const auto orphan = table.snapshot(shown(51, 201, 900), kSecond);
    table.snapshot(shown(201, 1, 950), kSecond);
    table.link_parent(*orphan, 0);
    BOOST_TEST(!orphan->parent);
}

BOOST_AUTO_TEST_CASE(exec_record_is_better_than_procfs) {
    ProcessTable table;
    const auto process = table.fork(1, 10, 10, kSecond);
    table.exec_announced(10, kSecond + kMs);
    table.image_read(*process, named("from-proc"));
    BOOST_TEST((process->image->state == Image::State::procfs));
    table.image_executed(*process, named("from-audit"), exec_at(10, kSecond));
    BOOST_TEST(name_in(process->image) == "from-audit");
    table.image_read(*process, named("from-proc"));
    BOOST_TEST(name_in(process->image) == "from-audit");
}

// A daemon that forks and exits for ever: memory stays bounded by what ancestry needs.
BOOST_AUTO_TEST_CASE(endless_fork_and_exit_holds_a_bounded_chain) {
    ProcessTable table;
    std::int64_t ns = kSecond;
    ProcessPtr last = table.fork(1, 2, 2, ns);
    for (int i = 0; i < 100'000; ++i) {
        ns += 10 * kMs;
        const std::int32_t pid = 2 + (i + 1) % 30'000;
        const auto next = table.fork(last->pid, pid, pid, ns);
        table.exit(last->pid, last->pid, 0, ns + kMs);
        table.advance(ns);
        last = next;
    }
    std::size_t depth = 0;
    for (const Process* at = last->parent.get(); at; at = at->parent.get())
        ++depth;
    BOOST_TEST(depth >= ProcessTable::kMaxAncestry);
    BOOST_TEST(depth <= ProcessTable::kMaxLineage);
    BOOST_TEST(ancestors_of(*last).size() == ProcessTable::kMaxAncestry);
}

// All alive at first, so nothing may be cut; then the chain is dead and goes in one go.
BOOST_AUTO_TEST_CASE(long_dead_chain_is_freed_without_recursion) {
    ProcessPtr last;
    {
        ProcessTable table;
        last = table.fork(1, 2, 2, kSecond);
        for (std::int32_t pid = 3; pid < 100'003; ++pid)
            last = table.fork(pid - 1, pid, pid, kSecond + pid * 1000);
        for (std::int32_t pid = 2; pid < 100'002; ++pid)
            table.exit(pid, pid, 0, 10 * kSecond);
        table.advance(100 * kSecond);
        BOOST_TEST(table.counters().live == 2U);  // the first one's unknown parent and the last
    }
    BOOST_TEST(last->use_count() == 1U);
    last.reset();
}

BOOST_AUTO_TEST_CASE(least_recently_used_process_is_evicted) {
    ProcessTable table;
    const auto init = table.fork(1, 2, 2, kSecond);
    for (std::int32_t pid = 10; pid < 10 + static_cast<std::int32_t>(ProcessTable::kMaxLive); ++pid)
        table.fork(2, pid, pid, kSecond + pid);
    BOOST_TEST(table.counters().live == ProcessTable::kMaxLive);
    BOOST_TEST(table.counters().evicted == 2U);
    BOOST_TEST(table.find(2) == init);  // forked all the time
    BOOST_TEST(!table.find(10));
}

BOOST_AUTO_TEST_CASE(ancestors_show_what_they_were_when_they_forked) {
    ProcessTable table;
    const auto daemon = table.snapshot(shown(10, 1, 5), kSecond);
    table.image_read(*daemon, named("sshd"));
    const auto session = table.fork(10, 11, 11, kSecond);
    table.image_executed(*session, named("bash"), exec_at(11, kSecond));
    const auto command = table.fork(11, 12, 12, kSecond + kMs);
    table.image_executed(*session, named("vi"), exec_at(11, kSecond + 2 * kMs));
    const auto ancestors = ancestors_of(*command);
    BOOST_REQUIRE(ancestors.size() == 2U);
    BOOST_TEST(ancestors[0].name == "bash");
    BOOST_TEST(ancestors[0].pid == 11);
    BOOST_TEST(ancestors[1].name == "sshd");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
