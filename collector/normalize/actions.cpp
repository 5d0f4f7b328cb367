// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/actions.hpp"

#include <array>

namespace audisp_eql::collector {

namespace {

using detect::Value;

constexpr std::array kProcess{Value::text("process")};
constexpr std::array kNetwork{Value::text("network")};
constexpr std::array kStart{Value::text("start")};
constexpr std::array kEnd{Value::text("end")};
constexpr std::array kConnectionStart{Value::text("connection"), Value::text("start")};

constexpr std::array kForked{Value::text("fork")};
constexpr std::array kExecuted{Value::text("exec"), Value::text("executed")};
constexpr std::array kEnded{Value::text("end")};
constexpr std::array kConnected{Value::text("connection_attempted"), Value::text("connected-to")};
constexpr std::array kAccepted{Value::text("connection_accepted"),
                               Value::text("accepted-connection-from")};

// In the order of EventKind.
constexpr std::array<EventShape, 5> kShapes{{
    {kProcess, kStart, kForked},
    {kProcess, kStart, kExecuted},
    {kProcess, kEnd, kEnded},
    {kNetwork, kConnectionStart, kConnected},
    {kNetwork, kConnectionStart, kAccepted},
}};

}  // namespace

const EventShape& shape_of(EventKind kind) {
    return kShapes[static_cast<std::size_t>(kind)];
}

}  // namespace audisp_eql::collector
