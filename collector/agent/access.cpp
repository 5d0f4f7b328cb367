// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/access.hpp"

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {

Access access_of_this_process(const Settings& settings) {
    Access access;
    auto feeds = std::make_unique<LocalFeedHost>(settings);
    feeds->keep_settings_in(settings.state_dir);
    access.feeds = std::move(feeds);
    access.proc = std::make_unique<LinuxProcReader>();
    access.read_rules = [rules = settings.rules, exceptions = settings.exceptions] {
        return read_rule_input(rules, exceptions);
    };
    access.configuration = [config = settings.config] { return hash_configuration(config); };
    return access;
}

}  // namespace audisp_eql::collector
