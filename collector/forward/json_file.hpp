// SPDX-License-Identifier: Apache-2.0
// Alerts, whole, one line each, appended to a file that others rotate.
//
// Memory: owns the descriptor. Threads: see output.hpp.
#pragma once

#include <functional>
#include <string>

#include "collector/forward/line_output.hpp"

namespace audisp_eql::collector {

class JsonFileOutput final : public LineOutput {
  public:
    // A file that cannot be opened is no error: it is said, and tried again.
    // `open_elsewhere`: opens it for a process that itself may not, for reading too; -1: errno.
    JsonFileOutput(boost::asio::io_context& io, Spool& spool, std::string path, OutputWarning warn,
                   std::function<int()> open_elsewhere = nullptr);
    ~JsonFileOutput() override;

    // After a rotation (SIGHUP): goes on in the file that has the name now.
    void reopen();

  private:
    bool reach(std::string& why) override;
    Item render(const detect::Alert& alert) override;
    Attempt attempt(Item& item, std::string& why) override;
    bool open();
    void close();

    std::string path_;
    std::function<int()> open_elsewhere_;
    int descriptor_ = -1;
};

}  // namespace audisp_eql::collector
