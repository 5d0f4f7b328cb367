// SPDX-License-Identifier: Apache-2.0
// What the worker's side asks of the operating system with other rights than its own: here in this
// process, or from the privileged one (collector/privilege).
//
// Memory: owns all of it. Threads: the worker's, except read_rules, which is anybody's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/agent/feed_host.hpp"
#include "collector/agent/file_hashes.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/agent/status_listener.hpp"
#include "collector/forward/tls_files.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

struct Settings;

struct Access {
    std::unique_ptr<FeedHost> feeds;
    std::unique_ptr<ProcReader> proc;
    std::function<RuleInput()> read_rules;
    // The JSON file, opened for appending, where this process itself may not; -1: errno says why.
    // Empty: nobody else is to be asked.
    std::function<int()> open_json_file;
    // Where the numbers of signals arrive, a byte each, that the other process was sent; its end is
    // that process's. -1: signals come to this process.
    int notices = -1;
    // hash_configuration(), by who may read them.
    std::function<FileHashes()> configuration;
    // The certificates and the key of TLS; empty: this process reads them.
    std::function<TlsFiles()> tls_files;
    // As ServiceNotify's; empty: the service manager listens to this process.
    std::function<bool(std::string_view)> notify;
    StatusListener status;
};

Access access_of_this_process(const Settings& settings);

}  // namespace audisp_eql::collector
