// SPDX-License-Identifier: Apache-2.0
// Which container a control group is, by the path that its runtime gave it.
//
// Memory: views on the path and literals. Threads: no state.
#pragma once

#include <string>
#include <string_view>

namespace audisp_eql::collector {

struct Container {
    std::string_view id;       // empty: no container
    std::string_view runtime;  // empty: the path does not tell. Static storage
    std::string pod_uid;       // of Kubernetes; empty: none
};

// Of nested containers the innermost.
Container container_of(std::string_view cgroup_path);

// From the text of /proc/PID/cgroup ("0::/path", "4:memory:/path"): the first path that tells a
// container, else that of the unified hierarchy or the first named one; empty if there is none.
std::string_view telling_cgroup(std::string_view text);

}  // namespace audisp_eql::collector
