// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/audit/decode.hpp"
#include "tests/unit/audit/event_collector.hpp"

namespace {

using namespace audisp_eql::collector;
using audisp_eql::collector::test::event_of;

using Bodies = std::vector<std::string>;

Arguments decode(const Bodies& bodies) {
    std::vector<std::pair<std::uint16_t, std::string>> records;
    for (const std::string& body : bodies)
        records.emplace_back(audit_type::kExecve, body);
    Arguments arguments;
    BOOST_TEST(decode_arguments(event_of(records), arguments));
    return arguments;
}

std::vector<std::string> words_of(const Arguments& arguments) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < arguments.words.size(); ++i)
        words.emplace_back(arguments.word(i));
    return words;
}

std::string hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text;
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(arguments_are_decoded_and_joined) {
    struct Row {
        const char* what;
        Bodies bodies;
        std::vector<std::string> words;
        int count;
        bool truncated, malformed;
    };
    for (const Row& row : std::vector<Row>{
             {"plain",
              {"argc=3 a0=\"sh\" a1=\"-c\" a2=\"id\""},
              {"sh", "-c", "id"},
              3,
              false,
              false},
             {"quoted is literal, hex is hex",
              {"argc=3 a0=\"deadbeef\" a1=77697468207370616365 a2=6E65770A6C696E65"},
              {"deadbeef", "with space", "new\nline"},
              3,
              false,
              false},
             {"empty argument",
              {"argc=3 a0=\"x\" a1=\"\" a2=\"y\""},
              {"x", "", "y"},
              3,
              false,
              false},
             {"over several records",
              {"argc=3 a0=\"x\"", "a1=\"y\" a2=\"z\""},
              {"x", "y", "z"},
              3,
              false,
              false},
             {"fragments",
              {"argc=3 a0=\"/bin/true\" a1_len=12 a1[0]=6162", "a1[1]=6364",
               "a1[2]=6566 a2=\"tail\""},
              {"/bin/true", "abcdef", "tail"},
              3,
              false,
              false},
             {"fragments in quotes",
              {"argc=1 a0_len=4 a0[0]=\"ab\"", "a0[1]=\"cd\""},
              {"abcd"},
              1,
              false,
              false},
             {"a wrong length is no matter",
              {"argc=1 a0_len=999999999999 a0[0]=6162"},
              {"ab"},
              1,
              false,
              false},
             {"a missing fragment", {"argc=1 a0_len=6 a0[0]=61 a0[2]=63"}, {"ac"}, 1, false, true},
             {"a missing argument", {"argc=3 a0=\"x\" a2=\"z\""}, {"x", "z"}, 3, true, true},
             {"a missing end", {"argc=3 a0=\"x\""}, {"x"}, 3, true, true},
             {"said twice: the first counts",
              {"argc=2 a0=\"x\" a0=\"forged\" a1=\"y\" argc=9"},
              {"x", "y"},
              2,
              false,
              false},
             {"a fragment after the whole", {"argc=1 a0=\"x\" a0[0]=61"}, {"x"}, 1, false, false},
             {"no argc", {"a0=\"x\""}, {"x"}, 1, false, true},
             {"not hex", {"argc=2 a0=xyz a1=\"b\""}, {"xyz", "b"}, 2, false, true},
             {"other keys", {"argc=1 b=1 a=2 ax=3 a1x=4 a[0]=5 a0=\"x\""}, {"x"}, 1, false, false},
         }) {
        BOOST_TEST_CONTEXT(row.what) {
            const Arguments arguments = decode(row.bodies);
            BOOST_TEST(words_of(arguments) == row.words, boost::test_tools::per_element());
            BOOST_TEST(arguments.count == row.count);
            BOOST_TEST(arguments.truncated == row.truncated);
            BOOST_TEST(arguments.malformed == row.malformed);
            std::string joined;
            for (const std::string& word : row.words)
                joined += (&word == row.words.data() ? "" : " ") + word;
            BOOST_TEST(arguments.command_line == joined);
        }
    }
}

BOOST_AUTO_TEST_CASE(many_arguments_are_cut_but_counted) {
    std::string body = "argc=2500";
    for (int i = 0; i < 2500; ++i)
        body += " a" + std::to_string(i) + "=\"v" + std::to_string(i) + "\"";
    const Arguments arguments = decode({body.substr(0, 7500)});
    BOOST_TEST(arguments.words.size() == Arguments::kMaxArguments);
    BOOST_TEST(arguments.word(63) == "v63");
    BOOST_TEST(arguments.count == 2500);
    BOOST_TEST(arguments.truncated);
}

BOOST_AUTO_TEST_CASE(a_long_argument_keeps_its_beginning) {
    const std::string text = "beginning " + std::string(20'000, 'x');
    Bodies bodies{"argc=3 a0=\"/bin/true\" a1_len=40020"};
    const std::string coded = hex(text);
    for (std::size_t at = 0, k = 0; at < coded.size(); at += 7500, ++k)
        bodies.push_back("a1[" + std::to_string(k) + "]=" + coded.substr(at, 7500));
    bodies.push_back("a2=\"tail\"");
    const Arguments arguments = decode(bodies);
    BOOST_REQUIRE(arguments.words.size() == 2u);
    BOOST_TEST(arguments.word(1).starts_with("beginning xxx"));
    BOOST_TEST(arguments.command_line.size() == Arguments::kMaxBytes);
    BOOST_TEST(arguments.count == 3);
    BOOST_TEST(arguments.truncated);
}

BOOST_AUTO_TEST_CASE(the_process_title_is_never_an_argument) {
    Arguments arguments;
    BOOST_TEST(
        !decode_arguments(event_of({{audit_type::kSyscall, "arch=c000003e"},
                                    {audit_type::kProctitle, "proctitle=\"forged\" a0=\"x\""}}),
                          arguments));
    BOOST_TEST(arguments.words.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
