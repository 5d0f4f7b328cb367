// SPDX-License-Identifier: Apache-2.0
// The reader: one thread that owns every live feed's descriptor and copies bytes, with a stamp of
// both clocks, into the ring. It never parses or decides, and waits for nothing but the feeds.
//
// Drain order (why a process is known before its first record): a batch of audit records is read,
// then the proc connector is drained to its end. Into the ring go the connector's messages by their
// time, one clock message, then the audit batch with that clock's stamp. The kernel queues a fork
// before the child runs, so whatever record of it is in the batch, its fork came before.
//
// Use:
//     Feeds feeds = Feeds::open(options);         // throws with the reason; feeds.lines say what
//     Ring ring;
//     Reader reader(ring, std::move(feeds.audit), std::move(feeds.connector));
//     reader.start();                             // from now on nothing is missed
//     tell_host_facts(pipeline, proc, facts);     // worker thread; /proc after the subscription
//     for (Message m;;) {                         // worker thread
//         while (ring.front(m)) { pipeline.on_message(m); ring.release(); }
//         if (reader.finished() && !ring.front(m)) break;
//         if (ring.prepare_wait())
//             wait until ring.wait_descriptor() is readable, then ring.acknowledge_wake();
//     }
//     // SIGTERM (any thread): reader.stop(); the worker then sees finished() after the last
//     message reader.join(); feeds.close();                              // rules and settings
//     back, the feed given up
//
// Memory: owns the feeds; the ring must outlive it. Threads: start, join and the destructor by one
// thread, stop and the rest by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "collector/feed/audit_source.hpp"
#include "collector/feed/proc_connector.hpp"
#include "collector/feed/ring.hpp"

namespace audisp_eql::collector {

// Written by the reader, read by anybody (status report).
struct ReaderCounters {
    using Counter = std::atomic<std::uint64_t>;
    Counter audit_records{0};
    Counter audit_bytes{0};
    Counter audit_batches{0};
    Counter audit_overruns{0};  // ENOBUFS
    Counter audit_cut{0};       // records longer than any can be, left out
    Counter audit_foreign{0};   // netlink messages that another program sent
    Counter audit_control{0};   // netlink messages that are no records
    Counter audit_errors{0};    // failed reads
    Counter audit_pauses{0};    // times the ring was too full to read audit
    Counter audit_dropped{0};   // auditd's lines that were read and found no room
    Counter proc_events{0};
    Counter proc_overruns{0};  // ENOBUFS
    Counter proc_foreign{0};
    Counter proc_malformed{0};
    Counter proc_errors{0};
    Counter proc_pauses{0};  // times the ring was too full even for the connector
    Counter clocks{0};
    Counter refused{0};    // messages lost because the ring had no room: the reserve was too small
    Counter ring_peak{0};  // bytes
    // The kernel's audit, as it was at the last look (KernelWatch).
    Counter kernel_looks{0};  // 0: nobody may ask it
    Counter kernel_lost{0};   // records since the start
    Counter kernel_enabled{0};
    Counter kernel_pid{0};  // who holds the feed
    Counter kernel_backlog{0};
    Counter kernel_backlog_limit{0};
};

// What others see of a reader.
struct ReaderShared {
    ReaderCounters counters;
    std::atomic<bool> finished{false};
};
// In memory that a process forked later shares.
std::shared_ptr<ReaderShared> make_reader_shared();

class Reader {
  public:
    // Timers downstream run on stream time: it must not stand still on an idle host.
    static constexpr std::chrono::milliseconds kIdleClock{250};
    // How soon a full ring is looked at again; the kernel's backlog bridges it.
    static constexpr std::chrono::milliseconds kPause{5};
    // An event's records come one by one, each of them a wake for whoever waits: the rest of an
    // event that has begun is given this long (its end comes some 50 us after it, and a sleep
    // lasts 50 us more than was asked for: PR_SET_TIMERSLACK).
    static constexpr std::chrono::microseconds kRestOfEvent{50};
    // Where events come thick, what comes within this is read together. And forks and exits come
    // before the audit records that need them, which read them: what no audit record follows is
    // gathered this long.
    static constexpr std::chrono::milliseconds kGather{5};
    // After a quiet time that many events are read as they come: a technique has fewer.
    static constexpr int kReadAtOnce = 20;

    // Either may be null. Throws std::invalid_argument if the ring is too small for the sources.
    Reader(Ring& ring, std::unique_ptr<AuditSource> audit, std::unique_ptr<ProcConnector> connector,
           std::shared_ptr<ReaderShared> shared = make_reader_shared());
    // Stops at once and joins.
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void start();
    // Asks for the end, which comes after the source's drain time, or with the end of a plugin's
    // input. Returns at once.
    void stop();
    // Other messages of the connector from now on, as ProcConnector::ask. Returns at once; a
    // refusal is counted (proc_errors).
    void ask_connector(std::uint32_t more);
    // Something was lost that the reader does not see by itself; `source`: one of gap_source.
    // Becomes a message of the stream as soon as there is room. Returns at once.
    void tell_loss(std::string_view source, std::uint64_t count, bool at_least,
                   std::int64_t since_ns);
    // The feed has ended (end of the plugin's input, or stop()); after the ring is empty there is
    // nothing more. The ring's consumer is woken when this turns true.
    bool finished() const { return shared_->finished.load(std::memory_order_acquire); }
    // Waits for the thread's end, then closes the feeds.
    void join();
    // The same, but the connector's subscription goes on: ProcConnector::release(). -1: there is
    // none.
    int join_and_release();

    const ReaderCounters& counters() const { return shared_->counters; }

  private:
    struct State;
    Ring& ring_;
    std::shared_ptr<ReaderShared> shared_;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
