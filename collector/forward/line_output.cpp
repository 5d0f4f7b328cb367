// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/line_output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <unistd.h>

#include <sys/stat.h>

namespace audisp_eql::collector {

QueuedOutput::Attempt LineOutput::write_line(int descriptor, Item& item) {
    // Whoever gave us a pipe or a terminal shares its flags with us: O_NONBLOCK is not ours to set.
    // pipe(7): a pipe that polls writable takes PIPE_BUF bytes.
    struct stat about {};
    const bool file = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    while (item.sent < item.text.size()) {
        pollfd ready{descriptor, POLLOUT, 0};
        if (!file && (poll(&ready, 1, 0) < 1 || (ready.revents & (POLLOUT | POLLERR)) == 0))
            return Attempt::busy;
        const std::size_t left = item.text.size() - item.sent;
        const ssize_t written = write(descriptor, item.text.data() + item.sent,
                                      file ? left : std::min<std::size_t>(left, PIPE_BUF));
        if (written >= 0)
            item.sent += static_cast<std::size_t>(written);
        else if (errno == EAGAIN)
            return Attempt::busy;
        else if (errno != EINTR)
            return Attempt::absent;
    }
    return Attempt::sent;
}

}  // namespace audisp_eql::collector
