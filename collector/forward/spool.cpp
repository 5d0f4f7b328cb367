// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kPrefix = "alerts-", kSuffix = ".spool";
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;  // alerts hold command lines

std::int64_t wall_now() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string read_all(int descriptor) {
    std::string all;
    struct stat about {};
    if (fstat(descriptor, &about) != 0 || about.st_size <= 0)
        return all;
    all.resize(static_cast<std::size_t>(about.st_size));
    std::size_t got = 0;
    while (got < all.size()) {
        const ssize_t size =
            pread(descriptor, all.data() + got, all.size() - got, static_cast<off_t>(got));
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        got += static_cast<std::size_t>(size);
    }
    all.resize(got);
    return all;
}

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

}  // namespace

Spool::Segment::~Segment() {
    if (descriptor >= 0)
        close(descriptor);
}

Spool::Spool(SpoolOptions options, Warning warn, Clock now)
    : options_(std::move(options)),
      warn_(std::move(warn)),
      now_(now ? std::move(now) : Clock(wall_now)) {
    open_directory();
}

Spool::~Spool() {
    if (directory_ >= 0) {
        flush([](const std::function<void()>& work) { work(); });
        close(directory_);
    }
    if (lock_ >= 0)
        close(lock_);
}

// -- Opening ----------------------------------------------------------------------------------

// Where the privileged process of another run was killed, its worker is just working off the rest.
static bool take_lock(int lock) {
    constexpr int kTries = 300;
    for (int i = 0; i < kTries; ++i) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK)
            return false;
        usleep(10'000);
    }
    errno = EWOULDBLOCK;
    return false;
}

void Spool::open_directory() {
    if (options_.directory.empty())
        return;
    directory_ = open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory_ < 0)
        return not_written(std::strerror(errno));
    lock_ = openat(directory_, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
    if (lock_ < 0 || !take_lock(lock_)) {
        const int error = errno;
        close(std::exchange(directory_, -1));
        return not_written(error == EWOULDBLOCK ? "another audisp-eql has it"
                                                : std::strerror(error));
    }
    read_positions();
    read_segments();
}

void Spool::read_segments() {
    std::vector<std::shared_ptr<Segment>> segments;
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(options_.directory, ignored)) {
        const std::string name = file.path().filename();
        if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix))
            continue;
        auto segment = std::make_shared<Segment>();
        const char* const digits = name.data() + kPrefix.size();
        std::from_chars(digits, name.data() + name.size() - kSuffix.size(), segment->first);
        segment->path = file.path();
        segments.push_back(std::move(segment));
    }
    std::ranges::sort(segments, {}, [](const auto& segment) { return segment->first; });
    for (const auto& segment : segments)
        read_segment(segment);
    for (const auto& [name, position] : saved_positions_)
        end_ = std::max(end_, position);  // numbers whose alert a power failure took
    if (end_ > kMaxSpoolNumber / 2)
        begin_anew();
    enforce_bounds();
}

// Whoever wrote such numbers was not this program; those that follow would soon be refused, too.
void Spool::begin_anew() {
    warn_(fmt::format("the alerts in {} have numbers that no spool comes to, and are left out",
                      options_.directory));
    counters_.dropped += entries_.size();
    for (const Entry& entry : entries_)
        unlink(entry.segment->path.c_str());
    entries_.clear();
    if (last_ != nullptr)
        unlink(last_->path.c_str());
    last_ = nullptr;
    counters_.bytes = 0;
    saved_positions_.clear();
    end_ = 1;
}

// Up to the first record that is not whole: the program may have died while it wrote it.
void Spool::read_segment(const std::shared_ptr<Segment>& segment) {
    segment->descriptor = open(segment->path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (segment->descriptor < 0)
        return not_written(std::strerror(errno));
    const std::string bytes = read_all(segment->descriptor);
    for (auto head = look_at_record(bytes); head;
         head = look_at_record(std::string_view(bytes).substr(segment->bytes))) {
        if (head->number >= end_) {
            entries_.push_back(
                {head->number, head->raised_us, segment->bytes, head->size, segment, {}});
            ++segment->entries;
            end_ = head->number + 1;
        }
        segment->bytes += head->size;
    }
    if (segment->bytes < bytes.size()) {
        warn_(fmt::format("{}: the last {} bytes are no whole alert and are left out",
                          segment->path, bytes.size() - segment->bytes));
        if (ftruncate(segment->descriptor, static_cast<off_t>(segment->bytes)) != 0)
            return;  // no more is written to it
    }
    counters_.bytes += segment->bytes;
    leave_last();
    last_ = segment;
}

void Spool::read_positions() {
    const int file = openat(directory_, "positions", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return;
    const std::string text = read_all(file);
    close(file);
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        std::uint64_t number = 0;
        const std::size_t space = line.find(' ');
        const auto [stop, error] =
            std::from_chars(line.data(), line.data() + std::min(space, line.size()), number);
        if (error == std::errc() && space < line.size() && stop == line.data() + space &&
            number < kMaxSpoolNumber)
            saved_positions_[std::string(line.substr(space + 1))] = number;
    }
}

// A new file in the place of the old one: no reader ever sees half of it.
void Spool::write_positions() {
    if (!std::exchange(positions_changed_, false) || directory_ < 0)
        return;
    std::string text;
    for (const auto& [name, number] : positions_)
        if (remembered_[name])
            text += fmt::format("{} {}\n", number, name);
    const int file = openat(directory_, "positions.new",
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
    if (file < 0)
        return;
    const bool whole = write_all(file, text);
    close(file);
    if (whole)
        renameat(directory_, "positions.new", directory_, "positions");
}

// -- Writing ----------------------------------------------------------------------------------

void Spool::append(const detect::Alert& alert) {
    ++counters_.raised;
    SpooledAlert spooled{end_++, now_(), alert};
    Entry entry{spooled.number, spooled.raised_us, 0, 0, nullptr, nullptr};
    if (directory_ < 0 || !write(entry, write_record(spooled))) {
        counters_.not_written += options_.directory.empty() ? 0 : 1;
        entry.size = alert.json.size() * 2;  // the text and what it was made from
        entry.in_memory = std::make_shared<SpooledAlert>(std::move(spooled));
        ++in_memory_;
        bytes_in_memory_ += entry.size;
    } else {
        current_ = std::move(spooled);  // what outputs ask for next
    }
    entries_.push_back(std::move(entry));
    enforce_bounds();
}

std::shared_ptr<Spool::Segment> Spool::segment_for(std::size_t bytes) {
    if (last_ != nullptr && last_->bytes + bytes <= kSegmentBytes)
        return last_;
    if (last_ != nullptr && last_->bytes == 0)
        return last_;
    auto segment = std::make_shared<Segment>();
    segment->first = end_ - 1;
    segment->path =
        fmt::format("{}/{}{:020}{}", options_.directory, kPrefix, segment->first, kSuffix);
    segment->descriptor =
        open(segment->path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
             kOwnerOnly);
    return segment->descriptor < 0 ? nullptr : segment;
}

bool Spool::write(Entry& entry, const std::string& record) {
    const auto segment = segment_for(record.size());
    if (segment == nullptr) {
        not_written(std::strerror(errno));
        return false;
    }
    if (!write_all(segment->descriptor, record)) {
        const int error = errno;
        // A part of it may be there.
        if (ftruncate(segment->descriptor, static_cast<off_t>(segment->bytes)) != 0)
            last_ = nullptr;
        not_written(std::strerror(error));
        return false;
    }
    if (last_ != segment)
        leave_last();
    last_ = segment;
    ++segment->entries;
    entry.segment = segment;
    entry.offset = segment->bytes;
    entry.size = record.size();
    segment->bytes += record.size();
    counters_.bytes += record.size();
    dirty_ = true;
    written_again();
    return true;
}

// The file that was written to is full.
void Spool::leave_last() {
    if (last_ == nullptr)
        return;
    if (last_->entries > 0) {
        if (std::exchange(dirty_, false))
            full_.push_back(last_);  // flush() hands it to the disk; that can take a second
        return;
    }
    unlink(last_->path.c_str());
    counters_.bytes -= last_->bytes;
}

void Spool::not_written(const std::string& why) {
    if (std::exchange(counters_.trouble, why) != why && warn_)
        warn_(fmt::format("alerts are not kept on disk in {}: {}; the newest {} are kept in memory",
                          options_.directory, why, kMaxInMemory));
}

void Spool::written_again() {
    if (!counters_.trouble.empty() && warn_)
        warn_(fmt::format("alerts are kept on disk in {} again", options_.directory));
    counters_.trouble.clear();
}

// -- Bounds -----------------------------------------------------------------------------------

void Spool::drop_front(bool lost) {
    const Entry entry = std::move(entries_.front());
    entries_.pop_front();
    counters_.dropped += lost ? 1 : 0;
    if (entry.in_memory != nullptr) {
        --in_memory_;
        bytes_in_memory_ -= entry.size;
        return;
    }
    // The file goes with its last alert, but not the one that is written to.
    if (--entry.segment->entries == 0 && entry.segment != last_) {
        unlink(entry.segment->path.c_str());
        counters_.bytes -= entry.segment->bytes;
    }
}

void Spool::enforce_bounds() {
    std::uint64_t slowest = end_;
    for (const auto& [name, position] : positions_)
        slowest = std::min(slowest, position);
    while (in_memory_ > kMaxInMemory || bytes_in_memory_ > kMaxBytesInMemory ||
           (counters_.bytes > options_.max_bytes && !entries_.empty() &&
            entries_.front().segment != last_))
        drop_front(entries_.front().number >= slowest);
}

void Spool::drop_taken() {
    std::uint64_t keep = resend_from();
    for (const auto& [name, position] : positions_)
        keep = std::min(keep, position);
    while (!entries_.empty() && entries_.front().number < keep)
        drop_front(false);
}

// -- Reading ----------------------------------------------------------------------------------

std::deque<Spool::Entry>::const_iterator Spool::find(std::uint64_t number) const {
    return std::ranges::lower_bound(entries_, number, {}, &Entry::number);
}

Spool::Place Spool::join(const std::string& name, bool remembers) {
    const auto saved = saved_positions_.find(name);
    Place place{end_, end_};
    if (remembers && saved != saved_positions_.end())
        place = {saved->second, 0};
    positions_[name] = place.next;
    remembered_[name] = remembers;
    positions_changed_ = true;
    write_positions();
    return place;
}

void Spool::taken(const std::string& name, std::uint64_t number) {
    positions_[name] = number;
    positions_changed_ = true;
    if (const std::int64_t now = now_();
        now - positions_written_us_ >= kPositionsEvery || now < positions_written_us_) {
        positions_written_us_ = now;
        write_positions();
    }
}

const SpooledAlert* Spool::next(std::uint64_t number) {
    for (auto at = find(number); at != entries_.end(); at = find(number)) {
        if (at->in_memory != nullptr)
            return at->in_memory.get();
        if (current_.number == at->number)
            return &current_;
        std::string bytes(at->size, '\0');
        const ssize_t size = pread(at->segment->descriptor, bytes.data(), bytes.size(),
                                   static_cast<off_t>(at->offset));
        auto alert = size == static_cast<ssize_t>(bytes.size()) ? read_record(bytes) : std::nullopt;
        if (alert) {
            current_ = std::move(*alert);
            return &current_;
        }
        ++counters_.dropped;
        number = at->number + 1;
    }
    return nullptr;
}

std::uint64_t Spool::resend_from() const {
    const std::int64_t since = now_() - options_.resend_us;
    // From the end: after a step of the clock the times are in no order.
    auto at = entries_.end();
    while (at != entries_.begin() && std::prev(at)->raised_us >= since)
        --at;
    return at == entries_.end() ? end_ : at->number;
}

std::size_t Spool::count_from(std::uint64_t number) const {
    return static_cast<std::size_t>(entries_.end() - find(number));
}

void Spool::flush(const std::function<void(std::function<void()>)>& run) {
    drop_taken();
    write_positions();
    if (std::exchange(dirty_, false) && last_ != nullptr)
        full_.push_back(last_);
    for (auto& segment : full_)
        run([segment] { fdatasync(segment->descriptor); });
    full_.clear();
}

SpoolCounters Spool::counters() const {
    SpoolCounters now = counters_;
    now.kept = entries_.size();
    return now;
}

}  // namespace audisp_eql::collector
