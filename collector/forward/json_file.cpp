// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/json_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

namespace audisp_eql::collector {

namespace {

// A crash or a full disk may have left half a line; the next alert must not be glued to it.
bool ends_inside_a_line(int reader) {
    struct stat about {};
    char last = '\n';
    if (fstat(reader, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        pread(reader, &last, 1, about.st_size - 1) != 1)
        last = '\n';
    return last != '\n';
}

bool ends_inside_a_line(const std::string& path) {
    const int reader = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader < 0)
        return false;
    const bool inside = ends_inside_a_line(reader);
    ::close(reader);
    return inside;
}

}  // namespace

JsonFileOutput::JsonFileOutput(boost::asio::io_context& io, Spool& spool, std::string path,
                               OutputWarning warn, std::function<int()> open_elsewhere)
    : LineOutput(io, spool, "file:" + path, true, std::move(warn)),
      path_(std::move(path)),
      open_elsewhere_(std::move(open_elsewhere)) {
    open();
}

JsonFileOutput::~JsonFileOutput() {
    close();
}

bool JsonFileOutput::open() {
    // 0640: alerts hold command lines. O_NONBLOCK: a FIFO without a reader must not hold us up.
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK,
                         S_IRUSR | S_IWUSR | S_IRGRP);
    const bool elsewhere = descriptor_ < 0 && open_elsewhere_;
    if (elsewhere)
        descriptor_ = open_elsewhere_();
    if (descriptor_ < 0)
        return false;
    const bool inside = elsewhere ? ends_inside_a_line(descriptor_) : ends_inside_a_line(path_);
    if (inside && write(descriptor_, "\n", 1) != 1) {
        const int error = errno;
        close();
        errno = error;
        return false;
    }
    return true;
}

void JsonFileOutput::close() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
    descriptor_ = -1;
}

void JsonFileOutput::reopen() {
    close();
    retry_now();
    if (descriptor_ < 0)
        open();
}

bool JsonFileOutput::reach(std::string& why) {
    if (descriptor_ >= 0 || open())
        return true;
    why = std::strerror(errno);
    return false;
}

QueuedOutput::Item JsonFileOutput::render(const detect::Alert& alert) {
    return {alert.json + "\n", 0, {}, {}, {}};
}

QueuedOutput::Attempt JsonFileOutput::attempt(Item& item, std::string& why) {
    if (descriptor_ < 0) {
        item.sent = 0;  // a new file gets the whole line
        if (!reach(why))
            return Attempt::absent;
    }
    const Attempt result = write_line(descriptor_, item);
    if (result == Attempt::absent)
        why = std::strerror(errno);
    return result;
}

}  // namespace audisp_eql::collector
