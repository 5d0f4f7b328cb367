// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/core.h>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kRuleEnd = ".toml";
constexpr std::string_view kTestEnd = ".test.toml";

// The public rule set has some 2,200 files; a path that leads elsewhere by mistake (/) must not be
// read to its end.
constexpr std::size_t kMaxRuleFiles = 20'000;
constexpr int kMaxDepth = 16;

class Finder {
  public:
    explicit Finder(RuleFiles& out) : out_(out) {}

    void add(const std::string& path) {
        std::error_code error;
        const auto status = fs::status(path, error);
        if (!fs::exists(status))
            trouble(path, error.message());
        else if (fs::is_directory(status))
            directory(path, 0);
        else
            file(path);
    }

  private:
    void trouble(const std::string& path, std::string message) {
        out_.troubles.push_back({path, std::move(message)});
    }

    void directory(const fs::path& path, int depth) {
        struct stat status = {};
        if (::stat(path.c_str(), &status) != 0 ||
            !entered_.insert({status.st_dev, status.st_ino}).second)
            return;
        if (depth > kMaxDepth)
            return trouble(path, "directories are nested too deeply");
        std::error_code error;
        std::vector<fs::path> entries;
        for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
            if (it->path().filename().string().front() != '.')
                entries.push_back(it->path());
        if (error)
            trouble(path, error.message());
        std::sort(entries.begin(), entries.end());
        for (const auto& entry : entries) {
            std::error_code ignored;
            const auto kind = fs::status(entry, ignored);
            if (fs::is_directory(kind))
                directory(entry, depth + 1);
            else if (is_rule_test(entry.native()))
                out_.tests.push_back(entry.string());
            else if (entry.extension() == ".toml")
                file(entry);
        }
    }

    void file(const fs::path& path) {
        if (out_.sources.size() >= kMaxRuleFiles) {
            if (!full_)
                trouble(path, fmt::format("more than {} rule files; the rest is not read",
                                          kMaxRuleFiles));
            full_ = true;
            return;
        }
        // A fifo among the rules would wait for ever.
        std::error_code error;
        if (!fs::is_regular_file(path, error))
            return trouble(path, error ? error.message() : "not a regular file");
        if (fs::file_size(path, error) > detect::kMaxRuleFileBytes && !error)
            return trouble(path, fmt::format("larger than {} bytes", detect::kMaxRuleFileBytes));
        std::ifstream stream(path, std::ios::binary);
        std::string text(std::istreambuf_iterator<char>(stream), {});
        if (!stream.is_open() || stream.bad())
            return trouble(path, std::strerror(errno));
        out_.sources.push_back({path.string(), std::move(text)});
    }

    RuleFiles& out_;
    std::set<std::pair<dev_t, ino_t>> entered_;
    bool full_ = false;
};

}  // namespace

std::vector<std::string> default_rule_paths() {
    std::vector<std::string> paths;
    for (const char* path : {AUDISP_EQL_RULES_DIR, "/etc/audisp-eql/rules.d"}) {
        std::error_code ignored;
        if (fs::exists(path, ignored))
            paths.emplace_back(path);
    }
    return paths;
}

std::vector<std::string> default_exception_paths() {
    constexpr const char* kDefault = "/etc/audisp-eql/exceptions.d";
    std::error_code ignored;
    if (!fs::exists(kDefault, ignored))
        return {};
    return {kDefault};
}

bool is_rule_test(std::string_view path) {
    return path.ends_with(kTestEnd);
}

std::string test_of_rule(std::string_view path) {
    if (path.ends_with(kRuleEnd))
        path.remove_suffix(kRuleEnd.size());
    return std::string(path).append(kTestEnd);
}

std::string rule_of_test(std::string_view path) {
    path.remove_suffix(kTestEnd.size());
    return std::string(path).append(kRuleEnd);
}

RuleFiles read_rule_files(const std::vector<std::string>& paths) {
    RuleFiles files;
    Finder finder(files);
    for (const auto& path : paths)
        finder.add(path);
    return files;
}

}  // namespace audisp_eql::collector
