// SPDX-License-Identifier: Apache-2.0
// generate_rules COUNT DIRECTORY [SEED]: writes made-up rules in the shapes of the public ones.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/bench/generated_rules.hpp"

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4 || std::string(argv[1]) == "--help") {
        std::cout << "Usage: generate_rules COUNT DIRECTORY [SEED]\n\n"
                     "Writes COUNT made-up rules in the shapes of the public ones to DIRECTORY.\n"
                     "The same seed gives the same rules; 1 if none is given.\n";
        return argc == 2 ? 0 : 2;
    }
    const std::size_t count = std::strtoull(argv[1], nullptr, 10);
    const std::filesystem::path directory = argv[2];
    const std::uint64_t seed = argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 1;
    std::error_code trouble;
    std::filesystem::create_directories(directory, trouble);
    for (const auto& source : audisp_eql::bench::generated_rules(count, seed)) {
        std::ofstream file(directory / source.name, std::ios::binary);
        file << source.text;
        if (!file.flush()) {
            std::cerr << "cannot write " << (directory / source.name).string() << '\n';
            return 1;
        }
    }
}
