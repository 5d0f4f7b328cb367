// SPDX-License-Identifier: Apache-2.0
// /proc/PID right after an exec. Nothing here can block: links are read, and followed for what the
// kernel holds in memory only; the files are the kernel's own.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <netinet/in.h>
#include <span>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "collector/process/proc_files.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

using Type = StandardDescriptor::Type;

class OwnedFd {
  public:
    explicit OwnedFd(long fd) : fd_(static_cast<int>(fd)) {}
    ~OwnedFd() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    OwnedFd(const OwnedFd&) = delete;
    OwnedFd& operator=(const OwnedFd&) = delete;
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_;
};

// A path below /proc/PID, in a buffer.
class ProcPath {
  public:
    ProcPath(std::string_view root, std::int32_t pid) {
        const auto written = fmt::format_to_n(text_.data(), text_.size() - 1, "{}/{}/", root, pid);
        base_ = std::min(written.size, text_.size() - 1);
    }
    const char* operator()(std::string_view name) {
        const std::size_t size = std::min(name.size(), text_.size() - 1 - base_);
        std::copy_n(name.data(), size, text_.data() + base_);
        text_[base_ + size] = '\0';
        return text_.data();
    }

  private:
    std::array<char, 256> text_{};
    std::size_t base_ = 0;
};

using LinkBuffer = std::array<char, 4096>;  // PATH_MAX

// nullopt: errno says why.
std::optional<std::string_view> read_link(const char* path, LinkBuffer& buffer) {
    const ssize_t size = ::readlink(path, buffer.data(), buffer.size());
    if (size < 0)
        return std::nullopt;
    return std::string_view(buffer.data(), static_cast<std::size_t>(size));
}

// What of a file fits into `buffer`; empty if it cannot be read.
std::string_view read_text(const char* path, std::span<char> buffer) {
    const OwnedFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    std::size_t size = 0;
    while (fd && size < buffer.size()) {
        const ssize_t got = ::read(fd.get(), buffer.data() + size, buffer.size() - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += static_cast<std::size_t>(got);
    }
    return {buffer.data(), size};
}

Type type_of_link(std::string_view link) {
    if (link == "/dev/null")
        return Type::null;
    if (link.starts_with("/dev/pts/") || link.starts_with("/dev/tty") || link == "/dev/console")
        return Type::tty;
    if (link.starts_with("socket:["))
        return Type::socket;
    if (link.starts_with("pipe:["))
        return Type::pipe;
    return link.starts_with("/") ? Type::file : Type::other;
}

// A device by another name than the usual: a terminal that another mount of devpts made, a
// container's say, reads as "/3". Only what could be one is asked for, and only what the kernel
// holds of it already: AT_STATX_DONT_SYNC does not go to a server.
Type type_of_device(std::string_view link, const char* path) {
    const std::string_view name = link.substr(link.rfind('/') + 1);
    if (name.find_first_not_of("0123456789") != std::string_view::npos && name != "null" &&
        name != "console" && !name.starts_with("tty"))
        return Type::file;
    struct statx about {};
    if (::statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &about) != 0 ||
        !S_ISCHR(about.stx_mode))
        return Type::file;
    // The kernel's Documentation/admin-guide/devices.txt.
    const unsigned major = about.stx_rdev_major, minor = about.stx_rdev_minor;
    if (major == 1 && minor == 3)
        return Type::null;
    return major == 4 || major == 5 || (major >= 136 && major <= 143) ? Type::tty : Type::file;
}

void put_address(const sockaddr_storage& address, std::string& ip, std::uint16_t& port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    int family = address.ss_family;
    if (family == AF_INET) {
        const auto& inet = reinterpret_cast<const sockaddr_in&>(address);
        bytes = &inet.sin_addr;
        port = ntohs(inet.sin_port);
    } else if (family == AF_INET6) {
        const auto& inet6 = reinterpret_cast<const sockaddr_in6&>(address);
        port = ntohs(inet6.sin6_port);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&inet6.sin6_addr);
        bytes = inet6.sin6_addr.s6_addr + (mapped ? 12 : 0);
        family = mapped ? AF_INET : AF_INET6;
    }
    if (bytes && ::inet_ntop(family, bytes, text.data(), text.size()))
        ip = text.data();
}

template <class Value>
bool socket_option(int fd, int option, Value& value) {
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0;
}

// A socket's own word on itself, through a copy of the descriptor: exact, in every network
// namespace, and as quick on a host with a million connections (/proc/net/tcp and sock_diag look
// through all of them).
bool ask_socket(int copy, StandardDescriptor& out) {
    int domain = 0, protocol = 0;
    if (!socket_option(copy, SO_DOMAIN, domain))
        return false;
    out.type = domain == AF_UNIX                         ? Type::local
               : domain == AF_INET || domain == AF_INET6 ? Type::inet
                                                         : Type::socket;
    if (out.type != Type::inet)
        return true;
    using Transport = StandardDescriptor::Transport;
    if (socket_option(copy, SO_PROTOCOL, protocol))
        out.transport = protocol == IPPROTO_TCP   ? Transport::tcp
                        : protocol == IPPROTO_UDP ? Transport::udp
                                                  : Transport::other;
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(copy, reinterpret_cast<sockaddr*>(&peer), &size) == 0)
        put_address(peer, out.peer_ip, out.peer_port);
    return true;
}

// Without the right to copy descriptors (ptrace_scope=3, kernels before 5.6): the protocol's name,
// which sockfs shows as an attribute.
void ask_protocol(const char* path, StandardDescriptor& out) {
    std::array<char, 32> name{};
    const ssize_t size = ::getxattr(path, "system.sockprotoname", name.data(), name.size() - 1);
    if (size <= 0)
        return;
    const std::string_view protocol(name.data());
    if (protocol.starts_with("UNIX")) {
        out.type = Type::local;
        return;
    }
    const bool tcp = protocol.starts_with("TCP") || protocol.starts_with("MPTCP");
    const bool udp = protocol.starts_with("UDP") || protocol.starts_with("PING");
    const bool raw = protocol.starts_with("RAW");
    if (!tcp && !udp && !raw)
        return;
    out.type = Type::inet;
    out.transport = tcp   ? StandardDescriptor::Transport::tcp
                    : udp ? StandardDescriptor::Transport::udp
                          : StandardDescriptor::Transport::other;
}

void read_stdio(ProcPath& path, std::int32_t pid, RawExec& out) {
    constexpr std::array<std::string_view, ExecContext::kStandard> kNames{"fd/0", "fd/1", "fd/2"};
    std::array<std::uint64_t, ExecContext::kStandard> inodes{};
    LinkBuffer link;
    std::optional<OwnedFd> process;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        StandardDescriptor& descriptor = out.stdio[i];
        const auto target = read_link(path(kNames[i]), link);
        if (!target) {
            descriptor.type = errno == ENOENT ? Type::closed : Type::unknown;
            continue;
        }
        descriptor.type = type_of_link(*target);
        if (descriptor.type == Type::file)
            descriptor.type = type_of_device(*target, path(kNames[i]));
        if (descriptor.type != Type::socket)
            continue;
        const std::string_view digits = target->substr(target->find('[') + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), inodes[i]);
        // Mostly one socket stands on all three.
        const auto same = std::find(inodes.begin(), inodes.begin() + i, inodes[i]);
        if (same != inodes.begin() + i) {
            descriptor = out.stdio[static_cast<std::size_t>(same - inodes.begin())];
            continue;
        }
        if (!process)
            process.emplace(::syscall(__NR_pidfd_open, pid, 0));
        const OwnedFd copy(
            *process ? ::syscall(__NR_pidfd_getfd, process->get(), static_cast<int>(i), 0) : -1);
        if (!copy || !ask_socket(copy.get(), descriptor))
            ask_protocol(path(kNames[i]), descriptor);
    }
}

}  // namespace

void LinuxProcFiles::exec(std::int32_t pid, const ExecFiles& wanted, RawExec& out) {
    ProcPath path(root_, pid);
    LinkBuffer link;
    const auto exe = read_link(path("exe"), link);
    out.gone = !exe;
    if (out.gone)
        return;
    out.exe = *exe;
    buffer_.resize(kMaxFileBytes);
    if (wanted.stdio) {
        out.stdio = {};
        read_stdio(path, pid, out);
    }
    if (wanted.cgroup)
        out.cgroup = read_text(path("cgroup"), buffer_);
    if (wanted.stat)
        out.stat = read_text(path("stat"), buffer_);
    if (wanted.view)
        read_view(pid, out.foreign_mounts, out.own_root);
    if (wanted.environment)
        out.environment = read_text(path("environ"), buffer_);
}

namespace {

// Process 1 keeps its namespace for as long as the host runs, and a service manager may have given
// this program another. But not everybody may look at process 1.
std::string host_mounts(const std::string& root, LinkBuffer& link) {
    auto mounts = read_link((root + "/1/ns/mnt").c_str(), link);
    if (!mounts)
        mounts = read_link((root + "/self/ns/mnt").c_str(), link);
    return std::string(mounts.value_or(""));
}

}  // namespace

void LinuxProcFiles::read_view(std::int32_t pid, bool& foreign_mounts, bool& own_root) {
    LinkBuffer link;
    if (!host_mounts_)
        host_mounts_ = host_mounts(root_, link);
    ProcPath path(root_, pid);
    const auto mounts = read_link(path("ns/mnt"), link);
    foreign_mounts = mounts && !host_mounts_->empty() && *mounts != *host_mounts_;
    // The kernel names it as this program sees it: one of another namespace is "/", too.
    const auto root = read_link(path("root"), link);
    own_root = root && *root != "/";
}

std::optional<SocketEnds> LinuxProcFiles::socket(std::int32_t pid, std::int32_t fd) {
    const OwnedFd process(::syscall(__NR_pidfd_open, pid, 0));
    const OwnedFd copy(process ? ::syscall(__NR_pidfd_getfd, process.get(), fd, 0) : -1);
    StandardDescriptor known;
    if (!copy || !ask_socket(copy.get(), known))
        return std::nullopt;
    SocketEnds ends;
    ends.pid = pid;
    ends.fd = fd;
    ends.inet = known.type == Type::inet;
    if (!ends.inet)
        return ends;
    ends.transport = name_of(known.transport);
    ends.peer_ip = std::move(known.peer_ip);
    ends.peer_port = known.peer_port;
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (::getsockname(copy.get(), reinterpret_cast<sockaddr*>(&local), &size) == 0)
        put_address(local, ends.local_ip, ends.local_port);
    if (ends.local_port == 0)
        ends.local_ip.clear();
    return ends;
}

}  // namespace audisp_eql::collector
