// SPDX-License-Identifier: Apache-2.0
// Alerts on standard output: whole as NDJSON, or one readable line each.
//
// Memory: the descriptor stays its owner's. Threads: see output.hpp.
#pragma once

#include <functional>
#include <string>
#include <unistd.h>

#include "collector/forward/line_output.hpp"

namespace audisp_eql::collector {

class StdoutOutput final : public LineOutput {
  public:
    // An alert as one line without its newline; nothing in it may steer a terminal.
    using LineForm = std::function<std::string(const detect::Alert&)>;

    // No form: the alert's JSON. With one, lines on a terminal are coloured by severity, unless the
    // environment has NO_COLOR.
    StdoutOutput(boost::asio::io_context& io, Spool& spool, LineForm form, OutputWarning warn,
                 int descriptor = STDOUT_FILENO);

  private:
    bool reach(std::string&) override { return true; }
    Item render(const detect::Alert& alert) override;
    Attempt attempt(Item& item, std::string& why) override;

    LineForm form_;
    int descriptor_;
    bool coloured_;
};

}  // namespace audisp_eql::collector
