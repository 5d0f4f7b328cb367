// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/stdout.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace audisp_eql::collector {

namespace {

const char* colour_of(detect::RuleSeverity severity) {
    switch (severity) {
        case detect::RuleSeverity::low:
            return "\x1b[36m";  // cyan
        case detect::RuleSeverity::medium:
            return "\x1b[33m";  // yellow
        case detect::RuleSeverity::high:
            return "\x1b[31m";  // red
        case detect::RuleSeverity::critical:
            return "\x1b[1;31m";
    }
    return "";
}

}  // namespace

StdoutOutput::StdoutOutput(boost::asio::io_context& io, Spool& spool, LineForm form,
                           OutputWarning warn, int descriptor)
    : LineOutput(io, spool, "standard output", false, std::move(warn)),
      form_(std::move(form)),
      descriptor_(descriptor),
      coloured_(form_ && isatty(descriptor) == 1 && std::getenv("NO_COLOR") == nullptr) {}

QueuedOutput::Item StdoutOutput::render(const detect::Alert& alert) {
    std::string line = form_ ? form_(alert) : alert.json;
    if (coloured_)
        line = colour_of(alert.severity) + line + "\x1b[0m";
    return {line + "\n", 0, {}, {}, {}};
}

QueuedOutput::Attempt StdoutOutput::attempt(Item& item, std::string& why) {
    const Attempt result = write_line(descriptor_, item);
    if (result != Attempt::absent)
        return result;
    why = errno == EPIPE ? "its reader has gone" : std::strerror(errno);
    return result;
}

}  // namespace audisp_eql::collector
