// SPDX-License-Identifier: Apache-2.0
#include "collector/host/technique.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <net/if.h>
#include <netinet/in.h>
#include <random>
#include <sched.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <system_error>

namespace audisp_eql::collector {
namespace {

namespace fs = std::filesystem;

// For documentation (RFC 5737): not a loopback address, which rules leave out, and nobody's.
constexpr const char* kAddress = "198.51.100.1";
// The rules look for programs in these.
constexpr const char* kDirectories[] = {"/tmp", "/var/tmp", "/dev/shm", "/run", "/root"};
// A loaded machine; it takes some 50 ms otherwise.
constexpr std::chrono::seconds kPatience{5};
constexpr int kFailed = 1;

// A directory with a copy of this program under an interpreter's name; gone with its object.
class Stage {
  public:
    Stage() {
        for (const char* place : kDirectories)
            if (make_in(place))
                return;
    }
    ~Stage() {
        std::error_code ignored;
        if (!directory_.empty())
            fs::remove_all(directory_, ignored);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    const std::string& program() const { return program_; }
    const std::string& error() const { return error_; }

  private:
    bool make_in(const char* place) {
        struct statvfs file_system {};
        if (::statvfs(place, &file_system) != 0 || (file_system.f_flag & ST_NOEXEC) != 0) {
            error_ = fmt::format("{}: programs may not be started there", place);
            return false;
        }
        std::string pattern = fmt::format("{}/audisp-eql-selftest.XXXXXX", place);
        if (::mkdtemp(pattern.data()) == nullptr) {
            error_ = fmt::format("{}: {}", place, std::strerror(errno));
            return false;
        }
        directory_ = pattern;
        program_ = directory_ + "/perl";
        std::error_code error;
        fs::copy_file("/proc/self/exe", program_, error);
        if (!error && ::chmod(program_.c_str(), S_IRWXU) == 0)
            return true;
        error_ = fmt::format("{}: {}", program_, error ? error.message() : std::strerror(errno));
        program_.clear();
        fs::remove_all(directory_, error);
        directory_.clear();
        return false;
    }

    std::string directory_, program_, error_;
};

// In a fresh namespace: the loopback interface up, with our address.
bool make_loopback() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    bool done = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    request = {};
    std::strcpy(request.ifr_name, "lo:1");
    auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    address->sin_family = AF_INET;
    done = done && ::inet_pton(AF_INET, kAddress, &address->sin_addr) == 1 &&
           ::ioctl(fd, SIOCSIFADDR, &request) == 0;
    ::close(fd);
    return done;
}

// Its port, or 0. The kernel completes connections that nobody accepts.
int listen_here() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, kAddress, &address.sin_addr);
    socklen_t size = sizeof address;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(fd, 8) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return 0;
    return ntohs(address.sin_port);
}

bool connect_to(const std::string& address, int port) {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    // Whoever calls this with other words: never beyond the documentation's network.
    if (address != kAddress || ::inet_pton(AF_INET, kAddress, &peer.sin_addr) != 1)
        return false;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool done =
        fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0;
    if (fd >= 0)
        ::close(fd);
    return done;
}

// Where the child says what went wrong: errno and a name.
struct Trouble {
    int error = 0;
    char where[64] = {};
};

[[noreturn]] void fail(int pipe, const char* where) {
    Trouble trouble;
    trouble.error = errno;
    std::strncpy(trouble.where, where, sizeof trouble.where - 1);
    [[maybe_unused]] const auto written = ::write(pipe, &trouble, sizeof trouble);
    ::_exit(kFailed);
}

[[noreturn]] void play(int pipe, const std::string& program, const std::string& nonce) {
    // Its own group, so that all of it can be ended at once.
    ::setpgid(0, 0);
    if (::unshare(CLONE_NEWNET) != 0)
        fail(pipe, "a network namespace of its own is refused");
    if (!make_loopback())
        fail(pipe, "its loopback interface cannot be set up");
    const int port = listen_here();
    if (port == 0)
        fail(pipe, "nothing can listen in it");
    const int null = ::open("/dev/null", O_RDWR);
    for (int target = 0; target < 3; ++target)
        ::dup2(null, target);
    const pid_t shell = ::fork();
    if (shell == 0) {
        // The colon behind keeps the shell from becoming the program itself.
        const std::string text = fmt::format("{} -e {} {} {}; :", program, nonce, kAddress, port);
        ::execl("/bin/sh", "sh", "-c", text.c_str(), static_cast<char*>(nullptr));
        fail(pipe, "/bin/sh cannot be started");
    }
    int status = 0;
    if (shell < 0 || ::waitpid(shell, &status, 0) < 0)
        fail(pipe, "the shell cannot be started");
    ::_exit(0);
}

// False: it took too long.
bool wait_for(pid_t pid) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (::waitpid(pid, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace

std::string make_nonce() {
    std::random_device random;
    return fmt::format("{}{:08x}{:08x}", kNoncePrefix, random(), random());
}

std::string perform_technique(const std::string& nonce) {
    const Stage stage;
    if (stage.program().empty())
        return stage.error();
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0)
        return std::strerror(errno);
    const pid_t player = ::fork();
    if (player == 0)
        play(pipe[1], stage.program(), nonce);
    ::close(pipe[1]);
    std::string error;
    if (player < 0) {
        error = std::strerror(errno);
    } else if (!wait_for(player)) {
        ::kill(-player, SIGKILL);
        ::waitpid(player, nullptr, 0);
        error = fmt::format("it was not over after {} s", kPatience.count());
    }
    Trouble trouble;
    if (error.empty() && ::read(pipe[0], &trouble, sizeof trouble) == sizeof trouble)
        error = fmt::format("{}: {}", trouble.where, std::strerror(trouble.error));
    ::close(pipe[0]);
    return error;
}

bool is_technique(const std::vector<std::string>& arguments) {
    return arguments.size() == 4 && arguments[0] == "-e" && arguments[1].starts_with(kNoncePrefix);
}

int technique_main(const std::vector<std::string>& arguments) {
    const std::string& address = arguments[2];
    int port = 0;
    std::from_chars(arguments[3].data(), arguments[3].data() + arguments[3].size(), port);
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(connect_to(address, port) ? 0 : kFailed);
    if (child < 0 || ::waitpid(child, nullptr, 0) < 0 || !connect_to(address, port))
        return kFailed;
    const std::string nothing = ": " + arguments[1];
    ::execl("/bin/sh", "sh", "-c", nothing.c_str(), static_cast<char*>(nullptr));
    return kFailed;
}

}  // namespace audisp_eql::collector
