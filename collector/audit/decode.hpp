// SPDX-License-Identifier: Apache-2.0
// Record bodies -> typed values. One pass over a body; keys go through one table.
//
// Memory: views on the body, except decoded strings, which go to the caller's buffer.
// Threads: no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/audit/assembler.hpp"

namespace audisp_eql::collector {

inline constexpr std::uint32_t kUnsetId = 0xffffffff;  // auid and ses of a process without login

// A value as it stands in the record: decoded when somebody asks.
struct Untrusted {
    std::string_view text;
    bool quoted = false;
    bool present() const { return quoted || !text.empty(); }
    // Appends the bytes; false for (null), (none), ? and malformed hex.
    bool append_to(std::string& out) const { return append_untrusted(text, quoted, out); }
};

struct SyscallRecord {
    std::uint32_t arch = 0;  // AUDIT_ARCH_*
    std::int32_t number = -1;
    std::optional<bool> success;
    std::int64_t exit = 0;
    std::uint64_t args[4] = {};
    std::int32_t ppid = 0;
    std::int32_t pid = 0;
    std::uint32_t auid = kUnsetId, uid = kUnsetId, gid = kUnsetId, euid = kUnsetId, egid = kUnsetId,
                  session = kUnsetId;
    std::string_view tty;  // "pts0"; empty for (none)
    Untrusted comm, exe, key;
};
// nullopt if it names no system call or no process.
std::optional<SyscallRecord> parse_syscall(std::string_view body);
// A URINGOP record, or another of a process without its system call (ANOM_ABEND, SECCOMP): the same
// keys, as far as it has them. nullopt if it names no process.
std::optional<SyscallRecord> parse_task(std::string_view body);

struct PathRecord {
    std::int32_t item = -1;
    Untrusted name;
    std::uint64_t inode = 0;
    std::string_view device;                       // "fe:00"
    std::uint32_t mode = 0;                        // st_mode; 0: not told
    std::uint32_t uid = kUnsetId, gid = kUnsetId;  // the owner's
    std::string_view nametype;
};
// nullopt if it has no item number.
std::optional<PathRecord> parse_path(std::string_view body);
// Which file it is: its item, name, inode and device, which come first; the rest may be missing.
std::optional<PathRecord> parse_path_file(std::string_view body);

// The keys of the audit rules that matched, joined by 0x01 where there are several. Appends the
// decoded bytes to `buffer` and a view for each key to `keys`; the views die when `buffer` changes.
void decode_keys(const Untrusted& key, std::string& buffer, std::vector<std::string_view>& keys);

// Arguments of all EXECVE records of one event, decoded, in one buffer, one space between them: the
// buffer is the command line. Fragments (a1_len=, a1[0]=…) are put together.
struct Arguments {
    // Public rules look at the first words; what is longer is marked truncated.
    static constexpr std::size_t kMaxArguments = 64;
    static constexpr std::size_t kMaxBytes = 8 * 1024;

    std::string command_line;
    struct Word {
        std::uint32_t offset, size;
    };
    std::vector<Word> words;
    std::string_view word(std::size_t i) const {
        return std::string_view(command_line).substr(words[i].offset, words[i].size);
    }
    std::int64_t count = 0;  // argc, the true number
    bool truncated = false;
    bool malformed = false;  // an argument or a fragment is missing or cannot be decoded
    void clear();
};
// Fills `out` (reused). False if the event has no EXECVE record. Never reads PROCTITLE: that is the
// process's own memory, stale after an exec and open to forging.
bool decode_arguments(const AuditEvent& event, Arguments& out);

struct SocketAddress {
    enum class Family : std::uint8_t {
        unspecified,  // AF_UNSPEC: in connect it dissolves the association
        inet,
        inet6,
        unix_domain,
        other,
    } family = Family::other;
    bool is_inet() const { return family == Family::inet || family == Family::inet6; }
    std::string ip;  // canonical text; a v4-mapped address as IPv4
    std::uint16_t port = 0;
    int number = -1;   // AF_…
    std::string path;  // unix_domain; abstract names begin with '@', unnamed ones are empty
};
// The hex of a SOCKADDR record's saddr=. nullopt if it is too short for its family or not hex.
std::optional<SocketAddress> decode_sockaddr(std::string_view hex);
// An address as text in its canonical form, a v4-mapped one as IPv4; nullopt if it is none.
std::optional<std::string> canonical_ip(std::string_view text);
// Of an event; nullopt if it has none that can be read.
std::optional<SocketAddress> socket_address(const AuditEvent& event);

}  // namespace audisp_eql::collector
