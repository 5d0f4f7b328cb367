// SPDX-License-Identifier: Apache-2.0
// The status socket's file and its two ends, apart from what is said on it (status_socket.hpp).
//
// Memory: owns the descriptor and the file. Threads: one; while it is made, the process has no
// other that creates files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace audisp_eql::collector {

// The socket before anything answers on it, made with the rights that its place asks for.
class StatusListener {
  public:
    static constexpr std::size_t kMaxClients = 8;

    StatusListener() = default;
    // `path` "off": none. The directory is made if its parent is there. `group`: whose members may
    // ask, beside the owner's; nullopt: this process's.
    explicit StatusListener(const std::string& path,
                            std::optional<std::uint32_t> group = std::nullopt);
    ~StatusListener();
    StatusListener(StatusListener&& other) noexcept;
    StatusListener& operator=(StatusListener&& other) noexcept;

    int descriptor() const { return descriptor_; }  // -1: none
    // Why nothing answers; empty: it will, or is off.
    const std::string& trouble() const { return trouble_; }
    // After a fork, in the process that listens: the file is the other's to remove. And in that
    // other one: it does not listen.
    void leave_file() { path_.clear(); }
    void close();
    // The caller closes it.
    int take() { return std::exchange(descriptor_, -1); }

  private:
    std::string open(const std::string& path, std::optional<std::uint32_t> group);

    std::string path_;  // to be removed; empty: nothing
    std::string trouble_;
    int descriptor_ = -1;
};

// The other end, for the commands. Throws std::runtime_error with what to do where nothing answers.
std::string ask_agent(const std::string& path, const std::string& line);

}  // namespace audisp_eql::collector
