// SPDX-License-Identifier: Apache-2.0
// The confined side's questions (wire.hpp), behind the interfaces that the worker uses.
//
// Memory: owns its end of the socket. Threads: ask() is anybody's, one after the other.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "collector/agent/access.hpp"
#include "collector/privilege/wire.hpp"

namespace audisp_eql::collector {

class BrokerClient {
  public:
    // Takes over the descriptor.
    explicit BrokerClient(int socket) : socket_(socket) {}
    ~BrokerClient();
    BrokerClient(const BrokerClient&) = delete;
    BrokerClient& operator=(const BrokerClient&) = delete;

    // The question's first number and what `put` writes behind it; `take` reads the answer while
    // it is there. False: the privileged process is gone, or refused. Throws std::runtime_error
    // with its words where it failed.
    using Put = std::function<void(wire::Writer&)>;
    using Take = std::function<void(wire::Reader&)>;
    bool ask(wire::Question what, const Put& put, const Take& take, int* descriptor = nullptr);

  private:
    bool exchange(int& descriptor);
    bool read_file(int descriptor);

    std::mutex mutex_;
    int socket_;
    std::string question_, answer_;
};

// What the privileged process does only where it is of use.
struct BrokerOffers {
    bool json_file = false;  // opens it: the confined process may not
    bool notifies = false;   // a service manager listens to it
};

// What the confined process works with. `feeds`: of the privileged one, for its shared memory.
Access access_through(std::shared_ptr<BrokerClient> broker, const LocalFeedHost& feeds, int notices,
                      const BrokerOffers& offers);

}  // namespace audisp_eql::collector
