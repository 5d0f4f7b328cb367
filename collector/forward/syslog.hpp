// SPDX-License-Identifier: Apache-2.0
// Alerts to the local syslog daemon, over its unix datagram socket, in the form that syslog(3)
// uses: "<PRI>Nov 22 02:31:05 audisp-eql[PID]: {json}".
//
// Not syslog(3) itself: that blocks when the daemon is behind, and a detector must not.
// Threads: see output.hpp.
#pragma once

#include <cstddef>
#include <string>

#include <boost/asio/local/datagram_protocol.hpp>

#include "collector/forward/queued_output.hpp"

namespace audisp_eql::collector {

struct SyslogOptions {
    std::string path = "/dev/log";
    // 10: authpriv. Alerts hold command lines, and every distribution keeps this facility from
    // ordinary users' eyes.
    int facility = 10;
    bool cee = false;              // "@cee: " before the JSON, for rsyslog's mmjsonparse
    std::size_t max_bytes = 8000;  // of the JSON; rsyslog cuts a message at 8 kB by default
    std::string tag = "audisp-eql";
};

// low notice (5), medium warning (4), high error (3), critical critical (2). Not alert or
// emergency: daemons write those on every terminal.
int syslog_level(detect::RuleSeverity severity);

class SyslogOutput final : public QueuedOutput {
  public:
    // Throws std::runtime_error for a path that no socket can have. An absent daemon is no error.
    SyslogOutput(boost::asio::io_context& io, SyslogOptions options, OutputWarning warn);
    std::string name() const override { return "syslog:" + options_.path; }

  private:
    bool reach(std::string& why) override { return connected_ || connect(why); }
    Item render(const detect::Alert& alert) override;
    Attempt attempt(Item& item, std::string& why) override;
    bool connect(std::string& why);
    bool shrink(Item& item) const;
    std::size_t largest_datagram();

    SyslogOptions options_;
    boost::asio::local::datagram_protocol::endpoint endpoint_;
    boost::asio::local::datagram_protocol::socket socket_;
    bool connected_ = false;
};

}  // namespace audisp_eql::collector
