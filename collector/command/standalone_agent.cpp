// SPDX-License-Identifier: Apache-2.0
#include "collector/command/standalone_agent.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sys/wait.h>
#include <system_error>

namespace audisp_eql::collector {
namespace {

using Clock = std::chrono::steady_clock;
// It starts in a fraction of a second; rules by the hundred on a loaded or emulated machine take
// longer than the 15 s that the self-test has elsewhere, and are no broken stage.
constexpr std::chrono::seconds kStart{30};
constexpr std::chrono::seconds kEnd{5};

std::vector<std::string> arguments_for(const Settings& settings, const std::string& directory) {
    std::vector<std::string> arguments{"audisp-eql", "run"};
    const auto option = [&](const char* name, const std::string& value) {
        arguments.push_back(std::string("--") + name);
        arguments.push_back(value);
    };
    // What the configuration says of rules is in the settings; what it says of outputs is not for
    // a test: no server gets its alerts.
    option("config", "/dev/null");
    option("state-dir", "off");
    for (const auto& path : settings.rules)
        option("rules", path);
    for (const auto& path : settings.exceptions)
        option("exceptions", path);
    if (settings.deprecated)
        arguments.emplace_back("--deprecated=on");
    option("syslog", "off");
    option("stdout", "none");
    option("log-level", "info");
    option("json-file", directory + "/alerts.ndjson");
    return arguments;
}

[[noreturn]] void execute(std::vector<std::string> arguments, int log) {
    std::vector<char*> words;
    for (std::string& argument : arguments)
        words.push_back(argument.data());
    words.push_back(nullptr);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv("/proc/self/exe", words.data());
    ::_exit(127);
}

// What it said last, for people: without its own name.
std::string last_line(std::string text) {
    while (text.ends_with('\n'))
        text.pop_back();
    text.erase(0, text.rfind('\n') + 1);
    const auto place = text.find("error: ");
    return place == std::string::npos ? text : text.substr(place + std::strlen("error: "));
}

}  // namespace

StandaloneAgent::StandaloneAgent(const Settings& settings) {
    std::string pattern = std::filesystem::temp_directory_path() / "audisp-eql-agent.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), pattern);
    directory_ = pattern;
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "no pipe");
    pid_ = ::fork();
    if (pid_ == 0)
        execute(arguments_for(settings, directory_), pipe[1]);
    ::close(pipe[1]);
    try {
        wait_until_started(pipe[0]);
    } catch (...) {
        ::close(pipe[0]);
        end();
        throw;
    }
    // Nobody reads the rest: it is the agent's own affair if the pipe is gone.
    ::close(pipe[0]);
}

void StandaloneAgent::wait_until_started(int log) {
    std::string text;
    std::array<char, 4096> part;
    const auto end = Clock::now() + kStart;
    while (Clock::now() < end) {
        pollfd waiting{log, POLLIN, 0};
        if (::poll(&waiting, 1, 100) <= 0)
            continue;
        const auto got = ::read(log, part.data(), part.size());
        if (got <= 0)
            throw std::runtime_error("a private agent cannot run: " + last_line(text));
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.find("info: started;") != std::string::npos)
            return;
    }
    throw std::runtime_error("a private agent did not start in time: " + last_line(text));
}

StandaloneAgent::~StandaloneAgent() {
    end();
}

// It puts audit back as it was before it ends.
void StandaloneAgent::end() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        const auto end = Clock::now() + kEnd;
        while (::waitpid(pid_, nullptr, WNOHANG) == 0 && Clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        if (Clock::now() >= end) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

}  // namespace audisp_eql::collector
