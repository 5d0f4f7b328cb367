// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: over the files and directories named, then over mutations
// of them, always the same ones.
//
//   fuzz_NAME [--mutations N] [--save FILE] PATH…
//
// --save writes each input to FILE before it is run: when the target dies, FILE holds the cause.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Like libFuzzer's default: an input that grows without end finds nothing new.
constexpr std::size_t kMaxInput = 4096;

std::vector<std::string> read_inputs(const std::vector<std::filesystem::path>& paths) {
    std::vector<std::filesystem::path> files;
    for (const auto& path : paths) {
        if (std::filesystem::is_directory(path)) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
                if (entry.is_regular_file()) {
                    files.push_back(entry.path());
                }
            }
        } else {
            files.push_back(path);
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> inputs;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        if (!in) {
            throw std::runtime_error("cannot read " + file.string());
        }
        inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return inputs;
}

class Mutator {
  public:
    explicit Mutator(const std::vector<std::string>& inputs) : inputs_(inputs) {}

    std::string next() {
        std::string text = pick(inputs_);
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
            change(text);
        }
        text.resize(std::min(text.size(), kMaxInput));
        return text;
    }

  private:
    // std::uniform_int_distribution differs between libraries.
    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    const std::string& pick(const std::vector<std::string>& from) {
        return from[below(from.size())];
    }

    void change(std::string& text) {
        const std::size_t place = below(text.size() + 1);
        const std::size_t length = std::min(below(16) + 1, text.size() - place);
        const std::string& other = pick(inputs_);
        switch (below(7)) {
            case 0:
                text.insert(place, 1, static_cast<char>(below(256)));
                break;
            case 1:
                if (length > 0) {
                    text[place] = static_cast<char>(text[place] ^ (1U << below(8)));
                }
                break;
            case 2:
                text.erase(place, length);
                break;
            case 3:
                text.insert(place, text.substr(place, length));
                break;
            case 4:
                text.insert(place, other.substr(below(other.size() + 1), below(32) + 1));
                break;
            case 5:
                text = text.substr(0, place) + other.substr(below(other.size() + 1));
                break;
            default:
                text.resize(place);
                break;
        }
    }

    const std::vector<std::string>& inputs_;
    std::mt19937_64 random_{20'240'611};  // any fixed number
};

void run(const std::string& input, const std::string& save) {
    if (!save.empty()) {
        std::ofstream(save, std::ios::binary | std::ios::trunc) << input;
    }
    // A copy of its own size: a read past the end is one past an allocation.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t mutations = 0;
    std::string save;
    std::vector<std::filesystem::path> paths;
    for (int index = 1; index < argc; ++index) {
        const std::string argument = argv[index];
        if (argument == "--mutations" && index + 1 < argc) {
            mutations = std::strtoull(argv[++index], nullptr, 10);
        } else if (argument == "--save" && index + 1 < argc) {
            save = argv[++index];
        } else {
            paths.emplace_back(argument);
        }
    }
    const std::vector<std::string> inputs = read_inputs(paths);
    if (inputs.empty()) {
        std::cerr << "no inputs: name files or directories\n";
        return 2;
    }
    for (const std::string& input : inputs) {
        run(input, save);
    }
    Mutator mutator(inputs);
    for (std::size_t count = 0; count < mutations; ++count) {
        run(mutator.next(), save);
    }
    std::cout << inputs.size() << " inputs, " << mutations << " mutations\n";
    return 0;
}
