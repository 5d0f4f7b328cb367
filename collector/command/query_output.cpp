// SPDX-License-Identifier: Apache-2.0
#include "collector/command/query_output.hpp"

#include <algorithm>

#include "detect/alert/alert.hpp"
#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {

void QueryOutput::on_matches(const detect::Rule&, std::span<const detect::Match> matches) {
    matches_ += matches.size();
    if (form_.count)
        return;
    for (const detect::Match& match : matches) {
        append(match);
        lines_.end_line();
    }
}

void QueryOutput::finish() {
    if (form_.count) {
        lines_.buffer() += std::to_string(matches_);
        lines_.end_line();
    }
    lines_.flush();
}

void QueryOutput::append(const detect::Match& match) {
    if (form_.single)
        return append(*match.events.front());
    std::string& out = lines_.buffer();
    out += "{\"join_keys\":" + detect::join_keys_text(match.join_keys) + ",\"events\":[";
    for (const detect::EventPtr& event : match.events) {
        if (out.back() != '[')
            out += ',';
        if (event)
            append(*event);
        else
            out += "null";
    }
    out += "]}";
}

void QueryOutput::append(const detect::Event& event) {
    std::string& out = lines_.buffer();
    if (!form_.fields.empty()) {
        const auto members = detect::event_members(event, names_);
        detect::JsonNester nester(out);
        for (const detect::JsonMember& member : members) {
            if (!is_chosen(member.name))
                continue;
            nester.key(member.name);
            out += member.text;
        }
        nester.finish();
    } else if (const std::string_view text = text_of_(event); !text.empty()) {
        out += text;
    } else {
        detect::append_event_json(out, event, names_);
    }
}

bool QueryOutput::is_chosen(std::string_view name) const {
    // The exact bytes of a chosen field go with it.
    constexpr std::string_view kRaw = "audisp_eql.raw.";
    const std::string_view field = name.starts_with(kRaw) ? name.substr(kRaw.size()) : name;
    return std::any_of(form_.fields.begin(), form_.fields.end(), [&](const std::string& chosen) {
        const auto covers = [&](std::string_view one) {
            return one.starts_with(chosen) &&
                   (one.size() == chosen.size() || one[chosen.size()] == '.');
        };
        return covers(name) || covers(field);
    });
}

}  // namespace audisp_eql::collector
