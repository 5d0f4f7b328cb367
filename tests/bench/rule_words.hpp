// SPDX-License-Identifier: Apache-2.0
// Random words for made-up rules: names of programs, paths, arguments, patterns.
//
// Threads: a generator belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace audisp_eql::bench {

class RuleWords {
  public:
    explicit RuleWords(std::uint64_t seed) : random_(seed) {}

    // Not a std distribution: those differ between libraries.
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
    bool chance(std::size_t percent) { return below(100) < percent; }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    template <typename List>
    std::string one_of(const List& list) {
        return std::string(list[below(std::size(list))]);
    }

    std::string word();          // made up: "ravolt"
    std::string program();       // every second one made up
    std::string program_path();  // "/usr/bin/ravolt"
    std::string directory();     // "/opt/ravolt/"
    std::string file_path();
    std::string argument();
    std::string own_argument();  // that ordinary work does not give
    std::string text_part();     // of a command line
    std::string uuid();

    // A pattern in the shape of the public ones: of 12,512 literals under wildcard operators 29 %
    // are `prefix*`, 25 % exact, 22 % `*part*`, 17 % general, 5 % `*suffix`, 0.7 % with `?`.
    std::string name_pattern();
    std::string path_pattern();
    std::string line_pattern();
    std::string own_line_pattern();  // that ordinary work does not meet

  private:
    std::mt19937_64 random_;
};

}  // namespace audisp_eql::bench
