// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/document.hpp"

#include <algorithm>

namespace audisp_eql::detect {

namespace {

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
    const auto less = [](const JsonMember& a, const JsonMember& b) {
        return name_less(a.name, b.name);
    };
    // An event's members come in order, few are added to them.
    const auto added = std::is_sorted_until(members.begin(), members.end(), less);
    std::stable_sort(added, members.end(), less);
    std::inplace_merge(members.begin(), added, members.end(), less);
    // unique keeps the first of equals: go backwards.
    const auto kept =
        std::unique(members.rbegin(), members.rend(),
                    [](const JsonMember& a, const JsonMember& b) { return a.name == b.name; });
    members.erase(members.begin(), kept.base());
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
