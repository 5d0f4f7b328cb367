// SPDX-License-Identifier: Apache-2.0
// Pushes, publications, reads and releases in any order, and any bytes written over what lies in
// the ring. Until something is written over, it gives what was pushed, in order. Afterwards
// whatever it gives lies within the ring or is a loss, it runs empty, and what is pushed then comes
// out again.
#include "collector/feed/ring.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>

#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::collector;

constexpr std::size_t kBytes = std::size_t{256} << 10;
constexpr std::size_t kHeader = 24;

class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}
    bool empty() const { return rest_.empty(); }
    std::size_t number(std::size_t bytes) {
        std::size_t value = 0;
        for (const char byte : take(bytes))
            value = value << 8U | static_cast<std::uint8_t>(byte);
        return value;
    }
    std::string_view take(std::size_t bytes) {
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view rest_;
};

Message line(std::string_view bytes) {
    Message message{};
    message.kind = MessageKind::audit_line;
    message.bytes = bytes;
    return message;
}

// The first message of a new ring lies at its start.
char* start_of(Ring& ring) {
    Message message{};
    FUZZ_CHECK(ring.push(line("x")));
    ring.publish();
    FUZZ_CHECK(ring.front(message));
    char* const start = const_cast<char*>(message.bytes.data()) - kHeader;
    ring.release();
    return start;
}

struct Run {
    Ring ring{kBytes};
    char* const start = start_of(ring);
    std::deque<std::string> pushed;
    std::size_t published = 0;
    bool written_over = false;

    void push(std::string text) {
        if (ring.push(line(text)))
            pushed.push_back(std::move(text));
    }
    bool read(bool release) {
        Message message{};
        if (!ring.front(message)) {
            FUZZ_CHECK(written_over || published == 0);
            return false;
        }
        if (written_over) {
            const bool inside = message.bytes.data() >= start + kHeader &&
                                message.bytes.size() <= Ring::kMaxPayload &&
                                message.bytes.data() + message.bytes.size() <= start + kBytes;
            FUZZ_CHECK(inside || (message.kind == MessageKind::loss && ring.damaged() > 0));
        } else {
            FUZZ_CHECK(published > 0 && message.bytes == pushed.front());
        }
        if (!release)
            return true;
        ring.release();
        if (!written_over) {
            pushed.pop_front();
            --published;
        }
        return true;
    }
    void write_over(std::size_t place, std::string_view bytes) {
        place = std::min(place, kBytes - bytes.size());
        std::memcpy(start + place, bytes.data(), bytes.size());
        written_over = true;
    }
    void end() {
        ring.publish();
        published = pushed.size();
        for (std::size_t i = 0; read(true); ++i)
            FUZZ_CHECK(i <= kBytes / kHeader);
        FUZZ_CHECK(ring.used_bytes() == 0);
        written_over = false;
        pushed.clear();
        published = 0;
        for (const std::size_t size : {std::size_t{0}, Ring::kMaxPayload, std::size_t{7}}) {
            push(std::string(size, 'y'));
            ring.publish();
            published = pushed.size();
            FUZZ_CHECK(published == 1 && read(false) && read(true));
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    Run run;
    while (!input.empty()) {
        const std::size_t what = input.number(1);
        switch (what % 6) {
            case 0:
                run.push(std::string(input.take(what / 6)));
                break;
            case 1:  // larger than a feed's, too
                run.push(std::string(input.number(2) + what, 'z'));
                break;
            case 2:
                run.ring.publish();
                run.published = run.pushed.size();
                break;
            case 3:
                run.read(false);
                break;
            case 4:
                run.read(true);
                break;
            default: {
                // Headers lie at multiples of 8.
                const std::size_t place = input.number(2) * 8;
                run.write_over(place, input.take(8 + what / 16));
                break;
            }
        }
    }
    run.end();
    return 0;
}
