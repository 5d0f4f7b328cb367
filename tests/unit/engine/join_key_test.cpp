// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/join_key.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(the_hash_depends_on_every_byte_and_on_the_key) {
    const KeyHash hash(1, 2);
    const std::string text(40, 'x');
    const std::uint64_t whole = hash(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = 'y';
        BOOST_TEST(hash(changed) != whole);
        BOOST_TEST(hash(text.substr(0, i)) != whole);
    }
    BOOST_TEST(KeyHash(1, 3)(text) != whole);
    BOOST_TEST(KeyHash(2, 2)(text) != whole);
    BOOST_TEST(hash(text) == whole);
}

BOOST_AUTO_TEST_CASE(two_engines_have_two_secrets) {
    BOOST_TEST(KeyHash()("key") != KeyHash()("key"));
}

BOOST_AUTO_TEST_CASE(keys_are_read_back_as_they_were) {
    FieldNames names;
    const FieldId score = names.intern("score");
    BlockBuilder builder;
    builder.set_text(FieldId::process_name, "a\0b");
    builder.set_integer(FieldId::process_pid, -5);
    builder.set_boolean(FieldId::process_interactive, true);
    builder.set_real(score, 2.5);
    Event::Layers layers;
    const BlockPtr block = builder.finish();
    for (BlockPtr& layer : layers)
        layer = block;
    const EventPtr event(new Event({}, {}, layers));

    const KeyHash hash(1, 2);
    JoinKeys keys(names, hash);
    const auto found = keys.expand(*event, {{FieldId::process_name, false},
                                            {FieldId::process_pid, false},
                                            {FieldId::process_interactive, false},
                                            {FieldId::process_args, true},
                                            {score, false}});
    BOOST_REQUIRE(found.size() == 1u);
    BOOST_TEST(found[0].hash == hash(found[0].bytes));
    const std::vector<JoinKey> values = JoinKeys::decode(found[0].bytes);
    BOOST_REQUIRE(values.size() == 5u);
    BOOST_CHECK(values[0] == JoinKey(std::string("a")));
    BOOST_CHECK(values[1] == JoinKey(std::int64_t{-5}));
    BOOST_CHECK(values[2] == JoinKey(true));
    BOOST_CHECK(values[3] == JoinKey(std::monostate{}));
    BOOST_CHECK(values[4] == JoinKey(2.5));
}

// Each list is expanded once an event, and there may be more lists than are kept.
BOOST_AUTO_TEST_CASE(every_event_and_every_list_of_fields_has_its_own_keys) {
    FieldNames names;
    const KeyHash hash(1, 2);
    JoinKeys keys(names, hash);
    std::vector<FieldId> fields;
    for (int i = 0; i < 20; ++i)
        fields.push_back(names.intern("f" + std::to_string(i)));
    BlockBuilder builder;
    for (int event = 0; event < 2; ++event) {
        for (int i = 0; i < 20; ++i)
            builder.set_integer(fields[static_cast<std::size_t>(i)], 100 * event + i);
        Event::Layers layers;
        layers[static_cast<std::size_t>(place_of(fields[0]).layer)] = builder.finish();
        const EventPtr made(new Event({}, {}, layers));
        keys.begin();
        for (int again = 0; again < 2; ++again) {
            for (int i = 0; i < 20; ++i) {
                const auto found = keys.expand(*made, {{fields[static_cast<std::size_t>(i)]}});
                BOOST_REQUIRE(found.size() == 1u);
                BOOST_CHECK(JoinKeys::decode(found[0].bytes) ==
                            std::vector<JoinKey>{JoinKey(std::int64_t{100 * event + i})});
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(no_key_fields_is_one_empty_key) {
    FieldNames names;
    const KeyHash hash(1, 2);
    JoinKeys keys(names, hash);
    const EventPtr event(new Event({}, {}, {}));
    const auto found = keys.expand(*event, {});
    BOOST_REQUIRE(found.size() == 1u);
    BOOST_TEST(found[0].bytes.empty());
    BOOST_TEST(JoinKeys::decode(found[0].bytes).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
