// SPDX-License-Identifier: Apache-2.0
// Alerts as lines on a descriptor: what the JSON file and standard output share.
//
// Threads: see output.hpp.
#pragma once

#include <string>

#include "collector/forward/queued_output.hpp"

namespace audisp_eql::collector {

class LineOutput : public QueuedOutput {
  protected:
    using QueuedOutput::QueuedOutput;

    // Writes what is left of the item to `descriptor`, never waiting for a reader: a line to a file
    // is one write; to a pipe or a terminal as much as it has room for. On an error errno is left.
    static Attempt write_line(int descriptor, Item& item);
};

}  // namespace audisp_eql::collector
