// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/broker_client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>

#include "collector/agent/log.hpp"
#include "collector/process/proc_files.hpp"

namespace audisp_eql::collector {

using wire::Outcome;
using wire::Question;

BrokerClient::~BrokerClient() {
    ::close(socket_);
}

// A question is sent and its answer received; `descriptor`: what came with it, or -1.
bool BrokerClient::exchange(int& descriptor) {
    descriptor = -1;
    ssize_t done = 0;
    do
        done = ::send(socket_, question_.data(), question_.size(), MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    if (done != static_cast<ssize_t>(question_.size()))
        return false;
    answer_.resize(wire::kMaxInline);
    iovec part{answer_.data(), answer_.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    do
        done = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    while (done < 0 && errno == EINTR);
    if (done <= 0)
        return false;
    answer_.resize(static_cast<std::size_t>(done));
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS)
        std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return true;
}

bool BrokerClient::read_file(int descriptor) {
    struct stat about {};
    if (descriptor < 0 || ::fstat(descriptor, &about) != 0 ||
        static_cast<std::uint64_t>(about.st_size) > wire::kMaxAnswer)
        return false;
    answer_.resize(static_cast<std::size_t>(about.st_size));
    for (std::size_t at = 0; at < answer_.size();) {
        const ssize_t got =
            ::pread(descriptor, answer_.data() + at, answer_.size() - at, static_cast<off_t>(at));
        if (got <= 0)
            return false;
        at += static_cast<std::size_t>(got);
    }
    return true;
}

bool BrokerClient::ask(Question what, const Put& put, const Take& take, int* descriptor) {
    const std::lock_guard lock(mutex_);
    question_.clear();
    wire::Writer writer(question_);
    writer.number(static_cast<std::uint64_t>(what));
    if (put)
        put(writer);
    int came = -1;
    if (!exchange(came))
        return false;
    auto outcome = static_cast<Outcome>(wire::Reader(answer_).number());
    if (outcome == Outcome::in_file) {
        const bool read = read_file(came);
        ::close(std::exchange(came, -1));
        if (!read)
            return false;
        outcome = static_cast<Outcome>(wire::Reader(answer_).number());
    }
    if (descriptor != nullptr)
        *descriptor = came;
    else if (came >= 0)
        ::close(came);
    wire::Reader reader(answer_);
    reader.number();
    if (outcome == Outcome::failed)
        throw std::runtime_error(std::string(reader.text()));
    if (outcome != Outcome::done) {
        log::error("the privileged process refuses a question: " + std::string(reader.text()));
        return false;
    }
    if (take)
        take(reader);
    return reader.good();
}

namespace {

class BrokeredFeeds final : public FeedHost {
  public:
    BrokeredFeeds(std::shared_ptr<BrokerClient> broker, const LocalFeedHost& feeds)
        : broker_(std::move(broker)), ring_(feeds.shared_ring()), shared_(feeds.shared_reader()) {}

    FeedReport open(const FeedRequest& request) override {
        FeedReport report;
        const auto put = [&](wire::Writer& out) {
            out.text(request.rules)
                .text(request.rules_without_connector)
                .number(request.more_proc_events);
        };
        const auto take = [&](wire::Reader& in) {
            report.lines = in.texts();
            report.names = in.text();
            report.audit_feed = in.text();
            report.reader_pid = static_cast<std::int32_t>(in.number());
            report.audit = in.number() != 0;
            report.connector = in.number() != 0;
            report.audit_was_off = in.number() != 0;
        };
        if (!broker_->ask(Question::open_feeds, put, take))
            throw std::runtime_error("the privileged process did not open the feeds");
        return report;
    }
    void start() override {
        if (!broker_->ask(Question::start_reader, nullptr, nullptr))
            throw std::runtime_error("the privileged process did not start its reader");
    }
    std::vector<std::string> exchange(std::string_view rules, std::uint32_t more) override {
        return lines(Question::exchange, [&](wire::Writer& out) { out.text(rules).number(more); });
    }
    std::vector<AuditRuleBytes> rules_in_force() override {
        std::vector<AuditRuleBytes> rules;
        const auto take = [&](wire::Reader& in) {
            for (std::uint64_t left = in.number(); left > 0 && in.good(); --left) {
                const std::string_view bytes = in.text();
                rules.emplace_back(bytes.begin(), bytes.end());
            }
        };
        broker_->ask(Question::rules_in_force, nullptr, take);
        return rules;
    }
    AuditView look_after(bool restore) override {
        AuditView view;
        const auto take = [&view](wire::Reader& in) {
            view.rules_gone = in.number();
            view.rules_restored = in.number();
            view.lines = in.texts();
            const bool known = in.number() != 0;
            AuditStatus status;
            for (std::uint32_t* value :
                 {&status.enabled, &status.failure, &status.pid, &status.rate_limit,
                  &status.backlog_limit, &status.lost, &status.backlog, &status.backlog_wait_time})
                *value = static_cast<std::uint32_t>(in.number());
            if (known)
                view.status = status;
        };
        broker_->ask(
            Question::look_after, [restore](wire::Writer& out) { out.number(restore); }, take);
        return view;
    }
    std::vector<std::string> stop() override {
        // A process that is gone pushes nothing more.
        bool answered = false;
        auto said = lines(Question::stop_reader, nullptr, &answered);
        if (!answered) {
            gone_ = true;
            ring_->wake();
        }
        return said;
    }
    std::vector<std::string> close() override { return lines(Question::close_feeds); }
    bool finished() const override {
        return gone_ || shared_->finished.load(std::memory_order_acquire);
    }
    const ReaderCounters& counters() const override { return shared_->counters; }
    Ring& ring() override { return *ring_; }

  private:
    std::vector<std::string> lines(Question what, const BrokerClient::Put& put = nullptr,
                                   bool* answered = nullptr) {
        std::vector<std::string> said;
        const bool good = broker_->ask(what, put, [&said](wire::Reader& in) { said = in.texts(); });
        if (answered != nullptr)
            *answered = good;
        return said;
    }

    std::shared_ptr<BrokerClient> broker_;
    std::shared_ptr<Ring> ring_;
    std::shared_ptr<ReaderShared> shared_;
    bool gone_ = false;
};

class BrokeredProcFiles final : public ProcFiles {
  public:
    explicit BrokeredProcFiles(std::shared_ptr<BrokerClient> broker) : broker_(std::move(broker)) {}

    std::vector<std::int32_t> pids() override {
        std::vector<std::int32_t> pids;
        const auto take = [&](wire::Reader& in) {
            for (std::uint64_t left = in.number(); left > 0 && in.good(); --left)
                pids.push_back(static_cast<std::int32_t>(in.number()));
        };
        ask(Question::pids, nullptr, take);
        return pids;
    }
    std::optional<RawProcess> process(std::int32_t pid) override {
        std::optional<RawProcess> found;
        if (pid <= 0)
            return found;
        const auto take = [&](wire::Reader& in) {
            if (in.number() == 0)
                return;
            RawProcess raw;
            for (std::string* text : {&raw.stat, &raw.stat_after, &raw.exe, &raw.cwd, &raw.cmdline,
                                      &raw.status, &raw.loginuid, &raw.sessionid, &raw.cgroup})
                *text = in.text();
            raw.foreign_mounts = in.number() != 0;
            raw.own_root = in.number() != 0;
            found = std::move(raw);
        };
        ask(Question::process, numbers(pid), take);
        return found;
    }
    void exec(std::int32_t pid, const ExecFiles& wanted, RawExec& out) override {
        const std::int32_t bits = (wanted.stdio ? 1 : 0) | (wanted.cgroup ? 2 : 0) |
                                  (wanted.stat ? 4 : 0) | (wanted.view ? 8 : 0) |
                                  (wanted.environment ? 16 : 0);
        out.gone = true;
        if (pid <= 0)
            return;
        const auto take = [&](wire::Reader& in) {
            out.gone = in.number() != 0;
            if (out.gone)
                return;
            out.exe = in.text();
            for (StandardDescriptor& descriptor : out.stdio) {
                descriptor.type = static_cast<StandardDescriptor::Type>(in.number());
                descriptor.transport = static_cast<StandardDescriptor::Transport>(in.number());
                descriptor.peer_port = static_cast<std::uint16_t>(in.number());
                descriptor.peer_ip = in.text();
            }
            for (std::string* text : {&out.cgroup, &out.stat, &out.environment})
                *text = in.text();
            out.foreign_mounts = in.number() != 0;
            out.own_root = in.number() != 0;
        };
        ask(Question::exec, numbers(pid, bits), take);
    }
    std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) override {
        std::optional<DescriptorTarget> found;
        if (pid <= 0 || fd < 0)
            return found;
        const auto take = [&](wire::Reader& in) {
            if (in.number() == 0)
                return;
            const std::uint64_t inode = in.number();
            found = DescriptorTarget{pid, fd, inode, std::string(in.text())};
        };
        ask(Question::descriptor, numbers(pid, fd), take);
        return found;
    }
    std::optional<SocketEnds> socket(std::int32_t pid, std::int32_t fd) override {
        std::optional<SocketEnds> found;
        if (pid <= 0 || fd < 0)
            return found;
        const auto take = [&](wire::Reader& in) {
            if (in.number() == 0)
                return;
            SocketEnds ends;
            ends.pid = pid;
            ends.fd = fd;
            ends.inet = in.number() != 0;
            ends.transport = in.text();
            ends.local_ip = in.text();
            ends.peer_ip = in.text();
            ends.local_port = static_cast<std::uint16_t>(in.number());
            ends.peer_port = static_cast<std::uint16_t>(in.number());
            found = std::move(ends);
        };
        ask(Question::socket, numbers(pid, fd), take);
        return found;
    }
    std::optional<ModuleTaint> module(std::string_view name) override {
        std::optional<ModuleTaint> found;
        const auto take = [&](wire::Reader& in) {
            if (in.number() != 0)
                found = ModuleTaint{std::string(name), std::string(in.text())};
        };
        // What a module calls itself is its maker's choice; what is no name is not asked.
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-") == std::string_view::npos &&
            !name.empty() && name.size() <= 64)
            ask(
                Question::module, [&](wire::Writer& out) { out.text(name); }, take);
        return found;
    }

  private:
    static BrokerClient::Put numbers(std::int32_t first) {
        return [first](wire::Writer& out) { out.number(static_cast<std::uint64_t>(first)); };
    }
    static BrokerClient::Put numbers(std::int32_t first, std::int32_t second) {
        return [first, second](wire::Writer& out) {
            out.number(static_cast<std::uint64_t>(first));
            out.number(static_cast<std::uint64_t>(second));
        };
    }
    // Nothing is thrown on the record path: what could not be had is as if it were gone.
    void ask(Question what, const BrokerClient::Put& put, const BrokerClient::Take& take) {
        try {
            broker_->ask(what, put, take);
        } catch (const std::runtime_error& problem) {
            log::warning(std::string("/proc: ") + problem.what());
        }
    }

    std::shared_ptr<BrokerClient> broker_;
};

RuleFiles take_rule_files(wire::Reader& in) {
    RuleFiles files;
    for (std::uint64_t left = in.number(); left > 0 && in.good(); --left) {
        std::string name(in.text());
        files.sources.push_back({std::move(name), std::string(in.text())});
    }
    for (std::uint64_t left = in.number(); left > 0 && in.good(); --left) {
        std::string path(in.text());
        files.troubles.push_back({std::move(path), std::string(in.text())});
    }
    files.tests = in.texts();
    return files;
}

}  // namespace

Access access_through(std::shared_ptr<BrokerClient> broker, const LocalFeedHost& feeds, int notices,
                      const BrokerOffers& offers) {
    Access access;
    access.feeds = std::make_unique<BrokeredFeeds>(broker, feeds);
    access.proc = std::make_unique<LinuxProcReader>(std::make_unique<BrokeredProcFiles>(broker));
    access.notices = notices;
    access.read_rules = [broker] {
        RuleInput input;
        const auto take = [&input](wire::Reader& in) {
            input.rules = take_rule_files(in);
            input.exceptions = take_rule_files(in);
            input.none = in.text();
        };
        if (!broker->ask(Question::rule_files, nullptr, take))
            throw std::runtime_error("the privileged process did not read the rule files");
        return input;
    };
    access.configuration = [broker] {
        FileHashes hashes;
        const auto take = [&hashes](wire::Reader& in) {
            for (std::uint64_t left = in.number(); left > 0 && in.good(); --left) {
                std::string path(in.text());
                hashes.emplace(std::move(path), in.text());
            }
        };
        broker->ask(Question::configuration, nullptr, take);
        return hashes;
    };
    access.tls_files = [broker] {
        TlsFiles files;
        const auto take = [&files](wire::Reader& in) {
            for (std::string* text : {&files.ca, &files.cert, &files.key})
                *text = in.text();
        };
        if (!broker->ask(Question::tls_files, nullptr, take))
            throw std::runtime_error("the privileged process did not read the TLS files");
        return files;
    };
    if (offers.notifies)
        access.notify = [broker](std::string_view text) {
            bool sent = false;
            broker->ask(
                Question::notify, [text](wire::Writer& out) { out.text(text); },
                [&sent](wire::Reader& in) { sent = in.number() != 0; });
            return sent;
        };
    if (offers.json_file)
        access.open_json_file = [broker] {
            int descriptor = -1;
            int error = EACCES;
            const auto take = [&error](wire::Reader& in) { error = static_cast<int>(in.number()); };
            if (!broker->ask(Question::json_file, nullptr, take, &descriptor) || descriptor < 0)
                errno = error;
            return descriptor;
        };
    return access;
}

}  // namespace audisp_eql::collector
