// SPDX-License-Identifier: Apache-2.0
// Capture lines as the kernel, auditd and the recorder write them, with the numbers that a test
// cares about filled in. Times are milliseconds after kStart on both clocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace audisp_eql::collector::lines {

inline constexpr std::int64_t kStartWallMs = 1'795'305'917'000;
inline constexpr std::int64_t kStartMonoMs = 1'866'000'000;

inline std::int64_t mono_ns(std::int64_t ms) {
    return (kStartMonoMs + ms) * 1'000'000;
}
inline std::string stamp(std::int64_t ms, int serial) {
    const std::int64_t wall = kStartWallMs + ms;
    return fmt::format("audit({}.{:03}:{})", wall / 1000, wall % 1000, serial);
}

inline std::string clock(std::int64_t ms) {
    return fmt::format("type=CLOCK msg=proc({}): real={}\n", mono_ns(ms),
                       (kStartWallMs + ms) * 1'000'000);
}
inline std::string host(std::string_view feeds) {
    return fmt::format(
        "type=HOST msg=capture(1): boot_id=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 "
        "machine_id=8c7d hostname=web1 kernel=6.18.44 feeds={}\n",
        feeds);
}
inline std::string fork(std::int64_t ms, int parent, int pid) {
    return fmt::format(
        "type=CN_PROC msg=proc({}): what=fork cpu=0 seq=1 parent_pid={} parent_tgid={} pid={} "
        "tgid={}\n",
        mono_ns(ms), parent, parent, pid, pid);
}
inline std::string thread(std::int64_t ms, int parent, int tid, int pid) {
    return fmt::format(
        "type=CN_PROC msg=proc({}): what=fork cpu=0 seq=1 parent_pid={} parent_tgid={} pid={} "
        "tgid={}\n",
        mono_ns(ms), parent, parent, tid, pid);
}
inline std::string exec(std::int64_t ms, int pid) {
    return fmt::format("type=CN_PROC msg=proc({}): what=exec cpu=0 seq=1 pid={} tgid={}\n",
                       mono_ns(ms), pid, pid);
}
inline std::string uid(std::int64_t ms, int pid, int real, int effective) {
    return fmt::format(
        "type=CN_PROC msg=proc({}): what=uid cpu=0 seq=1 pid={} tgid={} ruid={} euid={}\n",
        mono_ns(ms), pid, pid, real, effective);
}
inline std::string exit(std::int64_t ms, int pid, int status = 0) {
    return fmt::format(
        "type=CN_PROC msg=proc({}): what=exit cpu=0 seq=1 pid={} tgid={} exit_code={} "
        "exit_signal=17 parent_pid=1 parent_tgid=1\n",
        mono_ns(ms), pid, pid, status);
}

inline std::string session(std::int64_t ms, int pid) {
    return fmt::format("type=CN_PROC msg=proc({}): what=sid cpu=0 seq=1 pid={} tgid={}\n",
                       mono_ns(ms), pid, pid);
}

// What a SYSCALL record says; the defaults are those of an ordinary user's command.
struct Call {
    std::int64_t ms = 0;
    int serial = 0;
    int pid = 0;
    int ppid = 1;
    std::string exe = "/usr/bin/true";
    int number = 59;
    std::string arch = "c000003e";
    std::int64_t exit = 0;
    std::string a0 = "55cbde8ecb40";
    std::string a1 = "7ffc84bb6300";
    std::string tty = "pts0";
    int uid = 1000;
    int euid = 1000;
};
inline std::string syscall(const Call& call) {
    return fmt::format(
        "type=SYSCALL msg={}: arch={} syscall={} success={} exit={} a0={} a1={} a2=10 "
        "a3=8 items=2 ppid={} pid={} auid=1000 uid={} gid=1000 euid={} suid={} fsuid={} egid=1000 "
        "sgid=1000 fsgid=1000 tty={} ses=3 comm=\"x\" exe=\"{}\" key=\"audisp-eql\"\n",
        stamp(call.ms, call.serial), call.arch, call.number,
        call.exit < 0 && call.exit != -512 ? "no" : "yes", call.exit, call.a0, call.a1, call.ppid,
        call.pid, call.uid, call.euid, call.euid, call.euid, call.tty, call.exe);
}
inline std::string proctitle(const Call& call) {
    return fmt::format("type=PROCTITLE msg={}: proctitle=\"x\"\n", stamp(call.ms, call.serial));
}
inline std::string path(const Call& call, int item, std::string_view name) {
    return fmt::format(
        "type=PATH msg={}: item={} name=\"{}\" inode=247230 dev=fe:00 mode=0100755 ouid=0 ogid=0 "
        "rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\n",
        stamp(call.ms, call.serial), item, name);
}

// The records of a successful exec. `paths`: as named, the loader included.
inline std::string execve(const Call& call, const std::vector<std::string>& args,
                          const std::vector<std::string>& paths,
                          std::string_view cwd = "/home/user") {
    std::string out = syscall(call);
    out += fmt::format("type=EXECVE msg={}: argc={}", stamp(call.ms, call.serial), args.size());
    for (std::size_t i = 0; i < args.size(); ++i)
        out += fmt::format(" a{}=\"{}\"", i, args[i]);
    out += fmt::format("\ntype=CWD msg={}: cwd=\"{}\"\n", stamp(call.ms, call.serial), cwd);
    for (std::size_t i = 0; i < paths.size(); ++i)
        out += path(call, static_cast<int>(i), paths[i]);
    return out + proctitle(call);
}
// An exec of a program by its own path.
inline std::string execve(std::int64_t ms, int serial, int ppid, int pid, const std::string& exe) {
    Call call{.ms = ms, .serial = serial, .pid = pid, .ppid = ppid, .exe = exe};
    return execve(call, {exe.substr(exe.rfind('/') + 1)}, {exe, "/lib64/ld-linux-x86-64.so.2"});
}

// 198.51.100.1:4444
inline constexpr std::string_view kInet = "0200115CC63364010000000000000000";
// [2001:db8:51::1]:443
inline constexpr std::string_view kInet6 =
    "0A0001BB0000000020010DB8005100000000000000000001"
    "00000000";
inline constexpr std::string_view kUnix = "01002F72756E2F736F636B00";

inline std::string with_sockaddr(const Call& call, std::string_view saddr) {
    std::string out = syscall(call);
    if (!saddr.empty())
        out += fmt::format("type=SOCKADDR msg={}: saddr={}\n", stamp(call.ms, call.serial), saddr);
    return out + proctitle(call);
}
inline std::string connect(std::int64_t ms, int serial, int ppid, int pid, const std::string& exe,
                           std::int64_t result = 0, std::string_view saddr = kInet) {
    return with_sockaddr({.ms = ms,
                          .serial = serial,
                          .pid = pid,
                          .ppid = ppid,
                          .exe = exe,
                          .number = 42,
                          .exit = result,
                          .a0 = "3"},
                         saddr);
}
inline std::string accept(std::int64_t ms, int serial, int ppid, int pid, const std::string& exe,
                          std::string_view saddr = kInet) {
    return with_sockaddr({.ms = ms,
                          .serial = serial,
                          .pid = pid,
                          .ppid = ppid,
                          .exe = exe,
                          .number = 43,
                          .exit = 4,
                          .a0 = "3"},
                         saddr);
}

}  // namespace audisp_eql::collector::lines
