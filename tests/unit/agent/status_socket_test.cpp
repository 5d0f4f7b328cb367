// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_socket.hpp"

#include <filesystem>
#include <thread>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

// An agent's worker on a thread of its own.
struct Scene {
    Scene() : thread([this] { io.run(); }) {}
    ~Scene() {
        work.reset();
        io.stop();
        thread.join();
    }

    TemporaryDirectory directory;
    std::string path = directory.path("run/status.socket");
    int made = 0;
    AuditActor declared;
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    StatusSocket socket{io, StatusListener(path),
                        [this](StatusOutput form) {
                            ++made;
                            return "form " + std::to_string(static_cast<int>(form)) + '\n';
                        },
                        [this](std::chrono::seconds time, const AuditActor& actor) {
                            declared = actor;
                            return "ok: " + std::to_string(time.count());
                        }};
    std::thread thread;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_running_agent_answers_one_line_with_a_report) {
    Scene scene;
    BOOST_TEST(scene.socket.trouble() == "");
    const auto mode = std::filesystem::status(scene.path).permissions();
    BOOST_TEST((static_cast<unsigned>(mode) & 0777U) == 0660U);
    BOOST_TEST(ask_agent(scene.path, "status text") == "form 0\n");
    BOOST_TEST(ask_agent(scene.path, "status json") == "form 1\n");
    BOOST_TEST(ask_agent(scene.path, "status prometheus") == "form 2\n");
    for (const char* line : {"", "status", "status xml", "maintenance", "maintenance x",
                             "maintenance -1", "maintenance 99999999"})
        BOOST_TEST(ask_agent(scene.path, line) == "no: not understood\n");
    BOOST_TEST(ask_agent(scene.path, std::string(1000, 'x')) == "no: not understood\n");
}

BOOST_AUTO_TEST_CASE(only_root_declares_a_maintenance) {
    Scene scene;
    const std::string answer = ask_agent(scene.path, "maintenance 1800");
    if (::geteuid() == 0) {
        BOOST_TEST(answer == "ok: 1800\n");
        BOOST_TEST((scene.declared.pid == ::getpid()));
        BOOST_TEST((scene.declared.uid == 0U));
    } else {
        BOOST_TEST(answer == "no: only root may declare a maintenance\n");
    }
}

BOOST_AUTO_TEST_CASE(clients_that_say_nothing_keep_nobody_out_for_long) {
    Scene scene;
    std::vector<std::unique_ptr<boost::asio::local::stream_protocol::socket>> silent;
    boost::asio::io_context io;
    for (std::size_t i = 0; i < StatusSocket::kMaxClients; ++i) {
        silent.push_back(std::make_unique<boost::asio::local::stream_protocol::socket>(io));
        silent.back()->connect(scene.path);
    }
    // One too many is turned away without an answer, or finds the line full.
    BOOST_CHECK_THROW(ask_agent(scene.path, "status text"), std::runtime_error);
    silent.clear();
    std::string answer;
    for (int i = 0; i < 3000 && answer.empty(); ++i) {
        try {
            answer = ask_agent(scene.path, "status text");
        } catch (const std::runtime_error&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    BOOST_TEST(answer == "form 0\n");
}

BOOST_AUTO_TEST_CASE(a_second_agent_does_not_take_the_place_of_one_that_answers) {
    Scene scene;
    StatusSocket second(scene.io, StatusListener(scene.path), {}, {});
    BOOST_TEST(second.trouble().find("another agent answers there") != std::string::npos);
    BOOST_TEST(ask_agent(scene.path, "status text") == "form 0\n");
}

BOOST_AUTO_TEST_CASE(what_a_killed_agent_left_is_no_hindrance) {
    TemporaryDirectory directory;
    const std::string path = directory.path("status.socket");
    boost::asio::io_context io;
    { boost::asio::local::stream_protocol::acceptor left(io, path); }
    BOOST_TEST(std::filesystem::exists(path));
    const StatusSocket next(io, StatusListener(path), {}, {});
    BOOST_TEST(next.trouble() == "");
}

BOOST_AUTO_TEST_CASE(where_no_socket_can_be_it_is_said) {
    TemporaryDirectory directory;
    boost::asio::io_context io;
    directory.write("file", "not a socket");
    const StatusSocket file(io, StatusListener(directory.path("file")), {}, {});
    BOOST_TEST(file.trouble().find("gets no answer") != std::string::npos);
    const StatusSocket longest(io, StatusListener("/" + std::string(200, 'x')), {}, {});
    BOOST_TEST(longest.trouble().find("no socket can have this path") != std::string::npos);
    const StatusSocket off(io, StatusListener("off"), {}, {});
    BOOST_TEST(off.trouble() == "");
    BOOST_CHECK_THROW(ask_agent(directory.path("none"), "status text"), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
