// SPDX-License-Identifier: Apache-2.0
// The records of one system call on files. What the kernel writes, measured on 6.18 and read in
// fs/namei.c and kernel/auditsc.c:
//
// - PATH names are as the call gave them; the CWD record has what a relative one begins at, unless
//   the call has a directory descriptor: no record says which directory that is.
// - A call that makes or removes a name has the directory as an item of its own (PARENT). Its inode
//   is right. Its name is not: for a name without a slash it is the current directory, whatever
//   descriptor was given; else it is the name up to its last slash.
// - nametype: CREATE of a name that was made, DELETE of one that went, NORMAL of a file that was
//   there. An open with O_CREAT of a file that was there is NORMAL, without PARENT.
// - rename: PARENT (new), PARENT (old), DELETE old, CREATE new; over a file that was there: DELETE
//   old, DELETE new, CREATE new; exchange: DELETE a, DELETE b, CREATE b, CREATE a. The order of the
//   two PARENT items is the compiler's.
// - link: PARENT, NORMAL (the file), CREATE. symlink: PARENT, UNKNOWN (the target's text), CREATE.
// - mode=, ouid= and ogid= are those before the call, except of what it made.
// - fchmod, fchown, fsetxattr: name=(null) and the inode. ftruncate and futimens: no PATH at all.
//   openat2: its flags in a record OPENAT2.
// - An open that makes a file through a dangling symbolic link: all names of CREATE are (null).
// - overlayfs (every container): items of the file system below, without a name, beside and between
//   these; a rename over a file that was there has one of CREATE before its own.
// - O_TMPFILE: NORMAL with the directory's name and the new file's inode. The name that linkat
//   gives the file later is a CREATE.
//
// Memory: views on the event's records. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/audit/assembler.hpp"
#include "collector/audit/decode.hpp"

namespace audisp_eql::collector {

class FileRecords {
  public:
    // Replaces what was read before.
    void read(const AuditEvent& event);

    // The n-th item of a kind that has a name, counted from 0; null if there is none.
    const PathRecord* named(std::string_view nametype, std::size_t n = 0) const;
    // The last one; if none has a name, the last without.
    const PathRecord* last(std::string_view nametype) const;
    // Some item names this inode as a directory in which a name was made or removed.
    bool is_parent(std::uint64_t inode) const;

    std::string_view cwd_body;  // empty if there is no CWD record
    std::optional<std::uint64_t> openat2_flags;

  private:
    std::vector<PathRecord> items_;
};

}  // namespace audisp_eql::collector
