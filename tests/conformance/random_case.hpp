// SPDX-License-Identifier: Apache-2.0
// Random queries and streams of events for comparing two evaluators: small vocabularies, so that
// keys meet, windows close on the millisecond and values are missing or many.
//
// Threads: a generator belongs to one.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace audisp_eql::naive {

struct Case {
    std::string query;
    std::vector<std::string> events;  // JSON, with "id" and "@timestamp" in milliseconds
    std::int64_t unbounded_ms = 0;    // the window of a sample and of a sequence without maxspan
};

class CaseGenerator {
  public:
    explicit CaseGenerator(std::uint64_t seed) : random_(seed) {}
    Case next();

  private:
    bool chance(int percent) { return below(100) < percent; }
    int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
    template <class List>
    std::string one_of(const List& list) {
        return list[static_cast<std::size_t>(below(static_cast<int>(std::size(list))))];
    }

    std::string event(int number, std::int64_t time_ms);
    std::string text_values(const std::vector<std::string>& from);

    std::string category();
    std::string condition(int depth);
    std::string atom();
    std::string text_atom();
    std::string number_atom();
    std::string null_atom();
    std::string function_atom();
    std::string id_or_ip_atom();
    std::string fields_atom();
    std::string alias_atom();
    std::string descendant_atom();
    std::string text_list(const std::vector<std::string>& from);
    std::string sequence();
    std::string sample();
    std::string head(int keys);
    // Families of the item's own keys: what can be equal; the same for every item of a query.
    std::vector<int> families(int keys);
    std::string item(bool missing, const std::vector<int>& families);

    std::mt19937_64 random_;
    std::vector<std::string> aliases_;  // that the condition may look at
    bool in_subquery_ = false;
};

}  // namespace audisp_eql::naive
