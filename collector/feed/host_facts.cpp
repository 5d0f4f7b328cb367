// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/host_facts.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
namespace {

std::string read_bounded(const std::string& path, std::size_t limit) {
    std::ifstream file(path, std::ios::binary);
    std::string text;
    // Piece by piece: room for the limit would be memory that the heap keeps.
    std::array<char, 4096> piece;
    while (text.size() < limit && file) {
        file.read(piece.data(),
                  static_cast<std::streamsize>(std::min(piece.size(), limit - text.size())));
        text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    }
    return text;
}

// Values of these messages end at a space: what could break a line becomes '_'.
std::string word(std::string_view text) {
    std::string clean(text.substr(0, text.find('\n')));
    for (char& byte : clean)
        if (static_cast<unsigned char>(byte) <= ' ' || byte == '"' || byte == '\x7f')
            byte = '_';
    return clean;
}

class Teller {
  public:
    Teller(MessageSink& sink, const HostOptions& options)
        : sink_(sink), then_ns_(options.backdated ? options.mono_ns : 0) {}
    void tell(MessageKind kind, std::string_view bytes) {
        Message message{};
        message.kind = kind;
        message.mono_ns = then_ns_ != 0 ? then_ns_ : monotonic_ns();
        message.bytes = bytes;
        sink_.on_message(message);
    }

  private:
    MessageSink& sink_;
    const std::int64_t then_ns_;  // 0: now, whenever that is
};

// name:password:id:…, the form of both files. Lines without a number are the name service's.
std::size_t tell_accounts(Teller& teller, MessageKind kind, std::string_view id_key,
                          const std::string& path) {
    const std::string text = read_bounded(path, kMaxAccountFileBytes);
    std::size_t told = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos || first == 0)
            continue;
        const std::string_view id =
            line.substr(second + 1, line.find(':', second + 1) - second - 1);
        if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos)
            continue;
        teller.tell(kind, fmt::format("{}={} name={}", id_key, id, word(line.substr(0, first))));
        ++told;
    }
    return told;
}

std::string first_word(const std::string& path) {
    return word(read_bounded(path, 256));
}

std::string host_text(const HostOptions& options) {
    const HostNames names = read_host_names(options.root);
    std::string text = fmt::format(
        "boot_id={} machine_id={} hostname={} kernel={} feeds={}",
        first_word(options.root + "/proc/sys/kernel/random/boot_id"), names.machine_id,
        names.hostname, first_word(options.root + "/proc/sys/kernel/osrelease"), options.feeds);
    if (!options.audit_feed.empty())
        text += fmt::format(" audit_feed={}", options.audit_feed);
    if (options.own_pids.empty())
        text += fmt::format(" self={}", ::getpid());
    else
        text += fmt::format(" self={}", fmt::join(options.own_pids, ","));
    return text;
}

}  // namespace

HostNames read_host_names(const std::string& root) {
    HostNames names;
    names.machine_id = first_word(root + "/etc/machine-id");
    if (names.machine_id.empty())
        names.machine_id = first_word(root + "/var/lib/dbus/machine-id");
    names.hostname = first_word(root + "/proc/sys/kernel/hostname");
    return names;
}

HostReport tell_host_facts(MessageSink& sink, ProcReader& proc, const HostOptions& options) {
    HostReport report;
    Message clock{};
    clock.kind = MessageKind::clock;
    clock.mono_ns = options.mono_ns != 0 ? options.mono_ns : monotonic_ns();
    clock.real_ns = options.mono_ns != 0 ? options.real_ns : nanoseconds(CLOCK_REALTIME);
    sink.on_message(clock);
    Teller teller(sink, options);
    teller.tell(MessageKind::host, host_text(options));
    report.users = tell_accounts(teller, MessageKind::user, "uid", options.root + "/etc/passwd");
    report.groups = tell_accounts(teller, MessageKind::group, "gid", options.root + "/etc/group");
    const auto self = static_cast<std::int32_t>(::getpid());
    std::vector<std::int32_t> pids = proc.pids();
    // Parents first, as far as numbers tell.
    std::sort(pids.begin(), pids.end());
    if (pids.size() > kMaxProcesses)
        pids.resize(kMaxProcesses);
    for (const std::int32_t pid : pids) {
        const auto snapshot = proc.read(pid);
        if (!snapshot)
            continue;
        teller.tell(MessageKind::process, to_text(*snapshot));
        ++report.processes;
        if (!snapshot->exe.empty() && pid != self &&
            std::find(options.own_pids.begin(), options.own_pids.end(), pid) ==
                options.own_pids.end())
            ++report.programs;
    }
    return report;
}

bool booted_with_audit(const std::string& root) {
    std::ifstream file(root + "/proc/cmdline");
    bool on = false;
    // The last one counts (audit_enable in kernel/audit.c).
    for (std::string word; file >> word;)
        if (word.rfind("audit=", 0) == 0)
            on = word == "audit=1" || word == "audit=on";
    return on;
}

std::string blind_line(std::size_t programs) {
    return fmt::format(
        "audit was off: {} program{} started before it was first enabled {} not seen by it until "
        "{} restarted (what {} start{} is seen); boot with audit=1 to see all",
        programs, programs == 1 ? "" : "s", programs == 1 ? "is" : "are",
        programs == 1 ? "it is" : "they are", programs == 1 ? "it" : "they",
        programs == 1 ? "s" : "");
}

}  // namespace audisp_eql::collector
