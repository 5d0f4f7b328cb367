// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

namespace audisp_eql::collector {
namespace {

namespace local = boost::asio::local;

constexpr mode_t kDirectoryMode = 0750;
constexpr mode_t kSocketMode = 0660;

std::string proc_text(std::int32_t pid, const char* name) {
    std::ifstream file(fmt::format("/proc/{}/{}", pid, name));
    std::string line;
    std::getline(file, line);
    return line;
}

// As the kernel noted it when the connection was made.
AuditActor peer_of(int descriptor) {
    AuditActor actor;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return actor;
    actor.uid = peer.uid;
    actor.pid = peer.pid;
    const auto auid = parse_decimal(proc_text(peer.pid, "loginuid"));
    if (auid && *auid >= 0 && *auid < UINT32_MAX)
        actor.auid = static_cast<std::uint32_t>(*auid);
    actor.comm = proc_text(peer.pid, "comm");
    return actor;
}

bool fits(const std::string& path) {
    return !path.empty() && path.size() < sizeof(sockaddr_un::sun_path);
}

int connected_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 &&
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int reason = errno;
        ::close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

}  // namespace

StatusSocket::StatusSocket(boost::asio::io_context& io, const std::string& path, Report report,
                           Maintain maintain)
    : io_(io), report_(std::move(report)), maintain_(std::move(maintain)), acceptor_(io) {
    if (path != "off")
        listen(path);
}

StatusSocket::~StatusSocket() {
    if (!path_.empty())
        ::unlink(path_.c_str());
}

void StatusSocket::listen(const std::string& path) {
    const auto failed = [&](const std::string& why) {
        trouble_ = fmt::format("{}: {}; 'audisp-eql status' gets no answer", path, why);
    };
    if (!fits(path))
        return failed("no socket can have this path");
    const std::string directory = path.substr(0, path.rfind('/'));
    if (!directory.empty())
        ::mkdir(directory.c_str(), kDirectoryMode);
    if (const int other = connected_to(path); other >= 0) {
        ::close(other);
        return failed("another agent answers there");
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode))
        ::unlink(path.c_str());
    boost::system::error_code error;
    acceptor_.open(local::stream_protocol(), error);
    if (!error) {
        // Never open to more than it will be, not even for a moment.
        const mode_t before = ::umask(0777 & ~kSocketMode);
        acceptor_.bind(local::stream_protocol::endpoint(path), error);
        ::umask(before);
    }
    if (!error) {
        path_ = path;
        acceptor_.listen(static_cast<int>(kMaxClients), error);
    }
    if (error)
        return failed(error.message());
    accept();
}

void StatusSocket::accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Socket socket) {
        if (error == boost::asio::error::operation_aborted)
            return;
        if (!error && clients_.size() >= kMaxClients) {
            ++counters_.refused;
        } else if (!error) {
            auto client = std::make_shared<Client>(io_, std::move(socket));
            clients_.push_back(client);
            client->timer.expires_after(kClientTime);
            client->timer.async_wait([this, client](const boost::system::error_code& stopped) {
                if (stopped)
                    return;
                ++counters_.timed_out;
                drop(client);
            });
            serve(client);
        }
        accept();
    });
}

void StatusSocket::drop(const ClientPtr& client) {
    boost::system::error_code ignored;
    client->timer.cancel();
    client->socket.close(ignored);
    clients_.remove(client);
}

void StatusSocket::serve(const ClientPtr& client) {
    const auto room = boost::asio::buffer(client->bytes.data() + client->received,
                                          client->bytes.size() - client->received);
    client->socket.async_read_some(
        room, [this, client](const boost::system::error_code& error, std::size_t count) {
            if (error)
                return drop(client);
            client->received += count;
            const std::string_view text(client->bytes.data(), client->received);
            if (const auto end = text.find('\n'); end != std::string_view::npos)
                answer(client, text.substr(0, end));
            else if (client->received == client->bytes.size())
                answer(client, {});
            else
                serve(client);
        });
}

void StatusSocket::answer(const ClientPtr& client, std::string_view line) {
    client->answer = answer_to(line, *client);
    boost::asio::async_write(client->socket, boost::asio::buffer(client->answer),
                             [this, client](const boost::system::error_code& error, std::size_t) {
                                 counters_.answered += error ? 0 : 1;
                                 drop(client);
                             });
}

std::string StatusSocket::answer_to(std::string_view line, Client& client) {
    constexpr std::string_view kMaintenance = "maintenance ";
    if (line == "status text")
        return report(StatusOutput::text);
    if (line == "status json")
        return report(StatusOutput::json);
    if (line == "status prometheus")
        return report(StatusOutput::prometheus);
    if (!line.starts_with(kMaintenance))
        return "no: not understood\n";
    const auto seconds = parse_decimal(line.substr(kMaintenance.size()));
    if (!seconds || *seconds < 0 || *seconds > Duration::kMost)
        return "no: not understood\n";
    const AuditActor actor = peer_of(client.socket.native_handle());
    if (actor.uid != 0U)
        return "no: only root may declare a maintenance\n";
    return maintain_(std::chrono::seconds(*seconds), actor) + '\n';
}

std::string StatusSocket::report(StatusOutput form) {
    constexpr std::chrono::seconds kFresh{1};
    Made& made = made_.at(static_cast<std::size_t>(form));
    const auto now = std::chrono::steady_clock::now();
    if (made.text.empty() || now - made.when >= kFresh)
        made = {now, report_(form)};
    return made.text;
}

std::string ask_agent(const std::string& path, const std::string& line) {
    const int descriptor = fits(path) ? connected_to(path) : -1;
    if (descriptor < 0)
        throw std::runtime_error(fmt::format(
            "no audisp-eql answers on {}: {}; it must be running, with this option status-socket, "
            "and its socket's owner, group or root may ask",
            path, fits(path) ? std::strerror(errno) : "no socket can have this path"));
    const timeval patience{30, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request = line + '\n';
    std::string answer;
    bool sent = ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size());
    std::array<char, 65536> bytes{};
    while (sent) {
        const ssize_t count = ::recv(descriptor, bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    if (answer.empty())
        throw std::runtime_error(fmt::format(
            "the audisp-eql behind {} gives no answer: it is asked by many, or hangs", path));
    return answer;
}

}  // namespace audisp_eql::collector
