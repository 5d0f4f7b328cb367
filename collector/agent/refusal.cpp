// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/refusal.hpp"

#include <boost/asio/io_context.hpp>

#include "collector/agent/outputs.hpp"
#include "collector/agent/own_alert.hpp"
#include "collector/agent/run_marker.hpp"

namespace audisp_eql::collector {

void tell_refusal(const Settings& settings, const Access& access, const std::string& why) {
    boost::asio::io_context io{1};
    Outputs outputs(io, settings, access);
    OwnAlerts own(read_host_names(),
                  [&outputs](const detect::Alert& alert) { outputs.deliver(alert); });
    OwnAlertFacts facts;
    facts.message = "the agent did not start: " + why;
    // A service manager tries again and again: one occasion.
    facts.occasion = boot_id() + ' ' + why;
    own.raise(OwnAlert::feed_missing, std::move(facts));
    outputs.flush();
}

}  // namespace audisp_eql::collector
