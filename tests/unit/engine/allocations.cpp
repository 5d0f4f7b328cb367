// SPDX-License-Identifier: Apache-2.0
// In the steady state an event that matches nothing, and one that replaces a pending match,
// allocate nothing: counts calls of operator new.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "detect/engine/engine.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"
#include "tests/counted_new.hpp"

using namespace audisp_eql::detect;

namespace {

struct Nothing final : MatchSink {
    void on_matches(const Rule&, std::span<const Match>) override {}
};

constexpr const char* kQuery = R"(
sequence by host.id, process.entity_id with maxspan=1s
  [process where event.action == "exec" and process.executable : ("/tmp/*", "*/x", "*y*") and
   not process.name in ("curl", "wget") and process.args : "-C" and
   length(process.name) > 1 and concat(process.name, "-", process.pid) != "never"]
  [network where destination.ip != null and not cidrMatch(destination.ip, "127.0.0.0/8")]
  [process where process.name : ("bash", "SH") and process.name regex "[a-z]+"]
)";

const std::string kExec = R"({"@timestamp":%,"event":{"category":["process"],"action":["exec"]},)"
                          R"("host.id":"h","process":{"entity_id":"p","executable":"/tmp/a",)"
                          R"("name":"tool","pid":7,"args":["a","-c"]}})";
const std::string kOther = R"({"@timestamp":%,"event":{"category":["process"],"action":["exec"]},)"
                           R"("host.id":"h","process":{"entity_id":"q","executable":"/usr/bin/a",)"
                           R"("name":"bash","pid":8,"args":["a","b"]}})";

EventPtr read(JsonEventReader& reader, std::string json, int ms) {
    std::string error;
    json.replace(json.find('%'), 1, std::to_string(ms));
    EventPtr event = reader.read(json, error);
    if (!event) {
        std::printf("%s\n", error.c_str());
        std::exit(1);
    }
    return event;
}

}  // namespace

int main() {
    Diagnostics diagnostics;
    const auto rules = RuleSet::of_query(kQuery, diagnostics);
    if (!rules) {
        std::printf("the query does not load\n");
        return 1;
    }
    Engine engine(rules);
    JsonEventReader reader(rules->fields(), false);
    Nothing sink;
    std::vector<EventPtr> events;
    for (int ms = 0; ms < 8000; ++ms)
        events.push_back(read(reader, ms % 2 ? kExec : kOther, ms));

    constexpr std::size_t kWarm = 6000;
    std::size_t before = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        // Buffers have their size by now, each place for what was found in an image among them.
        if (i == kWarm)
            before = allocations;
        engine.on_event(events[i], sink);
    }
    const std::size_t made = allocations - before;
    std::printf("%zu allocations for %zu events\n", made, events.size() - kWarm);
    return made == 0 && engine.counters().pending == 1 ? 0 : 1;
}
