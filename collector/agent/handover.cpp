// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/handover.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include <fmt/core.h>
#include <system_error>

#include "collector/agent/capture_file.hpp"
#include "collector/audit/record.hpp"
#include "collector/feed/capture.hpp"

namespace audisp_eql::collector {
namespace {

// Numbers as text take more room than in the ring, and strings may be written as hex digits.
constexpr std::size_t kMaxFileBytes = 4 * RecentMessages::kBytes;

std::string path_in(const std::string& directory) {
    return directory + "/handover.capture";
}

// What the newer version finds out by itself, and what was told already.
bool is_kept(MessageKind kind) {
    switch (kind) {
        case MessageKind::audit_record:
        case MessageKind::audit_line:
        case MessageKind::proc_event:
        case MessageKind::process:
        case MessageKind::process_exec:
        case MessageKind::clock:
            return true;
        case MessageKind::host:
        case MessageKind::user:
        case MessageKind::group:
        case MessageKind::loss:
            return false;
    }
    return false;
}

// Empty: none, or it can't be read.
std::string read_and_remove(const std::string& path) {
    std::string text;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return text;
    ::unlink(path.c_str());
    text.resize(kMaxFileBytes);
    std::size_t size = 0;
    for (ssize_t got = 0; size < text.size(); size += static_cast<std::size_t>(got)) {
        got = ::read(file, text.data() + size, text.size() - size);
        if (got <= 0)
            break;
    }
    ::close(file);
    text.resize(size);
    text.shrink_to_fit();
    return text;
}

void read_lines_of(std::string_view text, MessageSink& sink) {
    CaptureReader reader(sink);
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        reader.line(line);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
}

// What the file says of itself.
class Contents final : public MessageSink {
  public:
    void on_message(const Message& message) override {
        if (message.kind == MessageKind::host)
            host = message.bytes;
        if (message.kind == MessageKind::clock && first_ns == 0) {
            first_ns = message.mono_ns;
            first_real_ns = message.real_ns;
        }
    }
    bool is_of(std::string_view boot_id) const {
        return !boot_id.empty() && find_field(host, "boot_id") == boot_id;
    }
    std::int64_t left_ns() const {
        return parse_decimal(find_field(host, "left_ns").value_or(std::string_view())).value_or(0);
    }
    std::string host;
    std::int64_t first_ns = 0, first_real_ns = 0;
};

class Told final : public MessageSink {
  public:
    explicit Told(MessageSink& sink) : sink_(sink) {}
    void on_message(const Message& message) override {
        if (!is_kept(message.kind))
            return;
        sink_.on_message(message);
        ++count;
    }
    std::size_t count = 0;

  private:
    MessageSink& sink_;
};

}  // namespace

void RecentMessages::on_message(const Message& message) {
    if (also_ != nullptr)
        also_->on_message(message);
    keep(message);
}

void RecentMessages::keep(const Message& message) {
    if (!is_kept(message.kind))
        return;
    while (!ring_.push(message)) {
        Message oldest{};
        if (!ring_.front(oldest))
            return;  // longer than any that is kept
        ring_.release();
    }
    ring_.publish(false);
}

void RecentMessages::leave(const std::string& directory, const std::string& boot_id,
                           std::int64_t now_ns) {
    const std::string path = path_in(directory);
    // Never into what somebody may have put there.
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        throw std::system_error(errno, std::generic_category(), path);
    CaptureFile file(path);
    const std::string host = fmt::format("boot_id={} left_ns={}", boot_id, now_ns);
    Message message{};
    message.kind = MessageKind::host;
    message.bytes = host;
    file.on_message(message);
    // A record's time of arrival is that of the clock before it.
    for (bool timed = false; ring_.front(message); ring_.release()) {
        timed = timed || message.kind == MessageKind::clock;
        if (timed)
            file.on_message(message);
    }
    file.flush();
    if (file.error() != 0)
        throw std::system_error(file.error(), std::generic_category(), path);
}

Handover::Handover(const std::string& directory, const std::string& boot_id, std::int64_t now_ns)
    : text_(read_and_remove(path_in(directory))) {
    Contents contents;
    read_lines_of(text_, contents);
    mono_ns_ = contents.first_ns;
    real_ns_ = contents.first_real_ns;
    const std::int64_t age_ns = now_ns - contents.left_ns();
    if (!contents.is_of(boot_id) || mono_ns_ == 0 || age_ns < 0 ||
        age_ns > std::chrono::nanoseconds(kFresh).count())
        text_.clear();
}

std::size_t Handover::tell(MessageSink& sink) const {
    Told told(sink);
    read_lines_of(text_, told);
    return told.count;
}

}  // namespace audisp_eql::collector
