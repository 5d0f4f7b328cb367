// SPDX-License-Identifier: Apache-2.0
// Alerts to the local syslog daemon, over its unix datagram socket, in the form that syslog(3)
// uses: "<PRI>Nov 22 02:31:05 audisp-eql[PID]: {json}".
//
// Not syslog(3) itself: that blocks when the daemon is behind, and a detector must not.
// Threads: see output.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
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

class SyslogOutput final : public QueuedOutput {
  public:
    // Throws std::runtime_error for a path that no socket can have. An absent daemon is no error.
    SyslogOutput(boost::asio::io_context& io, Spool& spool, SyslogOptions options,
                 OutputWarning warn);

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
    bool receiver_changed() override;

    bool connected_ = false;
    bool fresh_ = false;  // connected, and nothing sent since
    // Which socket has the name: a daemon that starts makes a new one.
    struct Socket {
        std::uint64_t device = 0, inode = 0;
        std::int64_t changed_s = 0, changed_ns = 0;
        bool operator==(const Socket&) const = default;
    };
    Socket socket_at_path() const;
    Socket reached_;
};

}  // namespace audisp_eql::collector
