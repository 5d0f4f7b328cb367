// SPDX-License-Identifier: Apache-2.0
// The reader with a plugin's socket (no privilege needed); the kernel's feeds are in tests/live.
#include "collector/feed/reader.hpp"

#include <chrono>
#include <functional>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/socket.h>

#include "collector/feed/loss.hpp"
#include "collector/feed/plugin.hpp"

namespace audisp_eql::collector {
namespace {

using Clock = std::chrono::steady_clock;

// Takes messages until the reader has finished, or `patience` is over.
bool consume(Ring& ring, const Reader& reader, std::chrono::milliseconds patience,
             const std::function<void(const Message&)>& take) {
    const auto until = Clock::now() + patience;
    for (Message message{};;) {
        for (; ring.front(message); ring.release())
            take(message);
        if (reader.finished() && !ring.front(message))
            return true;
        if (Clock::now() > until)
            return false;
        if (ring.prepare_wait()) {
            pollfd waiting{ring.wait_descriptor(), POLLIN, 0};
            ::poll(&waiting, 1, 1000);
            ring.acknowledge_wake();
        }
    }
}

struct Socket {
    int ours = -1, readers = -1;
    Socket() {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        ours = ends[0];
        readers = ends[1];
    }
    ~Socket() {
        hang_up();
        ::close(readers);
    }
    void hang_up() {
        if (ours >= 0)
            ::close(ours);
        ours = -1;
    }
    void write(const std::string& text) const {
        for (std::size_t done = 0; done < text.size();) {
            const auto wrote = ::write(ours, text.data() + done, text.size() - done);
            if (wrote <= 0)
                return;
            done += static_cast<std::size_t>(wrote);
        }
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(feed)

BOOST_AUTO_TEST_CASE(reader_stamps_each_batch_and_ends_with_its_input) {
    Socket socket;
    Ring ring;
    Reader reader(ring, std::make_unique<PluginInput>(socket.readers), nullptr);
    reader.start();
    constexpr int kLines = 50'000;
    std::thread auditd([&] {
        for (int i = 0; i < kLines; ++i)
            socket.write("line " + std::to_string(i) + "\n");
        socket.hang_up();
    });
    int next = 0, wrong = 0;
    std::int64_t clock_ns = 0, last_ns = 0;
    const bool ended = consume(ring, reader, std::chrono::seconds(60), [&](const Message& message) {
        wrong += message.mono_ns < last_ns ? 1 : 0;
        last_ns = message.mono_ns;
        if (message.kind == MessageKind::clock) {
            clock_ns = message.mono_ns;
            wrong += message.real_ns > 1'600'000'000'000'000'000 ? 0 : 1;
        } else {
            wrong += message.bytes == "line " + std::to_string(next++) ? 0 : 1;
            wrong += message.mono_ns == clock_ns ? 0 : 1;
        }
    });
    auditd.join();
    reader.join();
    BOOST_TEST(ended);
    BOOST_TEST(next == kLines);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(reader.counters().audit_records.load() == static_cast<std::uint64_t>(kLines));
    BOOST_TEST(reader.counters().refused.load() == 0U);
}

// A worker that stands still costs auditd nothing: what does not fit is dropped, and said to the
// line.
BOOST_AUTO_TEST_CASE(reader_drains_a_plugin_s_input_whatever_the_worker_does) {
    Socket socket;
    Ring ring(std::size_t{8} << 20);
    Reader reader(ring, std::make_unique<PluginInput>(socket.readers), nullptr);
    reader.start();
    constexpr std::uint64_t kLines = 8000;
    const std::string filling(4000, 'x');
    for (std::uint64_t i = 0; i < kLines; ++i)
        socket.write(std::to_string(i) + " " + filling + "\n");
    socket.hang_up();
    std::uint64_t lines = 0, lost = 0;
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(60), [&](const Message& message) {
        if (message.kind == MessageKind::audit_line)
            ++lines;
        if (message.kind != MessageKind::loss)
            return;
        BOOST_TEST(message.bytes.starts_with("feed=plugin count="));
        lost += std::stoull(std::string(message.bytes.substr(18)));
    }));
    reader.join();
    BOOST_TEST(lines > 100U);
    BOOST_TEST(lost > 1000U);
    BOOST_TEST(lines + lost == kLines);
    BOOST_TEST(reader.counters().audit_dropped.load() == lost);
    BOOST_TEST(reader.counters().refused.load() == 0U);
}

// Where the kernel keeps what is not read, a full ring stops reading.
class PatientSource final : public AuditSource {
  public:
    explicit PatientSource(int descriptor) : input_(descriptor) {}
    int descriptor() const override { return input_.descriptor(); }
    std::size_t max_record_bytes() const override { return input_.max_record_bytes(); }
    void read(std::size_t max_records, AuditBatch& batch) override {
        input_.read(max_records, batch);
    }
    bool buffered() const override { return input_.buffered(); }
    std::chrono::milliseconds drain_time() const override { return input_.drain_time(); }

  private:
    PluginInput input_;
};

BOOST_AUTO_TEST_CASE(reader_stops_reading_when_the_ring_is_full) {
    Socket socket;
    Ring ring(std::size_t{8} << 20);
    Reader reader(ring, std::make_unique<PatientSource>(socket.readers), nullptr);
    reader.start();
    constexpr int kLines = 4000;
    const std::string filling(4000, 'x');
    std::thread auditd([&] {
        for (int i = 0; i < kLines; ++i)
            socket.write(std::to_string(i) + " " + filling + "\n");
        socket.hang_up();
    });
    const auto until = Clock::now() + std::chrono::seconds(20);
    while (reader.counters().audit_pauses.load() == 0 && Clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    BOOST_TEST(reader.counters().audit_pauses.load() > 0U);
    int next = 0, wrong = 0;
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(60), [&](const Message& message) {
        if (message.kind == MessageKind::audit_line)
            wrong += message.bytes.starts_with(std::to_string(next++) + " x") ? 0 : 1;
    }));
    auditd.join();
    reader.join();
    BOOST_TEST(next == kLines);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(reader.counters().refused.load() == 0U);
}

BOOST_AUTO_TEST_CASE(reader_passes_on_what_others_say_was_lost) {
    Socket socket;
    Ring ring;
    Reader reader(ring, std::make_unique<PluginInput>(socket.readers), nullptr);
    reader.start();
    reader.tell_loss(gap_source::kKernel, 7, true, 123);
    const auto until = Clock::now() + std::chrono::seconds(30);
    std::string told;
    while (told.empty() && Clock::now() < until) {
        for (Message message{}; ring.front(message); ring.release())
            if (message.kind == MessageKind::loss)
                told = message.bytes;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    BOOST_TEST(told == "feed=kernel count=7 at_least=1 since=123");
    socket.hang_up();
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(30), [](const Message&) {}));
    reader.join();
}

BOOST_AUTO_TEST_CASE(reader_tells_the_time_when_nothing_happens) {
    Socket socket;
    Ring ring;
    Reader reader(ring, std::make_unique<PluginInput>(socket.readers), nullptr);
    reader.start();
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
    socket.hang_up();
    int clocks = 0;
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(10), [&](const Message& message) {
        clocks += message.kind == MessageKind::clock ? 1 : 0;
    }));
    reader.join();
    BOOST_TEST(clocks >= 3);
    BOOST_TEST(clocks <= 8);
}

// SIGTERM to a plugin: what auditd still sends is read, but not for ever.
BOOST_AUTO_TEST_CASE(reader_stop_reads_on_for_at_most_two_seconds) {
    Socket socket;
    Ring ring;
    Reader reader(ring, std::make_unique<PluginInput>(socket.readers), nullptr);
    reader.start();
    const auto before = Clock::now();
    reader.stop();
    reader.stop();
    std::thread auditd([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        socket.write("late\n");
    });
    bool late = false;
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(30),
                       [&](const Message& message) { late = late || message.bytes == "late"; }));
    const auto took = Clock::now() - before;
    auditd.join();
    reader.join();
    BOOST_TEST(late);
    BOOST_TEST((took >= std::chrono::milliseconds(1900)));
    BOOST_TEST((took < std::chrono::seconds(10)));
}

BOOST_AUTO_TEST_CASE(reader_without_feeds_stops_when_asked) {
    Ring ring;
    Reader reader(ring, nullptr, nullptr);
    reader.start();
    reader.stop();
    BOOST_TEST(consume(ring, reader, std::chrono::seconds(10), [](const Message&) {}));
    reader.join();
    Ring tiny(std::size_t{256} << 10);
    BOOST_CHECK_THROW(Reader(tiny, nullptr, nullptr), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
