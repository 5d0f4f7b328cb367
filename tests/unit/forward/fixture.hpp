// SPDX-License-Identifier: Apache-2.0
// A directory of the test's own, a syslog daemon in it, and alerts.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include "collector/forward/output.hpp"
#include "collector/forward/spool.hpp"
#include "detect/alert/alert.hpp"

namespace audisp_eql::collector::forward_test {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        char name[] = "/tmp/audisp-eql-forward-XXXXXX";
        BOOST_TEST_REQUIRE(mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string file(const char* name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

// What a syslog daemon does with its socket: takes the name at its start, gives it back at its end.
class Daemon {
  public:
    explicit Daemon(std::string path, int receive_buffer = 0, int type = SOCK_DGRAM)
        : path_(std::move(path)), socket_(::socket(AF_UNIX, type | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        if (receive_buffer > 0)
            setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        BOOST_TEST_REQUIRE(
            bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~Daemon() {
        close(socket_);
        unlink(path_.c_str());
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Everything that has arrived.
    std::vector<std::string> read() {
        std::vector<std::string> messages;
        std::string buffer(300'000, '\0');
        for (ssize_t size = 0;
             (size = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0;)
            messages.emplace_back(buffer, 0, static_cast<std::size_t>(size));
        return messages;
    }

  private:
    std::string path_;
    int socket_;
};

inline detect::Alert alert(const std::string& id, std::size_t padding = 0) {
    detect::Alert made;
    made.id = id;
    made.message = "something happened";
    made.rule_name = "a rule";
    made.document.members = {{"event.id", "\"" + id + "\""},
                             {"message", "\"something happened\""},
                             {"process.command_line", "\"" + std::string(padding, 'x') + "\""},
                             {"rule.name", "\"a rule\""}};
    made.json = made.document.text();
    return made;
}

inline void raise(Spool& spool, Output& output, const detect::Alert& made) {
    spool.append(made);
    output.on_raised();
}

inline std::string contents(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Runs the io_context until the condition holds, some seconds at most.
template <typename Condition>
bool run_until(boost::asio::io_context& io, Condition&& condition) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);  // only a failure takes it
    while (!condition() && std::chrono::steady_clock::now() < end) {
        io.restart();
        io.run_for(std::chrono::milliseconds(5));
    }
    return condition();
}

}  // namespace audisp_eql::collector::forward_test
