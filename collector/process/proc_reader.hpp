// SPDX-License-Identifier: Apache-2.0
// /proc behind an interface, so that tests and replay can say what it shows.
//
// Memory: values. Threads: an implementation is used by one thread at a time. A read never blocks
// on anything but /proc itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace audisp_eql::collector {

struct ExecQuestions;  // collector/process/exec_context.hpp
struct ExecContext;
class ProcFiles;  // collector/process/proc_files.hpp
struct RawExec;

struct ProcSnapshot {
    std::int32_t pid = 0;
    bool gone = false;    // asked, and no longer there: nothing but `pid` is set
    bool resync = false;  // read because its fork may have been lost
    std::int32_t ppid = 0;
    std::int64_t start_tick = 0;  // field 22 of stat
    std::int32_t threads = 1;     // the leader included
    std::string exe;              // path of the executable; empty for kernel threads
    std::string cwd;
    std::vector<std::string> args;  // at most Arguments::kMaxArguments, and kMaxBytes together
    std::int64_t args_count = 0;    // of all
    std::uint32_t uid = 0, euid = 0, gid = 0, egid = 0;
    std::uint32_t auid = 0xffffffff, session = 0xffffffff;
    std::string tty;                 // as audit names it: pts0; empty: none
    std::int32_t sid = 0, pgid = 0;  // of its session and its process group; 0: not known
    std::int64_t cap_permitted = -1, cap_effective = -1;  // bit masks; -1: not known
    // Its paths are not the host's: its mount namespace is not that of process 1, or its root
    // directory is not its namespace's (chroot).
    bool foreign_mounts = false, own_root = false;
    // Its control group's path: of several hierarchies the one that tells a container.
    std::string cgroup;

    bool operator==(const ProcSnapshot&) const = default;
};

// What a descriptor of a process leads to.
struct DescriptorTarget {
    std::int32_t pid = 0;
    std::int32_t fd = -1;
    std::uint64_t inode = 0;  // 0: not told (kernels before 5.14)
    std::string path;         // absolute, in the reader's root

    bool operator==(const DescriptorTarget&) const = default;
};

// A socket among a process's descriptors.
struct SocketEnds {
    std::int32_t pid = 0;
    std::int32_t fd = -1;
    bool inet = false;      // false: of another family; the rest is not set
    std::string transport;  // tcp, udp, other; empty: not known
    // Canonical, v4-mapped addresses as IPv4; empty: not bound, not connected.
    std::string local_ip, peer_ip;
    std::uint16_t local_port = 0, peer_port = 0;

    bool operator==(const SocketEnds&) const = default;
};

// How the kernel marks a module that was loaded.
struct ModuleTaint {
    std::string name;
    std::string flags;  // the letters of /sys/module/NAME/taint: OE; empty: none

    bool operator==(const ModuleTaint&) const = default;
};

class ProcReader {
  public:
    virtual ~ProcReader() = default;
    virtual std::vector<std::int32_t> pids() = 0;
    // nullopt: gone. Reads the start tick before and after: the answer is of one incarnation.
    virtual std::optional<ProcSnapshot> read(std::int32_t pid) = 0;
    // nullopt: closed, or it has no path (pipes, sockets). What it leads to is not asked.
    virtual std::optional<DescriptorTarget> descriptor(std::int32_t /*pid*/, std::int32_t /*fd*/) {
        return std::nullopt;
    }
    // nullopt: closed, no socket, or the process may not be looked into.
    virtual std::optional<SocketEnds> socket(std::int32_t /*pid*/, std::int32_t /*fd*/) {
        return std::nullopt;
    }
    // nullopt: not loaded.
    virtual std::optional<ModuleTaint> module(std::string_view /*name*/) { return std::nullopt; }
    // What is asked about a process that has just executed something.
    virtual void read_exec(std::int32_t pid, const ExecQuestions& questions, ExecContext& out) = 0;
};

// The real one: works out what /proc's files say.
class LinuxProcReader final : public ProcReader {
  public:
    explicit LinuxProcReader(std::string root = "/proc", std::string modules = "/sys/module");
    // Another process reads the files.
    explicit LinuxProcReader(std::unique_ptr<ProcFiles> files);
    ~LinuxProcReader() override;
    std::vector<std::int32_t> pids() override;
    std::optional<ProcSnapshot> read(std::int32_t pid) override;
    std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) override;
    std::optional<SocketEnds> socket(std::int32_t pid, std::int32_t fd) override;
    std::optional<ModuleTaint> module(std::string_view name) override;
    void read_exec(std::int32_t pid, const ExecQuestions& questions, ExecContext& out) override;

  private:
    // Runtimes' own names are shorter than 300 bytes.
    static constexpr std::size_t kMaxCgroupBytes = 1024;

    std::unique_ptr<ProcFiles> files_;
    std::unique_ptr<RawExec> exec_;  // reused
};

// The text of a `process` message and back: "pid= ppid= start_tick= threads= uid= … tty= exe= cwd=
// argc= a0= …", strings encoded as audit encodes them, so that no byte of a name can break a line.
// "pid=N gone=1": asked, and no longer there.
std::string to_text(const ProcSnapshot& snapshot);
// nullopt if it names no process.
std::optional<ProcSnapshot> snapshot_from_text(std::string_view text);

// The same for a descriptor: "pid= fd= inode= path=". nullopt if it has no pid, fd and path.
std::string to_text(const DescriptorTarget& target);
std::optional<DescriptorTarget> descriptor_from_text(std::string_view text);

// "pid= fd= socket=inet transport= local_ip= local_port= peer_ip= peer_port=". nullopt if it has no
// pid, fd and socket.
std::string to_text(const SocketEnds& ends);
std::optional<SocketEnds> socket_from_text(std::string_view text);

// "module= taint=". nullopt if it names no module.
std::string to_text(const ModuleTaint& taint);
std::optional<ModuleTaint> module_from_text(std::string_view text);

}  // namespace audisp_eql::collector
