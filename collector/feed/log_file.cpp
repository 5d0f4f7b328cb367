// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/log_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <unistd.h>
#include <zlib.h>

namespace audisp_eql::collector {

namespace {

// What one read takes; zlib's own buffer is half of it.
constexpr unsigned kChunkBytes = 256 * 1024;

struct CloseGzip {
    void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;

[[noreturn]] void fail(const std::string& path, std::string_view reason) {
    throw UnreadableFile("cannot read " + (path == "-" ? "standard input" : path) + ": " +
                         std::string(reason));
}

GzipFile open(const std::string& path) {
    const int fd = path == "-" ? ::dup(STDIN_FILENO) : -1;
    if (path == "-" && fd < 0)
        fail(path, std::strerror(errno));
    errno = 0;
    GzipFile file(fd < 0 ? gzopen(path.c_str(), "rb") : gzdopen(fd, "rb"));
    if (!file) {
        const int error = errno;
        if (fd >= 0)
            ::close(fd);
        fail(path, error ? std::strerror(error) : "not enough memory");
    }
    gzbuffer(file.get(), kChunkBytes / 2);
    return file;
}

// Bytes in the chunk; 0 at the end.
std::size_t read_chunk(gzFile file, const std::string& path, char* chunk) {
    errno = 0;
    const int got = gzread(file, chunk, kChunkBytes);
    int code = Z_OK;
    const char* reason = gzerror(file, &code);
    if (got < 0 && code == Z_ERRNO)
        fail(path, std::strerror(errno));
    if (got < 0)
        fail(path, reason);
    if (got == 0 && code == Z_BUF_ERROR)
        fail(path, "the compressed file ends too early");
    return static_cast<std::size_t>(got);
}

// Puts chunks together to lines.
class LineSplitter {
  public:
    LineSplitter(const std::function<void(std::string_view)>& on_line, std::size_t max_line_bytes)
        : on_line_(on_line), kept_bytes_(max_line_bytes + 1) {}

    void chunk(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t newline = bytes.find('\n');
            const std::string_view piece = bytes.substr(0, newline);
            if (newline == std::string_view::npos) {
                keep(piece);
                return;
            }
            if (begun_.empty()) {
                give(piece);
            } else {
                keep(piece);
                give(begun_);
                begun_.clear();
            }
            bytes.remove_prefix(newline + 1);
        }
    }
    void finish() {
        if (!begun_.empty())
            give(begun_);
    }

  private:
    // One byte more than a line may have tells the consumer that it was longer.
    void keep(std::string_view piece) { begun_ += piece.substr(0, kept_bytes_ - begun_.size()); }
    void give(std::string_view line) { on_line_(line.substr(0, kept_bytes_)); }

    const std::function<void(std::string_view)>& on_line_;
    std::size_t kept_bytes_;
    std::string begun_;
};

// "audit.log.2" and "audit.log.2.gz" are rotation 2 of "audit.log"; "audit.log" is rotation 0.
struct Rotation {
    std::string log;
    unsigned number = 0;
};

Rotation rotation_of(const std::string& file) {
    std::string_view name = file;
    if (name.ends_with(".gz"))
        name.remove_suffix(3);
    const std::size_t dot = name.rfind('.');
    Rotation rotation{std::string(name), 0};
    if (dot == std::string_view::npos || dot + 1 == name.size())
        return rotation;
    const char* const end = name.data() + name.size();
    unsigned number = 0;
    const auto [at, error] = std::from_chars(name.data() + dot + 1, end, number);
    if (error == std::errc{} && at == end)
        rotation = {std::string(name.substr(0, dot)), number};
    return rotation;
}

}  // namespace

std::vector<std::string> in_order_of_writing(std::vector<std::string> files) {
    std::vector<Rotation> rotations;
    for (const std::string& file : files)
        rotations.push_back(rotation_of(file));
    // The files of one log share out the places they were given, oldest first.
    std::vector<bool> placed(files.size(), false);
    std::vector<std::string> ordered(files.size());
    for (std::size_t first = 0; first < files.size(); ++first) {
        if (placed[first])
            continue;
        std::vector<std::size_t> places;
        for (std::size_t i = first; i < files.size(); ++i) {
            if (rotations[i].log == rotations[first].log)
                places.push_back(i);
        }
        std::vector<std::size_t> by_age = places;
        std::stable_sort(by_age.begin(), by_age.end(), [&](std::size_t a, std::size_t b) {
            return rotations[a].number > rotations[b].number;
        });
        for (std::size_t i = 0; i < places.size(); ++i) {
            ordered[places[i]] = std::move(files[by_age[i]]);
            placed[places[i]] = true;
        }
    }
    return ordered;
}

void read_lines(const std::string& path, const std::function<void(std::string_view)>& on_line,
                const ReadOptions& options) {
    const GzipFile file = open(path);
    const auto chunk = std::make_unique<char[]>(kChunkBytes);
    LineSplitter lines(on_line, options.max_line_bytes);
    while (const std::size_t got = read_chunk(file.get(), path, chunk.get())) {
        lines.chunk({chunk.get(), got});
        if (options.go_on && !options.go_on(static_cast<std::uint64_t>(gzoffset(file.get()))))
            return;
    }
    lines.finish();
}

}  // namespace audisp_eql::collector
