// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/assembler.hpp"

#include <algorithm>
#include <array>

#include <boost/container_hash/hash.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

namespace audisp_eql::collector {

namespace {

// What of an event's records has been seen.
enum Seen : std::uint8_t {
    kSeenSyscall = 1,    // SYSCALL, or what the kernel writes in its place: URINGOP
    kSeenPart = 2,       // a record that only comes with a SYSCALL
    kSeenProctitle = 4,  // the last one before EOE
};

bool is_single(std::uint16_t type) {
    return (type >= audit_type::kUserFirst && type <= audit_type::kDaemonLast) ||
           type == audit_type::kEventListener || type == audit_type::kKernel ||
           (type >= audit_type::kUser2First && type <= audit_type::kUser2Last);
}

std::uint8_t seen_by(std::uint16_t type) {
    switch (type) {
        case audit_type::kSyscall:
        case audit_type::kUringop:
            return kSeenSyscall;
        case audit_type::kProctitle:
            return kSeenPart | kSeenProctitle;
        case audit_type::kPath:
        case audit_type::kSocketcall:
        case audit_type::kSockaddr:
        case audit_type::kCwd:
        case audit_type::kExecve:
        case audit_type::kBprmFcaps:
            return kSeenPart;
        default:
            return 0;
    }
}

struct Key {
    EventKey event;
    // Nodes of an aggregated log, by hash: the serial and the millisecond must agree as well.
    std::size_t node = 0;
    bool operator==(const Key&) const = default;
};

struct KeyHash {
    std::size_t operator()(const Key& key) const {
        std::size_t hash = key.node;
        boost::hash_combine(hash, key.event.serial);
        boost::hash_combine(hash, key.event.time_ms);
        return hash;
    }
};

}  // namespace

struct Assembler::State {
    struct Slot : boost::intrusive::list_base_hook<> {
        AuditEvent event;
        Key key;
        std::int64_t started_ns = 0;
        std::size_t execve_bytes = 0;
        std::uint8_t seen = 0;
    };
    using Fifo = boost::intrusive::list<Slot>;

    enum class Why { ended, time, finish, evicted };

    // Buffers that one large event made are not kept for the small ones that follow.
    static constexpr std::size_t kKeptBytes = 16 * 1024;
    // More than are in flight in ordinary work.
    static constexpr std::size_t kKeptSlots = 64;

    AuditEventSink& sink;
    AssemblerCounters& counters;

    boost::unordered_flat_map<Key, Slot*, KeyHash> by_key;
    Fifo in_flight;  // by start
    std::vector<std::unique_ptr<Slot>> free;
    std::size_t bytes_in_flight = 0;
    Slot* last = nullptr;  // most records belong to the event of the one before
    Slot single;

    bool any_record = false;
    bool received = false;  // the input's records have receive times: it is live or was
    bool expect_eoe = false;
    bool eoe_seen = false;
    // Ended by PROCTITLE just before the input showed its first EOE: theirs are no orphans. 15
    // events are in flight at most in measured load.
    std::array<Key, 16> ended_by_proctitle{};
    std::size_t next_ended = 0;

    State(AuditEventSink& to, AssemblerCounters& count) : sink(to), counters(count) {}
    ~State() {
        in_flight.clear_and_dispose([](Slot* slot) { delete slot; });
    }

    void begin_input(bool with_receive_times) {
        any_record = true;
        received = with_receive_times;
        expect_eoe = with_receive_times;
        eoe_seen = false;
    }

    Slot* find(const Key& key) {
        if (last && last->key == key)
            return last;
        const auto found = by_key.find(key);
        return found == by_key.end() ? nullptr : found->second;
    }

    static void reset(Slot& slot, const Key& key, std::string_view node, std::int64_t received_ns) {
        AuditEvent& event = slot.event;
        event.key_ = key.event;
        event.node_ = node;
        event.bytes_.clear();
        event.records_.clear();
        event.received_ns_ = event.first_received_ns_ = received_ns;
        event.complete_ = event.truncated_ = false;
        slot.key = key;
        slot.execve_bytes = 0;
        slot.seen = 0;
    }

    Slot* begin(const Key& key, const RawRecord& record, std::int64_t now_ns) {
        if (in_flight.size() >= kMaxInFlight)
            let_go(in_flight.front(), Why::evicted);
        std::unique_ptr<Slot> slot;
        if (free.empty()) {
            slot = std::make_unique<Slot>();
        } else {
            slot = std::move(free.back());
            free.pop_back();
        }
        reset(*slot, key, record.node, record.received_ns);
        slot->started_ns = now_ns;
        by_key.emplace(key, slot.get());
        in_flight.push_back(*slot);
        return slot.release();
    }

    void store(Slot& slot, const RawRecord& record, std::string_view body) {
        AuditEvent& event = slot.event;
        slot.seen |= seen_by(record.type);
        event.received_ns_ = record.received_ns;
        const bool is_execve = record.type == audit_type::kExecve;
        if (event.records_.size() >= kMaxEventRecords ||
            event.bytes_.size() + body.size() > kMaxEventBytes ||
            (is_execve && slot.execve_bytes + body.size() > kMaxExecveBytes)) {
            event.truncated_ = true;
            ++counters.capped_records;
            return;
        }
        if (is_execve)
            slot.execve_bytes += body.size();
        event.records_.push_back({record.type, static_cast<std::uint32_t>(event.bytes_.size()),
                                  static_cast<std::uint32_t>(body.size())});
        event.bytes_ += body;
    }

    bool whole(const Slot& slot, Why why) {
        if (!(slot.seen & (kSeenSyscall | kSeenPart)))
            return why != Why::evicted;  // of no system call: has no end mark
        const bool has_head = slot.seen & kSeenSyscall;
        if (why == Why::ended) {
            if (!has_head)
                ++counters.without_syscall;
            return has_head;
        }
        const bool ends_with_proctitle = (slot.seen & kSeenProctitle) && !eoe_seen;
        if (ends_with_proctitle && why == Why::time)
            expect_eoe = false;
        if (ends_with_proctitle && has_head && why != Why::evicted)
            return true;
        if (why != Why::evicted)
            ++counters.incomplete;
        return false;
    }

    void let_go(Slot& slot, Why why) {
        slot.event.complete_ = whole(slot, why);
        if (why == Why::evicted)
            ++counters.evicted;
        by_key.erase(slot.key);
        in_flight.erase(in_flight.iterator_to(slot));
        bytes_in_flight -= slot.event.bytes_.size();
        if (last == &slot)
            last = nullptr;
        ++counters.events;
        sink.on_audit_event(slot.event);
        keep(&slot);
    }

    void keep(Slot* released) {
        std::unique_ptr<Slot> slot(released);
        if (free.size() >= kKeptSlots)
            return;
        if (slot->event.bytes_.capacity() > kKeptBytes) {
            slot->event.bytes_.clear();
            slot->event.bytes_.shrink_to_fit();
        }
        free.push_back(std::move(slot));
    }

    void on_eoe(const Key& key, std::int64_t received_ns) {
        expect_eoe = eoe_seen = true;
        if (Slot* slot = find(key)) {
            slot->event.received_ns_ = received_ns;
            let_go(*slot, Why::ended);
            return;
        }
        if (std::find(ended_by_proctitle.begin(), ended_by_proctitle.end(), key) ==
            ended_by_proctitle.end())
            ++counters.orphans;
    }

    void on_single(const Key& key, const RawRecord& record, std::string_view body) {
        reset(single, key, record.node, record.received_ns);
        store(single, record, body);
        single.event.complete_ = true;
        ++counters.events;
        sink.on_audit_event(single.event);
    }

    void on_part(const Key& key, const RawRecord& record, std::string_view body,
                 std::int64_t now_ns) {
        Slot* slot = find(key);
        if (!slot)
            slot = begin(key, record, now_ns);
        last = slot;
        const std::size_t before = slot->event.bytes_.size();
        store(*slot, record, body);
        bytes_in_flight += slot->event.bytes_.size() - before;
        if (record.type == audit_type::kProctitle && !expect_eoe) {
            ended_by_proctitle[next_ended++ % ended_by_proctitle.size()] = key;
            let_go(*slot, Why::ended);
        }
        while (bytes_in_flight > kMaxBytesInFlight)
            let_go(in_flight.front(), Why::evicted);
    }
};

std::string_view AuditEvent::body_of(std::uint16_t type) const {
    for (const Record& record : records_) {
        if (record.type == type)
            return body(record);
    }
    return {};
}

bool AuditEvent::has(std::uint16_t type) const {
    return std::any_of(records_.begin(), records_.end(),
                       [type](const Record& record) { return record.type == type; });
}

Assembler::Assembler(AuditEventSink& sink)
    : sink_(sink), state_(std::make_unique<State>(sink_, counters_)) {}

Assembler::~Assembler() = default;

void Assembler::add(const RawRecord& record, std::int64_t now_ns) {
    add(record, parse_head(record.bytes), now_ns);
}

void Assembler::add(const RawRecord& record, const std::optional<RecordHead>& head,
                    std::int64_t now_ns) {
    ++counters_.records;
    if (!head) {
        ++counters_.unparsed;
        return;
    }
    if (const bool received = record.received_ns != 0;
        !state_->any_record || received != state_->received)
        state_->begin_input(received);
    Key key{head->key, 0};
    if (!record.node.empty())
        key.node = boost::hash<std::string_view>()(record.node);
    if (record.type == audit_type::kEoe)
        state_->on_eoe(key, record.received_ns);
    else if (is_single(record.type))
        state_->on_single(key, record, head->body);
    else
        state_->on_part(key, record, head->body, now_ns);
}

void Assembler::advance(std::int64_t now_ns) {
    State::Fifo& waiting = state_->in_flight;
    while (!waiting.empty() && waiting.front().started_ns + kTimeoutNs <= now_ns)
        state_->let_go(waiting.front(), State::Why::time);
}

void Assembler::finish() {
    while (!state_->in_flight.empty())
        state_->let_go(state_->in_flight.front(), State::Why::finish);
}

std::size_t Assembler::in_flight() const {
    return state_->in_flight.size();
}

}  // namespace audisp_eql::collector
