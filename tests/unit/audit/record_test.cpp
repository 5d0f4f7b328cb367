// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/record.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::collector;

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(a_head_is_read_exactly_or_not_at_all) {
    const auto head = parse_head("audit(1795305966.042:410812): arch=c000003e pid=1");
    BOOST_REQUIRE(head);
    BOOST_TEST(head->key.time_ms == 1795305966042);
    BOOST_TEST(head->key.serial == 410812u);
    BOOST_TEST(head->body == "arch=c000003e pid=1");

    for (const char* wrong :
         {"", "audit(", "audit(1.2:3)", "audit(1:3): x", "audit(a.000:1): x", "audit(1.000:): x",
          "audit(1.1000:1): x", "audit(1.000:4294967296): x", "audit(-1.000:1): x",
          "audit(99999999999999999999.000:1): x", " audit(1.000:1): x"})
        BOOST_CHECK_MESSAGE(!parse_head(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(the_kernel_s_end_record_and_the_file_s_have_the_same_empty_body) {
    BOOST_TEST(parse_head("audit(1.000:1): ")->body.empty());
    BOOST_TEST(parse_head("audit(1.000:1):")->body.empty());
    // A continued EXECVE has two spaces; a netlink payload may end in a NUL or a newline.
    BOOST_TEST(parse_head("audit(1.000:1):  a1[1]=41")->body == "a1[1]=41");
    BOOST_TEST(parse_head(std::string_view("audit(1.000:1): a=1\n\0", 21))->body == "a=1");
}

BOOST_AUTO_TEST_CASE(heads_that_follow_each_other_are_parsed_as_alone) {
    HeadParser parser;
    for (const char* bytes :
         {"audit(1795305966.042:410812): a=1", "audit(1795305966.042:410812): b=2",
          "audit(1795305966.042:410812)", "audit(1795305966.042:410812):",
          "audit(1795305966.042:41081): c=3", "audit(1795305966.042:4108123): d=4", "audit(",
          "audit(1795305966.042:4108123): e=5\x1d"
          "f=6",
          "", "audit(0000000000000000000001.001:00000000000000000001): leading zeros",
          "audit(0000000000000000000001.001:00000000000000000001): again", "audit(1.001:1): g=7"}) {
        const auto alone = parse_head(bytes);
        const auto following = parser.parse(bytes);
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_REQUIRE(alone.has_value() == following.has_value());
            if (!alone)
                continue;
            BOOST_TEST((alone->key == following->key));
            BOOST_TEST(alone->body == following->body);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_auditd_adds_after_the_separator_is_cut) {
    const auto head = parse_head(
        "audit(1.000:1): pid=1 key=(null)\x1d"
        "ARCH=x86_64 pid=2\x1dx");
    BOOST_REQUIRE(head);
    BOOST_TEST(head->body == "pid=1 key=(null)");
}

BOOST_AUTO_TEST_CASE(lines_give_type_node_and_bytes) {
    struct Row {
        const char* line;
        int type;
        const char* node;
    };
    for (const Row& row : std::vector<Row>{
             {"type=SYSCALL msg=audit(1.000:1): a=1", 1300, ""},
             {"type=PATH msg=audit(1.000:1): a=1", 1302, ""},
             {"type=CWD msg=audit(1.000:1): a=1", 1307, ""},
             {"type=EXECVE msg=audit(1.000:1): a=1", 1309, ""},
             {"type=SOCKADDR msg=audit(1.000:1): a=1", 1306, ""},
             {"type=SOCKETCALL msg=audit(1.000:1): a=1", 1304, ""},
             {"type=PROCTITLE msg=audit(1.000:1): a=1", 1327, ""},
             {"type=EOE msg=audit(1.000:1):", 1320, ""},
             {"type=URINGOP msg=audit(1.000:1): a=1", 1336, ""},
             {"type=UNKNOWN[1336] msg=audit(1.000:1): a=1", 1336, ""},
             {"type=UNKNOWN[2999] msg=audit(1.000:1): a=1", 2999, ""},
             {"node=web-1.example type=USER_LOGIN msg=audit(1.000:1): a=1", 1112, "web-1.example"},
             {"type=NOSUCHTYPE msg=audit(1.000:1): a=1", 0, ""},
             {"type=CLOCK msg=proc(12): real=5", 0, ""},
             {"node=web-1.example", 0, ""},
             {" type=SYSCALL msg=audit(1.000:1): a=1", 0, ""},
             {"", 0, ""},
         }) {
        BOOST_TEST_CONTEXT(row.line) {
            const auto record = parse_line(row.line);
            BOOST_TEST((record ? record->type : 0) == row.type);
            if (record) {
                BOOST_TEST(record->node == row.node);
                BOOST_TEST(record->bytes.starts_with("audit(1.000:1):"));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(type_names_go_both_ways) {
    for (const int type : {1006, 1112, 1300, 1305, 1309, 1320, 1327, 1335, 1336, 2100, 2998}) {
        std::string line = "type=";
        append_type_name(static_cast<std::uint16_t>(type), line);
        line += " msg=audit(1.000:1): ";
        BOOST_TEST_CONTEXT(line) {
            const auto record = parse_line(line);
            BOOST_REQUIRE(record);
            BOOST_TEST(record->type == type);
        }
    }
}

struct Field {
    std::string key, value;
    bool quoted;
    bool operator==(const Field&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Field& field) {
    return out << field.key << '=' << field.value << (field.quoted ? " (quoted)" : "");
}

std::vector<Field> fields_of(std::string_view body) {
    std::vector<Field> list;
    FieldCursor cursor(body);
    while (cursor.next()) {
        list.push_back({std::string(cursor.key), std::string(cursor.value), cursor.quoted});
        BOOST_TEST(cursor.code == field_code(cursor.key));
    }
    return list;
}

BOOST_AUTO_TEST_CASE(fields_are_walked) {
    struct Row {
        const char* body;
        std::vector<Field> expected;
    };
    for (const Row& row : std::vector<Row>{
             {"pid=1 comm=\"a b=c\" exe=2F61",
              {{"pid", "1", false}, {"comm", "a b=c", true}, {"exe", "2F61", false}}},
             {"key=(null)", {{"key", "(null)", false}}},
             {"a=\"\" b= c=3", {{"a", "", true}, {"b", "", false}, {"c", "3", false}}},
             {"subj=/usr/sbin/x (enforce) key=\"k\"",
              {{"subj", "/usr/sbin/x", false}, {"key", "k", true}}},
             {"comm=\"cut off", {{"comm", "cut off", true}}},
             {"=x y z=", {{"z", "", false}}},
             {"", {}},
             {"   ", {}},
             {"a_very_long_key=1", {{"a_very_long_key", "1", false}}},
         }) {
        BOOST_TEST_CONTEXT(row.body) {
            BOOST_TEST(fields_of(row.body) == row.expected, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(fields_of_every_length_are_walked) {
    for (std::size_t key_size = 1; key_size <= 12; ++key_size) {
        for (std::size_t value_size = 0; value_size <= 80; ++value_size) {
            for (const bool quoted : {false, true}) {
                const std::string key(key_size, 'k');
                const std::string value(value_size, 'v');
                const std::string field = key + (quoted ? "=\"" + value + '"' : "=" + value);
                const std::vector<Field> one{{key, value, quoted}};
                BOOST_TEST(fields_of(field) == one);
                const std::vector<Field> two{{key, value, quoted}, {key, value, quoted}};
                BOOST_TEST(fields_of(field + ' ' + field) == two);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_inside_a_user_message_is_a_field) {
    // As a privileged process can send it over netlink: a newline, a quote, a forged record.
    const char* body =
        "pid=7 uid=0 auid=0 ses=1 msg='op=x\ntype=SYSCALL msg=audit(1.000:1): pid=1 exe=\"/x\" "
        "it's "
        "exe=\"/bin/y\"'";
    const auto fields = fields_of(body);
    BOOST_REQUIRE(fields.size() == 5u);
    BOOST_TEST(fields[4].key == "msg");
    BOOST_TEST(fields[4].value.ends_with("exe=\"/bin/y\""));
    BOOST_TEST(*find_field(body, "pid") == "7");
    BOOST_TEST(!find_field(body, "exe"));
}

BOOST_AUTO_TEST_CASE(untrusted_values_are_decided_by_the_quote) {
    struct Row {
        const char* value;
        bool quoted;
        bool good;
        const char* bytes;
    };
    for (const Row& row : std::vector<Row>{
             {"deadbeef", true, true, "deadbeef"},  // literal: it stood in quotes
             {"77697468207370616365", false, true, "with space"},
             {"6e65770a6C696E65", false, true, "new\nline"},
             {"", true, true, ""},
             {"(null)", false, false, ""},
             {"(none)", false, false, ""},
             {"?", false, false, ""},
             {"<too_long>", true, false, ""},
             {"616", false, false, ""},
             {"61zz", false, false, ""},
             {"", false, false, ""},
         }) {
        BOOST_TEST_CONTEXT(row.value << (row.quoted ? " quoted" : "")) {
            std::string out = "before ";
            BOOST_TEST(append_untrusted(row.value, row.quoted, out) == row.good);
            BOOST_TEST(out == std::string("before ") + row.bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(values_are_written_as_the_kernel_writes_them) {
    struct Row {
        std::string bytes, text;
    };
    for (const Row& row : std::vector<Row>{{"a", "\"a\""},
                                           {"", "\"\""},
                                           {"a b", "612062"},
                                           {"a\"", "6122"},
                                           {"\xc3\xa9", "C3A9"},
                                           {std::string("\0", 1), "00"},
                                           {"deadbeef", "\"deadbeef\""}}) {
        std::string text;
        append_as_untrusted(row.bytes, text);
        BOOST_TEST(text == row.text);
        const std::string field = "k=" + text;
        FieldCursor cursor(field);
        BOOST_REQUIRE(cursor.next());
        std::string back;
        BOOST_TEST(append_untrusted(cursor.value, cursor.quoted, back));
        BOOST_TEST(back == row.bytes);
    }
}

BOOST_AUTO_TEST_CASE(numbers_are_read_whole) {
    BOOST_TEST(*parse_decimal("-115") == -115);
    BOOST_TEST(*parse_decimal("9223372036854775807") == INT64_MAX);
    for (const char* wrong : {"", "12x", " 1", "9223372036854775808", "0x1"})
        BOOST_CHECK_MESSAGE(!parse_decimal(wrong), wrong);
    BOOST_TEST(*parse_hex("ffffffffffffffff") == UINT64_MAX);
    BOOST_TEST(*parse_hex("C000003e") == 0xc000003eU);
    for (const char* wrong : {"", "0x1", "-1", "10000000000000000"})
        BOOST_CHECK_MESSAGE(!parse_hex(wrong), wrong);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
