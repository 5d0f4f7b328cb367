// SPDX-License-Identifier: Apache-2.0
// What this run has changed of the kernel's audit settings, on disk as long as it lasts, so that a
// stop command can put it back after a crash.
//
// Memory: owns its path. Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

class SettingsFile {
  public:
    // In the state directory.
    static constexpr std::string_view kName = "audit-settings";
    // Writes DIRECTORY/audit-settings if anything was changed and the directory is there. What a
    // run that crashed left stays in it: that knows what was there before either.
    SettingsFile(const std::string& directory, const AuditSettings& changed);
    // This run's settings were put back. What an earlier one left is still to do, for the stop
    // command.
    ~SettingsFile();
    SettingsFile(const SettingsFile&) = delete;
    SettingsFile& operator=(const SettingsFile&) = delete;

    // Empty: nothing went wrong.
    const std::string& trouble() const { return trouble_; }

    // What a run that crashed left; nullopt: nothing, or nothing that can be read.
    static std::optional<AuditSettings> left_in(const std::string& directory);
    static void remove_from(const std::string& directory);

  private:
    std::string path_;  // empty: nothing to remove
    std::string trouble_;
};

}  // namespace audisp_eql::collector
