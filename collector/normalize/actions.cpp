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

constexpr std::array kFile{Value::text("file")};
constexpr std::array kCreation{Value::text("creation")};
constexpr std::array kChange{Value::text("change")};
constexpr std::array kAccess{Value::text("access")};
constexpr std::array kDeletion{Value::text("deletion")};

// auditd calls every open opened-file; a rule made for it means all three.
constexpr std::array kCreated{Value::text("creation"), Value::text("opened-file")};
constexpr std::array kModified{Value::text("modification"), Value::text("opened-file"),
                               Value::text("wrote-to-file")};
constexpr std::array kOpened{Value::text("open"), Value::text("opened-file")};
constexpr std::array kRenamed{Value::text("rename"), Value::text("renamed")};
constexpr std::array kDeleted{Value::text("deletion"), Value::text("deleted")};
constexpr std::array kMadeDirectory{Value::text("creation"), Value::text("created-directory")};
constexpr std::array kMadeNode{Value::text("creation"), Value::text("make-device")};
constexpr std::array kLinked{Value::text("creation"), Value::text("linked")};
constexpr std::array kSymlinked{Value::text("creation"), Value::text("symlinked")};
// Endpoint has no events of these.
constexpr std::array kChangedMode{Value::text("changed-file-permissions-of")};
constexpr std::array kChangedOwner{Value::text("changed-file-ownership-of")};
constexpr std::array kChangedAttributes{Value::text("changed-file-attributes-of")};
constexpr std::array kChangedTimes{Value::text("changed-timestamp-of")};

// In the order of EventKind.
constexpr std::array<EventShape, 18> kShapes{{
    {kProcess, kStart, kForked},
    {kProcess, kStart, kExecuted},
    {kProcess, kEnd, kEnded},
    {kNetwork, kConnectionStart, kConnected},
    {kNetwork, kConnectionStart, kAccepted},
    {kFile, kCreation, kCreated},
    {kFile, kChange, kModified},
    {kFile, kAccess, kOpened},
    {kFile, kChange, kRenamed},
    {kFile, kDeletion, kDeleted},
    {kFile, kCreation, kMadeDirectory},
    {kFile, kCreation, kMadeNode},
    {kFile, kCreation, kLinked},
    {kFile, kCreation, kSymlinked},
    {kFile, kChange, kChangedMode},
    {kFile, kChange, kChangedOwner},
    {kFile, kChange, kChangedAttributes},
    {kFile, kChange, kChangedTimes},
}};

}  // namespace

const EventShape& shape_of(EventKind kind) {
    return kShapes[static_cast<std::size_t>(kind)];
}

}  // namespace audisp_eql::collector
