// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/broker_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

using wire::Outcome;
using wire::Question;

namespace {

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void check(bool good, const char* what) {
    if (!good)
        throw Refused(what);
}

std::int32_t number_of(wire::Reader& in, std::int32_t least, std::int32_t most) {
    const std::uint64_t value = in.number();
    check(in.good() && value >= static_cast<std::uint64_t>(least) &&
              value <= static_cast<std::uint64_t>(most),
          "a number out of its bounds");
    return static_cast<std::int32_t>(value);
}

std::int32_t pid_of(wire::Reader& in) {
    constexpr std::int32_t kMostPids = 4'194'304;  // PID_MAX_LIMIT of linux/threads.h
    return number_of(in, 1, kMostPids);
}

std::int32_t descriptor_of(wire::Reader& in) {
    constexpr std::int32_t kMostDescriptors = 0x3fffffff;  // far above sysctl fs.nr_open
    return number_of(in, 0, kMostDescriptors);
}

std::string_view rules_of(wire::Reader& in) {
    const std::string_view rules = in.text();
    check(in.good(), "a question cut short");
    if (const auto wrong = what_is_wrong_with(rules))
        throw Refused(*wrong);
    return rules;
}

std::uint32_t proc_events_of(wire::Reader& in) {
    const std::uint64_t value = in.number();
    check(in.complete() && value <= UINT32_MAX, "not the connector's messages");
    return static_cast<std::uint32_t>(value);
}

// ---- kernel audit rules ----

// These tests, and no other, are in the rules that the program makes. Names of users are not among
// them: they would be looked up.
constexpr std::array<std::string_view, 12> kTests{"arch", "success", "saddr_fam", "exit",
                                                  "a0",   "a1",      "a2",        "a3",
                                                  "dir",  "path",    "perm",      "filetype"};

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

bool is_plain(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '-';
}

bool is_test(std::string_view word) {
    const std::size_t end = word.find_first_of("=!<>&");
    if (end == std::string_view::npos)
        return false;
    const std::string_view name = word.substr(0, end);
    std::string_view value = word.substr(end);
    value.remove_prefix(std::min(value.find_first_not_of("=!<>&"), value.size()));
    if (std::find(kTests.begin(), kTests.end(), name) == kTests.end() || value.empty())
        return false;
    if (name == "dir" || name == "path")
        return value.front() == '/' && std::none_of(value.begin(), value.end(), [](char byte) {
                   return static_cast<unsigned char>(byte) <= ' ' || byte == '\x7f';
               });
    return std::all_of(value.begin(), value.end(), is_plain);
}

bool is_list_of_calls(std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(),
                                        [](char byte) { return is_plain(byte) || byte == ','; });
}

bool is_own_line(std::string_view line) {
    if (next_word(line) != "-a")
        return false;
    const std::string_view list = next_word(line);
    if (list != "always,exit" && list != "always,io_uring")
        return false;
    bool has_key = false;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        const std::string_view value = next_word(line);
        if (word == "-k" && !has_key)
            has_key = value.starts_with(kRuleKeyPrefix) &&
                      std::all_of(value.begin(), value.end(), is_plain);
        else if (!(word == "-F" && is_test(value)) && !(word == "-S" && is_list_of_calls(value)))
            return false;
    }
    return has_key;
}

// ---- answers ----

void put(wire::Writer& out, const StandardDescriptor& descriptor) {
    out.number(static_cast<std::uint64_t>(descriptor.type))
        .number(static_cast<std::uint64_t>(descriptor.transport))
        .number(descriptor.peer_port)
        .text(descriptor.peer_ip);
}

void put(wire::Writer& out, const RuleFiles& files) {
    out.number(files.sources.size());
    for (const detect::RuleSource& source : files.sources)
        out.text(source.name).text(source.text);
    out.number(files.troubles.size());
    for (const PathTrouble& trouble : files.troubles)
        out.text(trouble.path).text(trouble.message);
    out.texts(files.tests);
}

void put(wire::Writer& out, const AuditView& view) {
    out.number(view.rules_gone).number(view.rules_restored).texts(view.lines);
    out.number(view.status.has_value());
    const AuditStatus status = view.status.value_or(AuditStatus());
    for (const std::uint32_t value :
         {status.enabled, status.failure, status.pid, status.rate_limit, status.backlog_limit,
          status.lost, status.backlog, status.backlog_wait_time})
        out.number(value);
}

// A file in memory, for an answer that is no message's size. -1: errno says why.
int file_with(std::string_view bytes) {
    const int file = ::memfd_create("audisp-eql-answer", MFD_CLOEXEC);
    while (file >= 0 && !bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written <= 0) {
            ::close(file);
            return -1;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return file;
}

bool send_message(int socket, std::string_view bytes, int descriptor) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent = 0;
    do
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(bytes.size());
}

}  // namespace

std::optional<std::string> what_is_wrong_with(std::string_view audit_rules) {
    // Each is looked at in every system call of the host; all public rules together need 200.
    constexpr int kMostLines = 1024;
    constexpr std::size_t kMostBytes = 4096 + 512;  // a path and what stands before it
    for (int lines = 0; !audit_rules.empty(); ++lines) {
        const std::string_view line = audit_rules.substr(0, audit_rules.find('\n'));
        audit_rules.remove_prefix(std::min(audit_rules.size(), line.size() + 1));
        if (line.find_first_not_of(' ') == std::string_view::npos || line.front() == '#')
            continue;
        if (lines >= kMostLines || line.size() > kMostBytes || !is_own_line(line))
            return fmt::format("'{}' is no audit rule of this program's", line.substr(0, 200));
    }
    return std::nullopt;
}

bool BrokerServer::ask_feeds(Question what, wire::Reader& in, std::string& out) {
    wire::Writer writer(out);
    const bool open = stage_ == Stage::open || stage_ == Stage::reading;
    switch (what) {
        case Question::open_feeds: {
            check(stage_ == Stage::fresh, "the feeds are opened once");
            FeedRequest request;
            request.rules = rules_of(in);
            request.rules_without_connector = rules_of(in);
            request.more_proc_events = proc_events_of(in);
            const FeedReport report = means_.feeds->open(request);
            stage_ = Stage::open;
            writer.texts(report.lines).text(report.names);
            writer.text(report.audit_feed).number(static_cast<std::uint64_t>(report.reader_pid));
            writer.number(report.audit).number(report.connector).number(report.audit_was_off);
            return true;
        }
        case Question::start_reader:
            check(stage_ == Stage::open, "the reader is started once");
            means_.feeds->start();
            stage_ = Stage::reading;
            return true;
        case Question::exchange: {
            check(open, "no feed is open");
            const std::string_view rules = rules_of(in);
            writer.texts(means_.feeds->exchange(rules, proc_events_of(in)));
            return true;
        }
        case Question::rules_in_force: {
            check(open, "no feed is open");
            const auto rules = means_.feeds->rules_in_force();
            writer.number(rules.size());
            for (const AuditRuleBytes& rule : rules)
                writer.text({rule.data(), rule.size()});
            return true;
        }
        case Question::look_after: {
            check(open, "no feed is open");
            put(writer, means_.feeds->look_after(number_of(in, 0, 1) != 0));
            return true;
        }
        case Question::stop_reader:
            check(open, "no feed is open");
            writer.texts(means_.feeds->stop());
            return true;
        case Question::close_feeds:
            check(open, "no feed is open");
            stage_ = Stage::closed;
            writer.texts(means_.feeds->close());
            return true;
        default:
            return false;
    }
}

bool BrokerServer::ask_proc(Question what, wire::Reader& in, std::string& out) {
    wire::Writer writer(out);
    switch (what) {
        case Question::pids: {
            const auto pids = means_.proc->pids();
            writer.number(pids.size());
            for (const std::int32_t pid : pids)
                writer.number(static_cast<std::uint64_t>(pid));
            return true;
        }
        case Question::process: {
            const auto raw = means_.proc->process(pid_of(in));
            writer.number(raw.has_value());
            if (!raw)
                return true;
            for (const std::string* text :
                 {&raw->stat, &raw->stat_after, &raw->exe, &raw->cwd, &raw->cmdline, &raw->status,
                  &raw->loginuid, &raw->sessionid, &raw->cgroup})
                writer.text(*text);
            writer.number(raw->foreign_mounts).number(raw->own_root);
            return true;
        }
        case Question::exec: {
            const std::int32_t pid = pid_of(in);
            const std::uint64_t bits = in.number();
            const ExecFiles wanted{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                                   (bits & 8) != 0, (bits & 16) != 0};
            check(!wanted.environment || means_.environments, "environments are not to be read");
            means_.proc->exec(pid, wanted, exec_);
            writer.number(exec_.gone);
            if (exec_.gone)
                return true;
            writer.text(exec_.exe);
            for (const StandardDescriptor& descriptor : exec_.stdio)
                put(writer, descriptor);
            writer.text(wanted.cgroup ? std::string_view(exec_.cgroup) : std::string_view());
            writer.text(wanted.stat ? std::string_view(exec_.stat) : std::string_view());
            writer.text(wanted.environment ? std::string_view(exec_.environment)
                                           : std::string_view());
            writer.number(exec_.foreign_mounts).number(exec_.own_root);
            return true;
        }
        case Question::descriptor: {
            const std::int32_t pid = pid_of(in);
            const auto target = means_.proc->descriptor(pid, descriptor_of(in));
            writer.number(target.has_value());
            if (target)
                writer.number(target->inode).text(target->path);
            return true;
        }
        case Question::socket: {
            const std::int32_t pid = pid_of(in);
            const auto ends = means_.proc->socket(pid, descriptor_of(in));
            writer.number(ends.has_value());
            if (ends)
                writer.number(ends->inet)
                    .text(ends->transport)
                    .text(ends->local_ip)
                    .text(ends->peer_ip)
                    .number(ends->local_port)
                    .number(ends->peer_port);
            return true;
        }
        case Question::module: {
            const std::string_view name = in.text();
            constexpr std::size_t kMostBytes = 64;  // MODULE_NAME_LEN of linux/module.h
            check(in.good() && !name.empty() && name.size() <= kMostBytes &&
                      std::all_of(name.begin(), name.end(), is_plain),
                  "no module's name");
            const auto taint = means_.proc->module(name);
            writer.number(taint.has_value());
            if (taint)
                writer.text(taint->flags);
            return true;
        }
        default:
            return false;
    }
}

bool BrokerServer::ask_files(Question what, std::string& out, int& descriptor) {
    wire::Writer writer(out);
    if (what == Question::rule_files) {
        const RuleInput input = means_.read_rules();
        put(writer, input.rules);
        put(writer, input.exceptions);
        writer.text(input.none);
    } else if (what == Question::json_file && means_.open_json_file) {
        descriptor = means_.open_json_file();
        writer.number(descriptor < 0 ? static_cast<std::uint64_t>(errno) : 0);
    } else if (what == Question::configuration && means_.configuration) {
        const FileHashes hashes = means_.configuration();
        writer.number(hashes.size());
        for (const auto& [path, hash] : hashes)
            writer.text(path).text(hash);
    } else if (what == Question::tls_files && means_.tls_files) {
        const TlsFiles files = means_.tls_files();
        writer.text(files.ca).text(files.cert).text(files.key);
    } else {
        return false;
    }
    return true;
}

void BrokerServer::act(Question what, wire::Reader& in, std::string& out, int& descriptor) {
    if (what == Question::notify && means_.notify) {
        const std::string_view text = in.text();
        check(in.complete(), "more than the question");
        wire::Writer(out).number(means_.notify(text));
        return;
    }
    if (ask_feeds(what, in, out) || ask_proc(what, in, out)) {
        check(in.complete(), "more than the question");
        return;
    }
    check(in.complete(), "no such question");
    if (!ask_files(what, out, descriptor))
        throw Refused("no such question");
}

void BrokerServer::answer(std::string_view question, std::string& out, int& descriptor) {
    const auto failed = [&](Outcome outcome, const char* why) {
        out.clear();
        wire::Writer(out).number(static_cast<std::uint64_t>(outcome)).text(why);
    };
    out.clear();
    descriptor = -1;
    try {
        wire::Reader in(question);
        const auto what = static_cast<Question>(in.number());
        check(in.good(), "no question");
        wire::Writer(out).number(static_cast<std::uint64_t>(Outcome::done));
        act(what, in, out, descriptor);
    } catch (const Refused& refusal) {
        ++refused_;
        failed(Outcome::refused, refusal.what());
    } catch (const std::exception& problem) {
        failed(Outcome::failed, problem.what());
    }
}

bool BrokerServer::serve(int socket) {
    question_.resize(wire::kMaxQuestion);
    // Descriptors that come with it are not received, so the kernel drops them. What is longer than
    // any question is cut, and refused as such.
    ssize_t got = 0;
    do
        got = ::recv(socket, question_.data(), question_.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    int descriptor = -1;
    answer({question_.data(), static_cast<std::size_t>(got)}, answer_, descriptor);
    bool sent = false;
    if (descriptor < 0 && answer_.size() > wire::kMaxInline) {
        descriptor = answer_.size() > wire::kMaxAnswer ? -1 : file_with(answer_);
        if (descriptor < 0)
            return false;
        answer_.clear();
        wire::Writer(answer_).number(static_cast<std::uint64_t>(Outcome::in_file));
        sent = send_message(socket, answer_, descriptor);
    } else {
        sent = send_message(socket, answer_, descriptor);
    }
    if (descriptor >= 0)
        ::close(descriptor);
    return sent;
}

}  // namespace audisp_eql::collector
