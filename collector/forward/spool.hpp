// SPDX-License-Identifier: Apache-2.0
// The alerts that were raised and have not arrived everywhere: a log in numbered order, on disk
// where there is a directory for it, from which each output reads at its own place.
//
// An alert is in its file (write(2)) before any output tries it, so it survives the program's death
// at any moment; flush() hands what was written to the disk, and is called each second: a power
// failure can cost that second. Files: alerts-NUMBER.spool, of which the oldest go when there are
// too many bytes; `positions`, how far each output is; `lock`. What can't be written (no directory,
// full disk) is kept in memory, within smaller bounds.
//
// Memory: owns its files and what it keeps in memory. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/forward/spool_record.hpp"

namespace audisp_eql::collector {

struct SpoolOptions {
    std::string directory;  // empty, or not there: in memory
    std::size_t max_bytes = 64 << 20;
    // Alerts that an output had less than this before its receiver changed go out again.
    std::int64_t resend_us = 30'000'000;
};

struct SpoolCounters {
    std::uint64_t raised = 0;
    std::uint64_t not_written = 0;  // to disk, though there is a directory: kept in memory
    std::uint64_t dropped = 0;      // by the bounds, or unreadable: before every output had them
    std::uint64_t bytes = 0;        // on disk now
    std::uint64_t kept = 0;         // alerts now
    std::string trouble;            // why alerts are not written; empty: they are
};

class Spool {
  public:
    // While syslog restarts: 1000 alerts of 8 kB are 8 MB. Whole ones can have a megabyte each.
    static constexpr std::size_t kMaxInMemory = 1000;
    static constexpr std::size_t kMaxBytesInMemory = 64 << 20;
    // Small enough that dropping one loses little, large enough that files are few.
    static constexpr std::size_t kSegmentBytes = 4 << 20;

    // So much of a burst goes out twice when the program is killed in it, at most.
    static constexpr std::int64_t kPositionsEvery = 100'000;  // microseconds

    using Warning = std::function<void(const std::string&)>;
    using Clock = std::function<std::int64_t()>;  // wall time, microseconds

    Spool(SpoolOptions options, Warning warn, Clock now = {});
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    void append(const detect::Alert& alert);

    // Where an output of this name goes on: where it was when the program ended; a new one gets
    // what is raised from now on. `remembers` false: always that.
    struct Place {
        std::uint64_t next;
        std::uint64_t oldest;  // nothing before it was ever this output's
    };
    Place join(const std::string& name, bool remembers);
    // All before `number` has been taken by that output.
    void taken(const std::string& name, std::uint64_t number);
    // The first alert from `number` on; null: there is none yet. Valid until the next call.
    const SpooledAlert* next(std::uint64_t number);
    // The number of the next alert to be raised.
    std::uint64_t end() const { return end_; }
    // The number of the oldest that is kept; end() if there is none.
    std::uint64_t first() const { return entries_.empty() ? end_ : entries_.front().number; }
    // The first number raised within the time that goes out again.
    std::uint64_t resend_from() const;
    std::size_t count_from(std::uint64_t number) const;

    // Positions and data to the disk, without waiting for it: the work is done by `run` in the
    // background, which gets a function to call on any thread. Each second, and at the end.
    void flush(const std::function<void(std::function<void()>)>& run);
    SpoolCounters counters() const;
    // What waits is there after a restart.
    bool is_on_disk() const { return directory_ >= 0 && in_memory_ == 0; }

  private:
    struct Segment {
        ~Segment();
        std::uint64_t first = 0;
        std::string path;
        int descriptor = -1;
        std::size_t bytes = 0, entries = 0;
    };
    struct Entry {
        std::uint64_t number;
        std::int64_t raised_us;
        std::size_t offset = 0, size = 0;  // in its file
        std::shared_ptr<Segment> segment;  // null: in memory
        std::shared_ptr<SpooledAlert> in_memory;
    };

    void open_directory();
    void read_segments();
    void begin_anew();
    void read_segment(const std::shared_ptr<Segment>& segment);
    void read_positions();
    void write_positions();
    bool write(Entry& entry, const std::string& record);
    std::shared_ptr<Segment> segment_for(std::size_t bytes);
    void leave_last();
    void not_written(const std::string& why);
    void written_again();
    void enforce_bounds();
    void drop_taken();
    void drop_front(bool lost);
    std::deque<Entry>::const_iterator find(std::uint64_t number) const;

    SpoolOptions options_;
    Warning warn_;
    Clock now_;
    int directory_ = -1, lock_ = -1;
    std::uint64_t end_ = 1;
    std::deque<Entry> entries_;  // by number
    std::shared_ptr<Segment> last_;
    std::vector<std::shared_ptr<Segment>> full_;  // not yet handed to the disk
    std::size_t in_memory_ = 0, bytes_in_memory_ = 0;
    std::map<std::string, std::uint64_t> saved_positions_, positions_;
    std::map<std::string, bool> remembered_;
    std::int64_t positions_written_us_ = 0;
    bool dirty_ = false, positions_changed_ = false;
    SpooledAlert current_;
    SpoolCounters counters_;
};

}  // namespace audisp_eql::collector
