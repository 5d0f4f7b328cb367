// SPDX-License-Identifier: Apache-2.0
#include "detect/event/event.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;

std::vector<std::string> components(std::string_view name) {
    std::vector<std::string> parts(1);
    for (const char c : name) {
        if (c == '.')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(the_field_table_is_sorted_by_the_components_of_the_names) {
    for (std::size_t i = 1; i < kKnownFields; ++i) {
        BOOST_TEST_CONTEXT(kFieldRows[i].name) {
            BOOST_TEST(components(kFieldRows[i - 1].name) < components(kFieldRows[i].name));
        }
    }
}

BOOST_AUTO_TEST_CASE(every_field_says_what_it_is_and_where_it_is_from_and_when) {
    for (const FieldRow& row : kFieldRows)
        BOOST_TEST_CONTEXT(row.name) {
            BOOST_TEST(!row.doc.empty());
            BOOST_TEST(!row.source.empty());
            BOOST_TEST(!row.surely.empty());
        }
}

BOOST_AUTO_TEST_CASE(a_field_shown_from_another_block_is_stored_under_a_row_of_its_type) {
    for (std::size_t i = 0; i < kKnownFields; ++i) {
        const FieldRow& row = kFieldRows[i];
        const FieldRow& stored = kFieldRows[static_cast<std::size_t>(row.stored)];
        BOOST_TEST_CONTEXT(row.name) {
            BOOST_CHECK(row.type == stored.type);
            BOOST_CHECK(row.flags == stored.flags);
        }
    }
}

BOOST_AUTO_TEST_CASE(names_are_found_and_added) {
    FieldNames names;
    BOOST_CHECK(names.find("process.name") == FieldId::process_name);
    BOOST_CHECK(!names.find("process.nam"));
    const FieldId added = names.intern("dns.question.name");
    BOOST_CHECK(!is_known(added));
    BOOST_CHECK(names.intern("dns.question.name") == added);
    BOOST_TEST(names.row(added).name == "dns.question.name");
    BOOST_CHECK(place_of(added).layer == Layer::own);
}

BOOST_AUTO_TEST_CASE(a_block_keeps_what_the_builder_was_told) {
    BlockBuilder builder;
    const auto path = builder.append("/usr/bin/python3");
    builder.set_text(FieldId::process_executable, path);
    builder.set_text(FieldId::process_name, path.part(9, 7));
    const std::vector<std::string_view> args{"python3", "-c", ""};
    builder.set_texts(FieldId::process_args, args);
    builder.set_integer(FieldId::process_args_count, 7);
    builder.set_integer(FieldId::process_args_count, 3);  // the last one counts
    const BlockPtr block = builder.finish();
    BOOST_TEST(builder.empty());

    BOOST_TEST(block->values(FieldId::process_executable)[0].as_text() == "/usr/bin/python3");
    BOOST_TEST(block->values(FieldId::process_name)[0].as_text() == "python3");
    BOOST_TEST(block->values(FieldId::process_args).size() == 3u);
    BOOST_TEST(block->values(FieldId::process_args)[1].as_text() == "-c");
    BOOST_TEST(block->values(FieldId::process_args)[2].as_text() == "");
    BOOST_TEST(block->values(FieldId::process_args_count)[0].as_integer() == 3);
    BOOST_TEST(block->values(FieldId::process_pid).empty());
}

BOOST_AUTO_TEST_CASE(one_image_shows_as_process_and_as_parent) {
    BlockBuilder builder;
    builder.set_text(FieldId::process_name, "bash");
    const BlockPtr image = builder.finish();
    builder.set_literal(FieldId::event_action, "fork");
    Event::Layers layers;
    layers[static_cast<std::size_t>(Layer::own)] = builder.finish();
    layers[static_cast<std::size_t>(Layer::image)] = image;
    layers[static_cast<std::size_t>(Layer::parent_image)] = image;
    const EventPtr event(new Event({}, {}, layers));

    BOOST_TEST(event->text(FieldId::process_name) == "bash");
    BOOST_TEST(event->text(FieldId::process_parent_name) == "bash");
    BOOST_TEST(event->text(FieldId::event_action) == "fork");
    BOOST_TEST(event->values(FieldId::process_pid).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
