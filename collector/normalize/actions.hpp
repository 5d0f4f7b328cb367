// SPDX-License-Identifier: Apache-2.0
// event.category, event.type and event.action of each kind of event, in one table. Public rules
// name Elastic Endpoint's actions; auditd's own spelling stands beside it.
//
// Memory: static. Threads: constant.
#pragma once

#include <cstdint>

#include "detect/event/value.hpp"

namespace audisp_eql::collector {

enum class EventKind : std::uint8_t {
    fork,
    exec,
    end,
    connect,
    accept,
    file_creation,
    file_modification,
    file_open,
    file_rename,
    file_deletion,
    directory_creation,
    node_creation,
    link_creation,
    symlink_creation,
    mode_change,
    owner_change,
    attributes_change,
    times_change,
};

struct EventShape {
    detect::Values category;
    detect::Values type;
    detect::Values action;
};
const EventShape& shape_of(EventKind kind);

}  // namespace audisp_eql::collector
