// SPDX-License-Identifier: Apache-2.0
// What the files of /proc/PID mean (man 5 proc).
#include <algorithm>
#include <charconv>

#include <sys/sysmacros.h>
#include <system_error>

#include "collector/audit/decode.hpp"
#include "collector/process/container.hpp"
#include "collector/process/proc_files.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

template <typename Number>
bool parse(std::string_view text, Number& number) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc{};
}

// The n-th word of a text, counted from 0.
std::string_view word(std::string_view text, int n) {
    while (true) {
        const std::size_t start = text.find_first_not_of(" \t\n");
        if (start == std::string_view::npos)
            return {};
        text.remove_prefix(start);
        const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
        if (n-- == 0)
            return text.substr(0, end);
        text.remove_prefix(end);
    }
}

// As audit names it (the tty driver's name): pts0, tty1, ttyS0.
std::string tty_name(int device) {
    if (device == 0)
        return {};
    const auto number = static_cast<dev_t>(static_cast<unsigned>(device));
    const unsigned major = gnu_dev_major(number);
    const unsigned minor = gnu_dev_minor(number);
    if (major >= 136 && major <= 143)  // UNIX98_PTY_SLAVE_MAJOR and 7 more, 256 terminals each
        return "pts" + std::to_string((major - 136) * 256 + minor);
    if (major == 4)
        return minor < 64 ? "tty" + std::to_string(minor) : "ttyS" + std::to_string(minor - 64);
    return "dev" + std::to_string(major) + ":" + std::to_string(minor);
}

// "Uid:\treal\teffective\t…"
void parse_ids(std::string_view status, std::string_view label, std::uint32_t& real,
               std::uint32_t& effective) {
    const std::size_t at = status.find(label);
    if (at == std::string_view::npos)
        return;
    const std::string_view line = status.substr(at + label.size());
    parse(word(line, 0), real);
    parse(word(line, 1), effective);
}

// "CapEff:\t000001ffffffffff"
void parse_capabilities(std::string_view status, std::string_view label, std::int64_t& mask) {
    const std::size_t at = status.find(label);
    if (at == std::string_view::npos)
        return;
    const std::string_view hex = word(status.substr(at + label.size()), 0);
    std::uint64_t bits = 0;
    if (std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16).ec == std::errc{})
        mask = static_cast<std::int64_t>(bits);
}

void parse_cmdline(std::string_view cmdline, ProcSnapshot& out) {
    std::size_t kept = 0;
    while (!cmdline.empty()) {
        const std::size_t end = std::min(cmdline.find('\0'), cmdline.size());
        ++out.args_count;
        if (out.args.size() < Arguments::kMaxArguments && kept + end <= Arguments::kMaxBytes) {
            out.args.emplace_back(cmdline.substr(0, end));
            kept += end;
        }
        cmdline.remove_prefix(std::min(end + 1, cmdline.size()));
    }
}

// The name in parentheses is the process's own choice and may hold spaces and parentheses: the
// fields begin behind the last one.
bool parse_stat(std::string_view stat, ProcSnapshot& out) {
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos)
        return false;
    const std::string_view fields = stat.substr(name_end + 1);
    // Field 3 of proc(5) is word 0.
    int tty = 0;
    const bool ok = parse(word(fields, 4 - 3), out.ppid) && parse(word(fields, 5 - 3), out.pgid) &&
                    parse(word(fields, 6 - 3), out.sid) && parse(word(fields, 7 - 3), tty) &&
                    parse(word(fields, 20 - 3), out.threads) &&
                    parse(word(fields, 22 - 3), out.start_tick);
    out.tty = tty_name(tty);
    return ok;
}

}  // namespace

LinuxProcReader::LinuxProcReader(std::string root, std::string modules)
    : LinuxProcReader(std::make_unique<LinuxProcFiles>(std::move(root), std::move(modules))) {}

LinuxProcReader::LinuxProcReader(std::unique_ptr<ProcFiles> files)
    : files_(std::move(files)), exec_(std::make_unique<RawExec>()) {}

LinuxProcReader::~LinuxProcReader() = default;

std::vector<std::int32_t> LinuxProcReader::pids() {
    return files_->pids();
}

std::optional<ProcSnapshot> LinuxProcReader::read(std::int32_t pid) {
    auto raw = files_->process(pid);
    ProcSnapshot snapshot, after;
    if (!raw || !parse_stat(raw->stat, snapshot) || !parse_stat(raw->stat_after, after) ||
        after.start_tick != snapshot.start_tick)
        return std::nullopt;
    snapshot.pid = pid;
    snapshot.exe = std::move(raw->exe);
    snapshot.cwd = std::move(raw->cwd);
    parse_cmdline(raw->cmdline, snapshot);
    parse_ids(raw->status, "\nUid:", snapshot.uid, snapshot.euid);
    parse_ids(raw->status, "\nGid:", snapshot.gid, snapshot.egid);
    parse_capabilities(raw->status, "\nCapPrm:", snapshot.cap_permitted);
    parse_capabilities(raw->status, "\nCapEff:", snapshot.cap_effective);
    parse(raw->loginuid, snapshot.auid);
    parse(raw->sessionid, snapshot.session);
    snapshot.foreign_mounts = raw->foreign_mounts;
    snapshot.own_root = raw->own_root;
    snapshot.cgroup = telling_cgroup(raw->cgroup).substr(0, kMaxCgroupBytes);
    return snapshot;
}

std::optional<DescriptorTarget> LinuxProcReader::descriptor(std::int32_t pid, std::int32_t fd) {
    return files_->descriptor(pid, fd);
}

std::optional<SocketEnds> LinuxProcReader::socket(std::int32_t pid, std::int32_t fd) {
    return files_->socket(pid, fd);
}

std::optional<ModuleTaint> LinuxProcReader::module(std::string_view name) {
    return files_->module(name);
}

namespace {

void keep_variables(std::string_view text, const ExecQuestions& questions, ExecContext& out) {
    while (!text.empty() && out.variables.size() < ExecContext::kMaxVariables) {
        const std::string_view variable = text.substr(0, text.find('\0'));
        if (questions.keep_variable(variable))
            out.variables.emplace_back(variable.substr(0, ExecContext::kMaxVariableBytes));
        text.remove_prefix(std::min(text.size(), variable.size() + 1));
    }
}

}  // namespace

void LinuxProcReader::read_exec(std::int32_t pid, const ExecQuestions& questions,
                                ExecContext& out) {
    out.clear(pid);
    ExecFiles wanted;
    wanted.stdio = questions.stdio;
    wanted.cgroup = questions.container;
    wanted.stat = questions.group;
    wanted.view = questions.view;
    wanted.environment = questions.keep_variable != nullptr;
    RawExec& raw = *exec_;
    files_->exec(pid, wanted, raw);
    out.gone = raw.gone;
    if (out.gone)
        return;
    out.exe = raw.exe;
    if (wanted.stdio)
        out.stdio = raw.stdio;
    if (wanted.cgroup)
        out.cgroup = telling_cgroup(raw.cgroup).substr(0, kMaxCgroupBytes);
    ProcSnapshot stat;
    if (wanted.stat && parse_stat(raw.stat, stat)) {
        out.sid = stat.sid;
        out.pgid = stat.pgid;
    }
    if (wanted.view) {
        out.foreign_mounts = raw.foreign_mounts;
        out.own_root = raw.own_root;
    }
    if (wanted.environment)
        keep_variables(raw.environment, questions, out);
}

}  // namespace audisp_eql::collector
