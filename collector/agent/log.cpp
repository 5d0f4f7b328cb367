// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/log.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <unistd.h>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

namespace audisp_eql::collector::log {
namespace {

constexpr int kDaemonFacility = 3;

bool stderr_leads_nowhere() {
    struct stat status = {};
    if (fstat(STDERR_FILENO, &status) != 0)
        return true;
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);  // /dev/null
}

// syslog(3) waits when the daemon does not read; this drops the line instead, because a line about
// ourselves is worth less than the next audit record.
class SyslogSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit SyslogSink(std::string path) : path_(std::move(path)) {}
    ~SyslogSink() override {
        if (fd_ >= 0)
            ::close(fd_);
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (fd_ < 0)
            fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
        const std::string line = "<" + std::to_string(kDaemonFacility * 8 + severity(message)) +
                                 ">audisp-eql[" + std::to_string(::getpid()) + "]: " +
                                 std::string(message.payload.data(), message.payload.size());
        ::sendto(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    }
    void flush_() override {}

  private:
    static int severity(const spdlog::details::log_msg& message) {
        switch (message.level) {
            case spdlog::level::err:
                return 3;
            case spdlog::level::warn:
                return 4;
            case spdlog::level::info:
                return 6;
            default:
                return 7;
        }
    }

    std::string path_;
    int fd_ = -1;
};

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::debug:
            return spdlog::level::debug;
    }
    return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
    auto logger = std::make_shared<spdlog::logger>("audisp-eql", std::move(sink));
    logger->set_pattern("%n: %^%l%$: %v");
    logger->flush_on(spdlog::level::debug);
    return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
    // The colour sink colours only on a terminal.
    static std::shared_ptr<spdlog::logger> instance =
        make_logger(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    return instance;
}

void write(spdlog::level::level_enum level, std::string_view text) {
    logger()->log(level, spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace

void start(LogLevel level, const std::string& syslog_path) {
    if (stderr_leads_nowhere() && syslog_path != "off")
        logger() = make_logger(std::make_shared<SyslogSink>(syslog_path));
    logger()->set_level(level_of(level));
}

void error(std::string_view text) {
    write(spdlog::level::err, text);
}
void warning(std::string_view text) {
    write(spdlog::level::warn, text);
}
void info(std::string_view text) {
    write(spdlog::level::info, text);
}
void debug(std::string_view text) {
    write(spdlog::level::debug, text);
}

}  // namespace audisp_eql::collector::log
