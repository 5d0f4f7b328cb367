// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/document.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace audisp_eql::detect {

namespace {

bool less(const JsonMember& a, const JsonMember& b) {
    return name_less(a.name, b.name);
}

void append_object(std::string& out, const JsonMembers& members) {
    JsonNester nester(out);
    for (const JsonMember& member : members) {
        nester.key(member.name);
        out += member.text;
    }
    nester.finish();
}

std::string list_of(const std::vector<JsonMembers>& objects) {
    std::string out = "[";
    for (const JsonMembers& object : objects) {
        if (out.size() > 1)
            out += ',';
        if (object.empty())
            out += "null";
        else
            append_object(out, object);
    }
    return out += ']';
}

}  // namespace

std::string AlertDocument::text() const {
    JsonMembers own;
    if (!sequence.empty())
        own.push_back({"audisp_eql.sequence", list_of(sequence)});
    if (!ancestry.empty())
        own.push_back({"audisp_eql.ancestry", list_of(ancestry)});
    if (!trimmed.empty())
        own.push_back({"audisp_eql.trimmed", json_list(trimmed)});
    settle(own);
    std::string out;
    JsonNester nester(out);
    auto next = own.begin();
    const auto append = [&](const JsonMember& member) {
        nester.key(member.name);
        out += member.text;
    };
    for (const JsonMember& member : members) {
        for (; next != own.end() && name_less(next->name, member.name); ++next)
            append(*next);
        append(member);
    }
    for (; next != own.end(); ++next)
        append(*next);
    nester.finish();
    return out;
}

void settle(JsonMembers& members) {
    std::stable_sort(members.begin(), members.end(), less);
    // unique keeps the first of equals: go backwards.
    const auto kept =
        std::unique(members.rbegin(), members.rend(),
                    [](const JsonMember& a, const JsonMember& b) { return a.name == b.name; });
    members.erase(members.begin(), kept.base());
}

void add_members(JsonMembers& members, JsonMembers added) {
    settle(added);
    JsonMembers all;
    all.reserve(members.size() + added.size());
    auto rest = members.begin();
    for (JsonMember& member : added) {
        const auto place = std::lower_bound(rest, members.end(), member, less);
        std::move(rest, place, std::back_inserter(all));
        const bool known = place != members.end() && place->name == member.name;
        rest = known ? std::next(place) : place;
        all.push_back(std::move(member));
    }
    std::move(rest, members.end(), std::back_inserter(all));
    members = std::move(all);
}

std::string json_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) {
        if (out.size() > 1)
            out += ',';
        append_json_string(out, text);
    }
    return out += ']';
}

}  // namespace audisp_eql::detect
