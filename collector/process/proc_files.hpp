// SPDX-License-Identifier: Apache-2.0
// What /proc says of processes, as bytes: read with the rights that this takes, and worked out
// elsewhere (proc_reader.hpp), in another process if need be. A process chooses much of it: its
// arguments, its environment, its name.
//
// Memory: values, made to be reused. Threads: an implementation is used by one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/process/exec_context.hpp"

namespace audisp_eql::collector {

struct DescriptorTarget;
struct SocketEnds;
struct ModuleTaint;

// The files and links of /proc/PID, each empty where it could not be read.
struct RawProcess {
    std::string stat, stat_after;  // the first and the last that was read
    std::string exe;               // without " (deleted)", which a file's own name may end with
    std::string cwd, cmdline, status, loginuid, sessionid, cgroup;
    bool foreign_mounts = false, own_root = false;  // as ProcSnapshot's
};

// Which of them are wanted after an exec.
struct ExecFiles {
    bool stdio = false, cgroup = false, stat = false, view = false, environment = false;
};

struct RawExec {
    bool gone = false;
    std::string exe;
    std::array<StandardDescriptor, ExecContext::kStandard> stdio;
    std::string cgroup, stat, environment;
    bool foreign_mounts = false, own_root = false;
};

class ProcFiles {
  public:
    // An argument list or an environment may have megabytes; what is beyond this is not looked at.
    static constexpr std::size_t kMaxFileBytes = 128 * 1024;

    virtual ~ProcFiles() = default;
    virtual std::vector<std::int32_t> pids() = 0;
    // nullopt: gone.
    virtual std::optional<RawProcess> process(std::int32_t pid) = 0;
    virtual void exec(std::int32_t pid, const ExecFiles& wanted, RawExec& out) = 0;
    // As ProcReader's; nothing but numbers and a name of the kernel's is worked out.
    virtual std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) = 0;
    virtual std::optional<SocketEnds> socket(std::int32_t pid, std::int32_t fd) = 0;
    virtual std::optional<ModuleTaint> module(std::string_view name) = 0;
};

// The files themselves.
class LinuxProcFiles final : public ProcFiles {
  public:
    explicit LinuxProcFiles(std::string root = "/proc", std::string modules = "/sys/module")
        : root_(std::move(root)), modules_(std::move(modules)) {}
    std::vector<std::int32_t> pids() override;
    std::optional<RawProcess> process(std::int32_t pid) override;
    void exec(std::int32_t pid, const ExecFiles& wanted, RawExec& out) override;
    std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) override;
    std::optional<SocketEnds> socket(std::int32_t pid, std::int32_t fd) override;
    std::optional<ModuleTaint> module(std::string_view name) override;

  private:
    // Both false where /proc does not say.
    void read_view(std::int32_t pid, bool& foreign_mounts, bool& own_root);

    std::string root_;
    std::string modules_;
    std::optional<std::string> host_mounts_;  // their namespace, once it was read
    std::vector<char> buffer_;
};

}  // namespace audisp_eql::collector
