// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/service_notify.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

// Takes the place of systemd.
class Manager {
  public:
    explicit Manager(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        if (path.front() == '@')
            address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        BOOST_REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    }
    ~Manager() { ::close(fd_); }
    std::string heard() const {
        std::array<char, 1000> text{};
        const auto size = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
        return size < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(size));
    }

  private:
    int fd_;
};

struct Environment {
    Environment(const char* socket, const char* usec, const std::string& pid) {
        ::setenv("NOTIFY_SOCKET", socket, 1);
        ::setenv("WATCHDOG_USEC", usec, 1);
        ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    }
    ~Environment() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(systemd_hears_what_a_service_of_type_notify_says) {
    TemporaryDirectory run;
    const std::string abstract = "@audisp-eql-unit-" + std::to_string(::getpid());
    for (const std::string& path : {run.path("notify"), abstract}) {
        Manager manager(path);
        const Environment environment(path.c_str(), "30000000", std::to_string(::getpid()));
        ServiceNotify notify;
        BOOST_TEST(notify.is_used());
        BOOST_TEST(notify.watchdog().count() == 30'000'000);
        notify.ready("3 events\n0 alerts");
        BOOST_TEST(manager.heard() == "READY=1\nSTATUS=3 events 0 alerts");
        notify.reloading();
        BOOST_TEST(manager.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        notify.status("fine");
        BOOST_TEST(manager.heard() == "STATUS=fine");
        notify.feed_watchdog();
        BOOST_TEST(manager.heard() == "WATCHDOG=1");
        notify.stopping();
        BOOST_TEST(manager.heard() == "STOPPING=1");
        BOOST_TEST(notify.not_sent() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_to_the_manager_is_news_alone) {
    TemporaryDirectory run;
    Manager manager(run.path("notify"));
    const Environment environment(run.path("notify").c_str(), "30000000", "");
    const NotifyRelay relay;
    BOOST_TEST(relay.is_used());
    ServiceNotify notify([&relay](std::string_view text) { return relay.send(text); });
    BOOST_TEST(notify.watchdog().count() == 30'000'000);
    notify.ready("fine");
    BOOST_TEST(manager.heard() == "READY=1\nSTATUS=fine");
    for (const char* text : {"MAINPID=1", "READY=1\nFDSTORE=1", "STATUS=x\nNOTIFYACCESS=all", "x"})
        BOOST_TEST(!relay.send(text));
    notify.stopping();
    BOOST_TEST(manager.heard() == "STOPPING=1");
}

BOOST_AUTO_TEST_CASE(a_manager_that_does_not_read_holds_nobody_up) {
    TemporaryDirectory run;
    const std::string path = run.path("notify");
    Manager manager(path);
    const Environment environment(path.c_str(), "", "");
    ServiceNotify notify;
    for (int i = 0; i < 100'000 && notify.not_sent() == 0; ++i)
        notify.feed_watchdog();
    BOOST_TEST(notify.not_sent() == 1U);
}

BOOST_AUTO_TEST_CASE(without_a_manager_nothing_is_sent) {
    for (const char* path : {"", "relative", "/nowhere/notify"}) {
        const Environment environment(path, "30000000", "1");
        ServiceNotify notify;
        BOOST_TEST(!notify.is_used());
        BOOST_TEST(notify.watchdog().count() == 0);
        notify.ready("x");
    }
}

BOOST_AUTO_TEST_CASE(another_process_s_watchdog_is_not_ours) {
    TemporaryDirectory run;
    Manager manager(run.path("notify"));
    const Environment environment(run.path("notify").c_str(), "30000000", "1");
    BOOST_TEST(ServiceNotify().watchdog().count() == 0);
}

BOOST_AUTO_TEST_CASE(the_watchdog_is_fed_only_while_both_threads_go_on) {
    Liveness liveness;
    struct {
        std::uint64_t made, taken;
        bool goes_on;
    } const kCases[] = {{1, 1, true},  {5, 4, true},   {5, 5, false}, {9, 5, false},
                        {10, 9, true}, {10, 9, false}, {11, 10, true}};
    for (const auto& one : kCases)
        BOOST_TEST(liveness.goes_on(one.made, one.taken) == one.goes_on);
}

BOOST_AUTO_TEST_SUITE_END()
