// SPDX-License-Identifier: Apache-2.0
// Landlock (Documentation/userspace-api/landlock.rst): a process gives up writing outside some
// directories. By raw system calls: glibc has no wrappers, and distributions' kernel headers are
// older than their kernels, so the interface's numbers stand here.
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/syscall.h>

#include "collector/privilege/confine.hpp"

namespace audisp_eql::collector {
namespace {

// Numbers of all architectures (asm-generic/unistd.h).
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kVersion = 1;     // LANDLOCK_CREATE_RULESET_VERSION
constexpr int kRulePathBeneath = 1;  // LANDLOCK_RULE_PATH_BENEATH

struct RulesetAttributes {
    std::uint64_t handled_fs = 0;
    std::uint64_t handled_net = 0;  // from ABI 4
    std::uint64_t scoped = 0;       // from ABI 6
};
struct __attribute__((packed)) PathBeneath {
    std::uint64_t allowed = 0;
    std::int32_t parent = -1;
};

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kRemoveDir = 1 << 4,
                        kRemoveFile = 1 << 5, kMakeChar = 1 << 6, kMakeDir = 1 << 7,
                        kMakeReg = 1 << 8, kMakeSock = 1 << 9, kMakeFifo = 1 << 10,
                        kMakeBlock = 1 << 11, kMakeSym = 1 << 12, kRefer = 1 << 13,
                        kTruncate = 1 << 14;
constexpr std::uint64_t kScopeSignal = 1 << 1;

std::string trouble(const char* what) {
    return fmt::format("Landlock: {}: {}", what, std::strerror(errno));
}

class Ruleset {
  public:
    explicit Ruleset(const RulesetAttributes& attributes, std::size_t size)
        : fd_(static_cast<int>(::syscall(kCreateRuleset, &attributes, size, 0))) {}
    ~Ruleset() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;
    int fd() const { return fd_; }

    bool allow(const std::string& directory, std::uint64_t what) const {
        const int parent = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent < 0)
            return errno == ENOENT || errno == EACCES;  // nothing is written there then
        PathBeneath rule;
        rule.allowed = what;
        rule.parent = parent;
        const bool added = ::syscall(kAddRule, fd_, kRulePathBeneath, &rule, 0) == 0;
        ::close(parent);
        return added;
    }

  private:
    int fd_;
};

}  // namespace

std::string restrict_writing(const std::vector<std::string>& writable) {
    const long version = ::syscall(kCreateRuleset, nullptr, 0, kVersion);
    if (version < 1)
        return trouble("not in this kernel");
    const std::uint64_t files = kRemoveDir | kRemoveFile | kMakeDir | kMakeReg | kMakeSock |
                                kWriteFile | (version >= 3 ? kTruncate : 0);
    RulesetAttributes attributes;
    attributes.handled_fs = files | kExecute | kMakeChar | kMakeFifo | kMakeBlock | kMakeSym |
                            (version >= 2 ? kRefer : 0);
    attributes.scoped = version >= 6 ? kScopeSignal : 0;
    const std::size_t size = version >= 6   ? 3 * sizeof(std::uint64_t)
                             : version >= 4 ? 2 * sizeof(std::uint64_t)
                                            : sizeof(std::uint64_t);
    const Ruleset ruleset(attributes, size);
    if (ruleset.fd() < 0)
        return trouble("no ruleset");
    for (const std::string& directory : writable)
        if (!ruleset.allow(directory, files))
            return trouble(directory.c_str());
    if (::syscall(kRestrictSelf, ruleset.fd(), 0) != 0)
        return trouble("cannot be put in force");
    return {};
}

}  // namespace audisp_eql::collector
