// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/mman.h>
#include <system_error>

#include "collector/audit/record.hpp"
#include "collector/feed/clock.hpp"
#include "collector/feed/loss.hpp"

namespace audisp_eql::collector {
namespace asio = boost::asio;
namespace {

// One writer each: no need for a locked instruction.
void add(ReaderCounters::Counter& counter, std::uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

// Kept free for the connector, so that a fork or exit is not refused because audit filled the ring.
constexpr std::size_t kProcReserve = ProcConnector::kMaxDrain * Ring::footprint(sizeof(ProcEvent));
// Clock and loss messages of one drain.
constexpr std::size_t kSmallReserve = 4096;

// False for the records of a system call: an EOE follows them.
bool ends_event(const AuditBatch::Record& record) {
    if (record.kind == MessageKind::audit_line) {
        constexpr std::array<std::string_view, 6> kParts{"type=SYSCALL ",  "type=PATH ",
                                                         "type=CWD ",      "type=EXECVE ",
                                                         "type=SOCKADDR ", "type=PROCTITLE "};
        return std::none_of(kParts.begin(), kParts.end(),
                            [&](std::string_view part) { return record.bytes.starts_with(part); });
    }
    switch (record.audit_type) {
        case audit_type::kSyscall:
        case audit_type::kPath:
        case audit_type::kCwd:
        case audit_type::kExecve:
        case audit_type::kSockaddr:
        case audit_type::kBprmFcaps:
        case audit_type::kProctitle:
            return false;
        default:
            return true;
    }
}

// A descriptor that asio waits on and somebody else owns.
class Watched {
  public:
    Watched(asio::io_context& io, int fd) : descriptor_(io, fd), fd_(fd) {}
    ~Watched() { ignore(); }
    asio::posix::stream_descriptor& get() { return descriptor_; }
    // Until heed(), what arrives wakes nobody.
    void ignore() {
        if (descriptor_.is_open())
            descriptor_.release();
    }
    void heed() { descriptor_.assign(fd_); }

  private:
    asio::posix::stream_descriptor descriptor_;
    int fd_;
};

// How long what has begun to arrive is left to arrive before it is read. Every drain costs the same
// wakes, however much it finds: after a quiet time there are some at once, then one in kGather
// until one finds nothing.
class Pace {
  public:
    // `found`: by the last drain.
    std::chrono::nanoseconds pause(std::int64_t now_ns, bool found) {
        credit_ns_ = std::min(kMostNs, credit_ns_ + (now_ns - last_ns_));
        last_ns_ = now_ns;
        thick_ = (thick_ && found) || credit_ns_ < kDrainNs;
        credit_ns_ = std::max<std::int64_t>(0, credit_ns_ - kDrainNs);
        return thick_ ? Reader::kGather : Reader::kRestOfEvent;
    }
    // Events come thick, as of the last pause.
    bool thick() const { return thick_; }

  private:
    static constexpr std::int64_t kDrainNs = std::chrono::nanoseconds(Reader::kGather).count();
    static constexpr std::int64_t kMostNs = Reader::kReadAtOnce * kDrainNs;
    std::int64_t credit_ns_ = kMostNs;
    std::int64_t last_ns_ = 0;
    bool thick_ = false;
};

}  // namespace

struct Reader::State {
    State(Reader& owner, std::unique_ptr<AuditSource> audit_source,
          std::unique_ptr<ProcConnector> proc_connector)
        : reader(owner),
          ring(owner.ring_),
          counters(owner.shared_->counters),
          audit(std::move(audit_source)),
          connector(std::move(proc_connector)),
          idle(io),
          deadline(io) {
        batch.records.reserve(AuditSource::kMaxBatch);
        if (audit)
            watched_audit = std::make_unique<Watched>(io, audit->descriptor());
        if (connector)
            watched_connector = std::make_unique<Watched>(io, connector->descriptor());
    }

    void run();
    asio::awaitable<void> watch_audit();
    asio::awaitable<void> watch_connector();
    asio::awaitable<void> tick();

    // One drain of both feeds. The worker is woken for `urgent` ones, and when an event ended.
    void service(bool urgent);
    std::size_t audit_room();
    void drain_connector();
    void push_clock();
    void push_batch();
    // Loses what did not fit into the ring, and says so.
    void drop_batch();
    void tell_losses();
    void push_losses();
    void push(const Message& message);
    void begin_stop();
    void finish();

    Reader& reader;
    Ring& ring;
    ReaderCounters& counters;
    asio::io_context io{1};
    std::unique_ptr<AuditSource> audit;
    std::unique_ptr<ProcConnector> connector;
    std::unique_ptr<Watched> watched_audit, watched_connector;  // before the sources go
    asio::steady_timer idle, deadline;
    Pace pace;
    std::thread thread;

    AuditBatch batch;
    PendingLosses losses;
    std::vector<ProcEvent> events;
    std::int64_t clock_mono_ns = 0, clock_real_ns = 0;
    std::int64_t drained_ns = 0;  // the connector, to its end
    bool audit_paused = false;    // no room, or a failed read: look again after kPause
    bool connector_paused = false;
    bool stopping = false;
};

std::shared_ptr<ReaderShared> make_reader_shared() {
    void* memory = ::mmap(nullptr, sizeof(ReaderShared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "memory for the reader's counters");
    return {new (memory) ReaderShared,
            [](ReaderShared* shared) { ::munmap(shared, sizeof(ReaderShared)); }};
}

Reader::Reader(Ring& ring, std::unique_ptr<AuditSource> audit,
               std::unique_ptr<ProcConnector> connector, std::shared_ptr<ReaderShared> shared)
    : ring_(ring), shared_(std::move(shared)) {
    const std::size_t record = audit ? Ring::footprint(audit->max_record_bytes()) : 0;
    if (ring.capacity() < kProcReserve + kSmallReserve + 4 * record)
        throw std::invalid_argument("the ring is too small for the feeds");
    state_ = std::make_unique<State>(*this, std::move(audit), std::move(connector));
}

Reader::~Reader() {
    if (state_ && state_->thread.joinable()) {
        state_->io.stop();
        state_->thread.join();
    }
}

void Reader::start() {
    // Signals are the agent's business: none is delivered to this thread.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    state_->thread = std::thread([state = state_.get()] { state->run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Reader::stop() {
    asio::post(state_->io, [state = state_.get()] { state->begin_stop(); });
}

void Reader::ask_connector(std::uint32_t more) {
    asio::post(state_->io, [state = state_.get(), more] {
        if (!state->connector)
            return;
        try {
            state->connector->ask(more);
        } catch (const std::runtime_error&) {
            add(state->counters.proc_errors, 1);
        }
    });
}

void Reader::tell_loss(std::string_view source, std::uint64_t count, bool at_least,
                       std::int64_t since_ns) {
    asio::post(state_->io, [state = state_.get(), source, count, at_least, since_ns] {
        state->losses.add(source, count, at_least, since_ns);
        state->tell_losses();
        state->ring.publish();
    });
}

int Reader::join_and_release() {
    if (state_->thread.joinable())
        state_->thread.join();
    const int released = state_->connector ? state_->connector->release() : -1;
    join();
    return released;
}

void Reader::join() {
    if (state_->thread.joinable())
        state_->thread.join();
    state_->watched_audit.reset();
    state_->watched_connector.reset();
    state_->audit.reset();
    state_->connector.reset();
}

void Reader::State::run() {
    asio::co_spawn(io, tick(), asio::detached);
    if (audit)
        asio::co_spawn(io, watch_audit(), asio::detached);
    if (connector)
        asio::co_spawn(io, watch_connector(), asio::detached);
    io.run();
    finish();
}

asio::awaitable<void> Reader::State::watch_audit() {
    asio::steady_timer pause(io);
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    for (;;) {
        if (audit_paused) {
            pause.expires_after(kPause);
            co_await pause.async_wait(token);
        } else if (audit->buffered()) {
            co_await asio::post(token);
        } else {
            const bool found = !batch.records.empty();
            // Where events come thick the next ones are on their way: no wake by the first of them.
            if (pace.thick() && found)
                co_await asio::post(token);
            else
                co_await watched_audit->get().async_wait(asio::posix::stream_descriptor::wait_read,
                                                         token);
            // Not by a timer: what arrives would end that wait, record by record.
            if (!stopping && batch.records.size() < AuditSource::kMaxBatch)
                std::this_thread::sleep_for(pace.pause(monotonic_ns(), found));
        }
        service(audit_paused);
    }
}

asio::awaitable<void> Reader::State::watch_connector() {
    asio::steady_timer pause(io);
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    for (;;) {
        if (connector_paused) {
            pause.expires_after(kPause);
            co_await pause.async_wait(token);
        } else {
            co_await watched_connector->get().async_wait(asio::posix::stream_descriptor::wait_read,
                                                         token);
            const std::int64_t woken_ns = monotonic_ns();
            watched_connector->ignore();
            pause.expires_after(kGather);
            co_await pause.async_wait(token);
            watched_connector->heed();
            if (drained_ns > woken_ns)
                continue;  // audit records came; what came after them wakes again
        }
        service(true);
    }
}

asio::awaitable<void> Reader::State::tick() {
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    for (;;) {
        if (nanoseconds(CLOCK_MONOTONIC) - clock_mono_ns >=
            std::chrono::nanoseconds(kIdleClock).count()) {
            push_clock();
            tell_losses();
            ring.publish();
        }
        idle.expires_after(kIdleClock);
        co_await idle.async_wait(token);
    }
}

// How many records of the largest size surely fit, the connector's reserve left aside.
std::size_t Reader::State::audit_room() {
    const std::size_t reserve = kProcReserve + kSmallReserve;
    const std::size_t record = Ring::footprint(audit->max_record_bytes());
    const std::size_t free = ring.free_bytes();
    // One record's room is lost where the ring wraps.
    return free < reserve + 2 * record ? 0 : (free - reserve) / record - 1;
}

void Reader::State::service(bool urgent) {
    batch.clear();
    bool dropping = false;
    if (audit) {
        const std::size_t room = std::min(audit_room(), AuditSource::kMaxBatch);
        const bool drain = audit->must_drain();
        dropping = drain && room == 0;
        if (room != 0)
            audit->read(room, batch);
        else if (drain)
            drop_batch();
        else
            add(counters.audit_pauses, 1);
        audit_paused = (room == 0 && !drain) || batch.error != 0;
    }
    if (connector)
        drain_connector();
    push_batch();
    // While there is no room for records, tick() tells what was lost, four times a second.
    if (!dropping)
        tell_losses();
    const std::uint64_t used = ring.capacity() - ring.free_bytes();
    const bool any_end = std::any_of(batch.records.begin(), batch.records.end(), ends_event);
    ring.publish(urgent || any_end || batch.ended || batch.overrun || used > ring.capacity() / 4);
    if (used > counters.ring_peak.load(std::memory_order_relaxed))
        counters.ring_peak.store(used, std::memory_order_relaxed);
    if (batch.ended)
        io.stop();
}

void Reader::State::drop_batch() {
    audit->read(AuditSource::kMaxBatch, batch);
    const std::uint64_t dropped = batch.records.size();
    batch.records.clear();
    if (dropped == 0)
        return;
    add(counters.audit_dropped, dropped);
    losses.add(gap_source::kPlugin, dropped, false, nanoseconds(CLOCK_MONOTONIC));
}

void Reader::State::drain_connector() {
    const std::size_t free = ring.free_bytes();
    const std::size_t room = free < 2 * kSmallReserve
                                 ? 0
                                 : (free - kSmallReserve) / Ring::footprint(sizeof(ProcEvent)) - 1;
    connector_paused = room == 0;
    if (room == 0) {
        add(counters.proc_pauses, 1);
        return;
    }
    events.clear();
    const ProcDrain result = connector->drain(std::min(room, ProcConnector::kMaxDrain), events);
    // Each CPU's messages are in order; between CPUs their own time decides.
    const auto order = [](const ProcEvent& a, const ProcEvent& b) {
        return std::tie(a.ns, a.cpu, a.seq) < std::tie(b.ns, b.cpu, b.seq);
    };
    if (!std::is_sorted(events.begin(), events.end(), order))
        std::sort(events.begin(), events.end(), order);
    for (const ProcEvent& event : events) {
        Message message{};
        message.kind = MessageKind::proc_event;
        message.mono_ns = event.ns;
        message.bytes = {reinterpret_cast<const char*>(&event), sizeof event};
        push(message);
    }
    // The kernel drops from the overrun on until the socket is empty: the hole lies behind what was
    // still in it.
    if (result.overrun) {
        add(counters.proc_overruns, 1);
        losses.add(gap_source::kProc, 1, true, drained_ns);
    }
    drained_ns = nanoseconds(CLOCK_MONOTONIC);
    add(counters.proc_events, events.size());
    add(counters.proc_foreign, result.foreign);
    add(counters.proc_malformed, result.malformed);
    if (result.error != 0) {
        add(counters.proc_errors, 1);
        connector_paused = true;
    }
}

void Reader::State::push_clock() {
    clock_mono_ns = nanoseconds(CLOCK_MONOTONIC);
    clock_real_ns = nanoseconds(CLOCK_REALTIME);
    Message message{};
    message.kind = MessageKind::clock;
    message.mono_ns = clock_mono_ns;
    message.real_ns = clock_real_ns;
    push(message);
    add(counters.clocks, 1);
}

// Behind what was received before it. A full ring has other troubles: then they wait, and add up.
void Reader::State::tell_losses() {
    if (losses.any() && ring.free_bytes() >= 2 * kSmallReserve)
        push_losses();
}

void Reader::State::push_losses() {
    losses.tell_all([this](const std::string& text) {
        Message message{};
        message.kind = MessageKind::loss;
        message.mono_ns = nanoseconds(CLOCK_MONOTONIC);
        message.bytes = text;
        push(message);
    });
}

void Reader::State::push_batch() {
    add(counters.audit_foreign, batch.foreign);
    add(counters.audit_cut, batch.cut);
    add(counters.audit_control, batch.control);
    if (batch.error != 0)
        add(counters.audit_errors, 1);
    if (batch.overrun) {
        add(counters.audit_overruns, 1);
        // How many, if any, the kernel's count or the serial numbers tell: it may have tried again.
        losses.add(gap_source::kAudit, 0, true, clock_mono_ns);
    }
    if (batch.cut != 0)
        losses.add(gap_source::kAudit, batch.cut, false, clock_mono_ns);
    if (batch.records.empty())
        return;
    push_clock();
    std::uint64_t bytes = 0;
    for (const AuditBatch::Record& record : batch.records) {
        Message message{record.kind, record.audit_type, clock_mono_ns, clock_real_ns, record.bytes};
        push(message);
        bytes += record.bytes.size();
    }
    add(counters.audit_records, batch.records.size());
    add(counters.audit_bytes, bytes);
    add(counters.audit_batches, 1);
}

void Reader::State::push(const Message& message) {
    if (ring.push(message))
        return;
    add(counters.refused, 1);
    if (message.kind != MessageKind::clock)
        losses.add(gap_source::kRing, 1, false, clock_mono_ns);
}

void Reader::State::begin_stop() {
    if (stopping)
        return;
    stopping = true;
    deadline.expires_after(audit ? audit->drain_time() : std::chrono::milliseconds{});
    deadline.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        service(true);
        io.stop();
    });
}

void Reader::State::finish() {
    push_clock();
    push_losses();
    ring.publish();
    reader.shared_->finished.store(true, std::memory_order_release);
    ring.wake();
}

}  // namespace audisp_eql::collector
