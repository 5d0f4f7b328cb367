// SPDX-License-Identifier: Apache-2.0
// The last audit serial number that was read, on disk, so that the next run of the same boot knows
// how many audit events the kernel made that nobody here read.
//
// Written to the page cache each second: a program that crashes loses at most a second of it, and
// a host that crashes begins a new boot, with new numbers.
// Memory: owns its path. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace audisp_eql::collector {

class SerialFile {
  public:
    // Reads DIRECTORY/last-serial, if that is of this boot. "off", or a directory that is not
    // there: does nothing.
    SerialFile(const std::string& directory, std::string boot_id);

    // The `loss` message for what was missed since the last run, once `first_serial` of this one is
    // known (not 0); nullopt: nothing, or not known, or told before.
    std::optional<std::string> loss_before(std::uint64_t first_serial);
    // `ended`: nothing will be read any more. A file that cannot be written is not tried again.
    void keep(std::uint64_t serial, std::int64_t now_ns, bool ended);

  private:
    struct Last {
        std::uint64_t serial = 0;
        std::int64_t ns = 0;  // monotonic
        bool ended = false;
    };
    std::string path_;  // empty: nothing is kept
    std::string boot_id_;
    std::optional<Last> last_;
    std::uint64_t kept_ = 0;
};

// Of this boot; empty if the kernel does not say.
std::string boot_id_of_host();

}  // namespace audisp_eql::collector
