// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/log_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <zlib.h>

#include <boost/test/unit_test.hpp>

#include "collector/feed/capture.hpp"

namespace {

using namespace audisp_eql::collector;

class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "log_file_test.XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name) const { return path_ / name; }
    std::string plain(const std::string& name, const std::string& bytes) const {
        std::ofstream(file(name), std::ios::binary) << bytes;
        return file(name);
    }
    std::string packed(const std::string& name, const std::string& bytes) const {
        const gzFile out = gzopen(file(name).c_str(), "wb");
        BOOST_REQUIRE(out);
        BOOST_REQUIRE(gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())) ==
                      static_cast<int>(bytes.size()));
        gzclose(out);
        return file(name);
    }

  private:
    std::filesystem::path path_;
};

std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    read_lines(path, [&](std::string_view line) { lines.emplace_back(line); });
    return lines;
}

using Names = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(feed)

BOOST_AUTO_TEST_CASE(rotations_are_put_in_the_order_they_were_written) {
    struct Row {
        Names given, expected;
    };
    for (const Row& row : std::vector<Row>{
             {{"audit.log", "audit.log.1", "audit.log.10", "audit.log.2.gz"},
              {"audit.log.10", "audit.log.2.gz", "audit.log.1", "audit.log"}},
             {{"z.capture", "a.log", "a.capture.gz", "a.log.1"},
              {"z.capture", "a.log.1", "a.capture.gz", "a.log"}},
             {{"x/audit.log", "y/audit.log.1"}, {"x/audit.log", "y/audit.log.1"}},
             {{"-"}, {"-"}},
             {{"b", "a"}, {"b", "a"}},
             {{"a.log.x1", "a.log."}, {"a.log.x1", "a.log."}},
             {{}, {}},
         })
        BOOST_TEST(in_order_of_writing(row.given) == row.expected,
                   boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(plain_and_packed_files_give_the_same_lines) {
    const Folder folder;
    std::string text;
    Names expected;
    for (int i = 0; i < 50'000; ++i) {  // more than one chunk
        expected.push_back("line " + std::to_string(i) + std::string(i % 40, 'x'));
        text += expected.back() + '\n';
    }
    text += "\nno newline at the end";
    expected.emplace_back("");
    expected.emplace_back("no newline at the end");
    BOOST_TEST((lines_of(folder.plain("a.log", text)) == expected));
    BOOST_TEST((lines_of(folder.packed("a.log.gz", text)) == expected));
    BOOST_TEST(lines_of(folder.plain("empty", "")).empty());
}

BOOST_AUTO_TEST_CASE(a_line_beyond_the_bound_is_cut_and_shows_it) {
    const Folder folder;
    const std::string longest(kMaxLineBytes, 'a');
    const Names lines = lines_of(folder.plain(
        "long", longest + "\n" + longest + "b\n" + std::string(1'000'000, 'c') + "\nshort\n"));
    BOOST_REQUIRE(lines.size() == 4u);
    BOOST_TEST(lines[0].size() == kMaxLineBytes);
    BOOST_TEST(lines[1].size() == kMaxLineBytes + 1);
    BOOST_TEST(lines[2].size() == kMaxLineBytes + 1);
    BOOST_TEST(lines[3] == "short");
    std::vector<std::size_t> sizes;
    ReadOptions options;
    options.max_line_bytes = 1'000'000;
    read_lines(
        folder.file("long"), [&](std::string_view line) { sizes.push_back(line.size()); }, options);
    BOOST_TEST(sizes == (std::vector<std::size_t>{kMaxLineBytes, kMaxLineBytes + 1, 1'000'000, 5}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_reads_sees_how_far_it_is_and_may_stop) {
    const Folder folder;
    const std::string text(2'000'000, '\n');
    for (const std::string& path : {folder.plain("a", text), folder.packed("a.gz", text)}) {
        std::uint64_t last = 0, lines = 0;
        ReadOptions options;
        options.go_on = [&](std::uint64_t bytes) {
            BOOST_TEST(bytes >= last);
            last = bytes;
            return true;
        };
        const auto count = [&](std::string_view) { ++lines; };
        read_lines(path, count, options);
        BOOST_TEST(last == std::filesystem::file_size(path));
        BOOST_TEST(lines == text.size());
        lines = 0;
        options.go_on = [](std::uint64_t) { return false; };
        read_lines(path, count, options);
        BOOST_TEST(lines > 0u);
        BOOST_TEST(lines < text.size());
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_said_with_its_name) {
    const Folder folder;
    const auto says = [](std::string_view name, std::string_view reason) {
        return [=](const std::runtime_error& error) {
            const std::string_view what = error.what();
            BOOST_TEST_MESSAGE(what);
            return what.find(name) != std::string_view::npos &&
                   what.find(reason) != std::string_view::npos;
        };
    };
    BOOST_CHECK_EXCEPTION(lines_of(folder.file("absent")), std::runtime_error,
                          says("absent", "No such file"));
    BOOST_CHECK_EXCEPTION(lines_of(folder.file("")), std::runtime_error,
                          says("log_file_test", "directory"));
    const std::string whole = folder.packed("cut.gz", std::string(100'000, 'x') + "\nlast\n");
    std::filesystem::resize_file(whole, std::filesystem::file_size(whole) - 12);
    BOOST_CHECK_EXCEPTION(lines_of(whole), std::runtime_error, says("cut.gz", "too early"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
