// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/privilege/broker_server.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

using wire::Outcome;
using wire::Question;

// What was asked of them is counted: nothing else may come through.
struct Feeds final : FeedHost {
    Ring bytes{1 << 18};
    ReaderCounters counted;
    std::vector<std::string> asked;

    FeedReport open(const FeedRequest& request) override {
        asked.push_back("open " + request.rules);
        return {};
    }
    void start() override { asked.emplace_back("start"); }
    std::vector<std::string> exchange(std::string_view rules, std::uint32_t) override {
        asked.push_back("exchange " + std::string(rules));
        return {"exchanged"};
    }
    std::vector<AuditRuleBytes> rules_in_force() override { return {}; }
    AuditView look_after(bool) override { return {}; }
    std::vector<std::string> stop() override { return {}; }
    std::vector<std::string> close() override {
        asked.emplace_back("close");
        return {};
    }
    bool finished() const override { return false; }
    const ReaderCounters& counters() const override { return counted; }
    Ring& ring() override { return bytes; }
};

struct Files final : ProcFiles {
    std::vector<std::int32_t> pids() override { return {1, 2}; }
    std::optional<RawProcess> process(std::int32_t pid) override {
        BOOST_TEST(pid > 0);
        return std::nullopt;
    }
    void exec(std::int32_t pid, const ExecFiles& wanted, RawExec& out) override {
        BOOST_TEST(pid > 0);
        BOOST_TEST(!wanted.environment);
        out.gone = false;
        out.exe = "/bin/x";
        out.environment = "SECRET=1";
    }
    std::optional<DescriptorTarget> descriptor(std::int32_t pid, std::int32_t fd) override {
        BOOST_TEST(pid > 0);
        BOOST_TEST(fd >= 0);
        return std::nullopt;
    }
    std::optional<SocketEnds> socket(std::int32_t, std::int32_t fd) override {
        BOOST_TEST(fd >= 0);
        return std::nullopt;
    }
    std::optional<ModuleTaint> module(std::string_view name) override {
        BOOST_TEST(name.find_first_of("/.") == std::string_view::npos);
        return std::nullopt;
    }
};

struct Broker {
    Feeds feeds;
    Files files;
    BrokerServer server{{&feeds, &files, false, [] { return RuleInput(); }, {}, {}, {}, {}}};

    Outcome ask(const std::string& question) {
        std::string out;
        int descriptor = -1;
        server.answer(question, out, descriptor);
        BOOST_TEST(descriptor == -1);
        return static_cast<Outcome>(wire::Reader(out).number());
    }
    template <typename... Numbers>
    Outcome ask_numbers(Question what, Numbers... numbers) {
        std::string question;
        wire::Writer writer(question);
        writer.number(static_cast<std::uint64_t>(what));
        (writer.number(static_cast<std::uint64_t>(numbers)), ...);
        return ask(question);
    }
    Outcome open(const std::string& rules) {
        std::string question;
        wire::Writer(question)
            .number(static_cast<std::uint64_t>(Question::open_feeds))
            .text(rules)
            .text("")
            .number(0);
        return ask(question);
    }
};

constexpr const char* kRule = "-a always,exit -F arch=b64 -S execve -F success=1 -k audisp-eql-x";

}  // namespace

BOOST_AUTO_TEST_SUITE(privilege)

BOOST_AUTO_TEST_CASE(audit_rules_of_this_program_and_no_others) {
    const std::pair<const char*, bool> lines[] = {
        {"", true},
        {"\n# comment\n", true},
        {kRule, true},
        {"-a always,io_uring -S openat -F success=1 -k audisp-eql-uring", true},
        {"-a always,exit -S sendmsg -F a2&0x20000000 -k audisp-eql-tfo", true},
        {"-a always,exit -S open -F dir=/home/käse/.ssh -F perm=wa -k audisp-eql-file", true},
        {"-a always,exit -S kill -F a1!=0 -k audisp-eql-signal", true},
        // It hides something, sets something, or is somebody else's.
        {"-a never,exit -S execve -k audisp-eql-x", false},
        {"-a never,exit -k audisp-eql-x", false},
        {"-a always,exclude -F msgtype=SYSCALL -k audisp-eql-x", false},
        {"-a always,user -k audisp-eql-x", false},
        {"-A always,exit -S execve -k audisp-eql-x", false},
        {"-d always,exit -S execve -k audisp-eql-x", false},
        {"-D", false},
        {"-e 0", false},
        {"-w /etc/passwd -p wa -k audisp-eql-x", false},
        {"-a always,exit -S execve -k identity", false},
        {"-a always,exit -S execve", false},
        {"-a always,exit -S execve -k audisp-eql-x -k identity", false},
        {"-a always,exit -S execve -k audisp-eql-x -e 0", false},
        {"-a always,exit -S execve -F -k audisp-eql-x", false},
        // A name would be looked up.
        {"-a always,exit -S execve -F uid=somebody -k audisp-eql-x", false},
        {"-a always,exit -S execve -F exe=/bin/sh -k audisp-eql-x", false},
        {"-a always,exit -S execve -F dir=home -k audisp-eql-x", false},
        {"-a always,exit -S execve;reboot -k audisp-eql-x", false},
        {"-a always,exit -S execve -F a0=1\t-D -k audisp-eql-x", false},
    };
    for (const auto& [line, good] : lines)
        BOOST_TEST(!what_is_wrong_with(line).has_value() == good, line);
    BOOST_TEST(!what_is_wrong_with(built_in_audit_rules()).has_value());
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many.append(kRule).append("\n");
    BOOST_TEST(what_is_wrong_with(many).has_value());
}

BOOST_AUTO_TEST_CASE(feeds_are_opened_once_and_in_order) {
    Broker broker;
    BOOST_TEST((broker.ask_numbers(Question::start_reader) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::stop_reader) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::close_feeds) == Outcome::refused));
    BOOST_TEST((broker.open("-D") == Outcome::refused));
    BOOST_TEST(broker.feeds.asked.empty());
    BOOST_TEST((broker.open(kRule) == Outcome::done));
    BOOST_TEST((broker.open(kRule) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::start_reader) == Outcome::done));
    BOOST_TEST((broker.ask_numbers(Question::start_reader) == Outcome::refused));
    BOOST_TEST(broker.server.feeds_open());
    BOOST_TEST((broker.ask_numbers(Question::close_feeds) == Outcome::done));
    BOOST_TEST((broker.ask_numbers(Question::close_feeds) == Outcome::refused));
    BOOST_TEST(!broker.server.feeds_open());
    const std::vector<std::string> wanted{"open " + std::string(kRule), "start", "close"};
    BOOST_TEST(broker.feeds.asked == wanted);
}

BOOST_AUTO_TEST_CASE(numbers_and_names_are_checked) {
    Broker broker;
    const std::uint64_t most = 4'194'304;
    BOOST_TEST((broker.ask_numbers(Question::process, 1) == Outcome::done));
    BOOST_TEST((broker.ask_numbers(Question::process, most) == Outcome::done));
    for (const std::uint64_t pid : {std::uint64_t{0}, most + 1, ~std::uint64_t{0}}) {
        BOOST_TEST((broker.ask_numbers(Question::process, pid) == Outcome::refused));
        BOOST_TEST((broker.ask_numbers(Question::exec, pid, 1) == Outcome::refused));
        BOOST_TEST((broker.ask_numbers(Question::descriptor, pid, 1) == Outcome::refused));
        BOOST_TEST((broker.ask_numbers(Question::socket, pid, 1) == Outcome::refused));
    }
    BOOST_TEST((broker.ask_numbers(Question::descriptor, 1, -1) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::process) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::process, 1, 1) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::exec, 1, 15) == Outcome::done));
    // Only with env-vars = on.
    BOOST_TEST((broker.ask_numbers(Question::exec, 1, 16) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::json_file) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::configuration) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::tls_files) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(Question::notify, 0) == Outcome::refused));
    BOOST_TEST((broker.ask_numbers(static_cast<Question>(99)) == Outcome::refused));
    for (const auto& [name, good] : {std::pair{"nf_tables", true}, std::pair{"../1", false},
                                     std::pair{"..", false}, std::pair{"", false}}) {
        std::string question;
        wire::Writer(question).number(static_cast<std::uint64_t>(Question::module)).text(name);
        BOOST_TEST((broker.ask(question) == (good ? Outcome::done : Outcome::refused)), name);
    }
    BOOST_TEST(broker.server.refused() > 0);
}

BOOST_AUTO_TEST_CASE(an_environment_that_was_not_asked_for_stays) {
    Broker broker;
    std::string question, out;
    int descriptor = -1;
    wire::Writer(question).number(static_cast<std::uint64_t>(Question::exec)).number(1).number(15);
    broker.server.answer(question, out, descriptor);
    BOOST_TEST(out.find("/bin/x") != std::string::npos);
    BOOST_TEST(out.find("SECRET") == std::string::npos);
}

// Whatever is sent: an answer, and nothing that was not asked for in the right form.
BOOST_AUTO_TEST_CASE(garbage_is_refused) {
    Broker broker;
    std::mt19937_64 dice(20261122);
    std::string question;
    for (int turn = 0; turn < 50'000; ++turn) {
        question.clear();
        wire::Writer writer(question);
        writer.number(dice() % 18);
        for (auto words = dice() % 4; words > 0; --words)
            switch (dice() % 4) {
                case 0:
                    writer.number(dice());
                    break;
                case 1:
                    writer.number(dice() % 3);
                    break;
                case 2:
                    writer.text("-a never,exit -k audisp-eql-x");
                    break;
                default:
                    writer.text(std::string(dice() % 40, static_cast<char>(dice())));
            }
        if (dice() % 2 == 0)
            question.resize(dice() % (question.size() + 1));
        const Outcome outcome = broker.ask(question);
        BOOST_REQUIRE((outcome == Outcome::done || outcome == Outcome::refused));
    }
    for (const std::string& asked : broker.feeds.asked)
        BOOST_TEST(asked.find("never") == std::string::npos, asked);
    BOOST_TEST(broker.server.refused() > 10'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
