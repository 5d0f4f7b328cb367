// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_socket.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

namespace audisp_eql::collector {
namespace {

namespace local = boost::asio::local;

// As the kernel noted it when the connection was made.
AuditActor peer_of(int descriptor) {
    AuditActor actor;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return actor;
    actor.uid = peer.uid;
    actor.pid = peer.pid;
    return actor;
}

}  // namespace

StatusSocket::StatusSocket(boost::asio::io_context& io, StatusListener listener, Report report,
                           Maintain maintain, Who who)
    : io_(io),
      report_(std::move(report)),
      maintain_(std::move(maintain)),
      who_(std::move(who)),
      listener_(std::move(listener)),
      acceptor_(io) {
    if (!listener_.trouble().empty() || listener_.descriptor() < 0)
        return;
    acceptor_.assign(local::stream_protocol(), listener_.take());
    accept();
}

StatusSocket::~StatusSocket() = default;

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
    AuditActor actor = peer_of(client.socket.native_handle());
    if (actor.uid != 0U)
        return "no: only root may declare a maintenance\n";
    if (who_)
        who_(actor);
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

}  // namespace audisp_eql::collector
