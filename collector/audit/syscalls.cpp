// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/syscalls.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <libaudit.h>
#include <linux/audit.h>

#include "collector/audit/decode.hpp"

namespace audisp_eql::collector {

namespace {

constexpr std::int8_t kNone = Syscall::kNone;

// Sorted by operation. The -32 and -64 names are those of 32-bit architectures whose first calls
// had 16-bit ids and 32-bit sizes.
constexpr Syscall kSyscalls[] = {
    {"execve", Operation::exec},
    {"execveat", Operation::exec, 0},
    {"connect", Operation::connect, kNone, kNone, kNone, kNone, kNone, DescriptorCall::connect},
    {"accept", Operation::accept, kNone, kNone, kNone, kNone, kNone, DescriptorCall::accept},
    {"accept4", Operation::accept, kNone, kNone, kNone, kNone, kNone, DescriptorCall::accept},
    {"fork", Operation::fork},
    {"vfork", Operation::fork},
    {"clone", Operation::fork},
    {"clone3", Operation::fork, kNone, kNone, kNone, 435},
    {"exit", Operation::exit},
    {"exit_group", Operation::exit},

    {"open", Operation::open, kNone, kNone, 1},
    {"openat", Operation::open, 0, kNone, 2},
    {"openat2", Operation::open, 0, kNone, kNone, 437},
    {"creat", Operation::open},
    {"truncate", Operation::truncate},
    {"truncate64", Operation::truncate},
    {"ftruncate", Operation::truncate, 0},
    {"ftruncate64", Operation::truncate, 0},
    {"rename", Operation::rename},
    {"renameat", Operation::rename, 0, 2},
    {"renameat2", Operation::rename, 0, 2},
    {"unlink", Operation::remove},
    {"unlinkat", Operation::remove, 0},
    {"rmdir", Operation::remove},
    {"mkdir", Operation::make_directory},
    {"mkdirat", Operation::make_directory, 0},
    {"mknod", Operation::make_node},
    {"mknodat", Operation::make_node, 0},
    {"link", Operation::link},
    {"linkat", Operation::link, 0, 2},
    {"symlink", Operation::symlink},
    {"symlinkat", Operation::symlink, 1},
    {.name = "chmod", .operation = Operation::change_mode, .value = 1},
    {.name = "fchmod", .operation = Operation::change_mode, .directory = 0, .value = 1},
    {.name = "fchmodat", .operation = Operation::change_mode, .directory = 0, .value = 2},
    {.name = "fchmodat2",
     .operation = Operation::change_mode,
     .directory = 0,
     .flags = 3,
     .common_number = 452,
     .value = 2},
    {.name = "chown", .operation = Operation::change_owner, .value = 1},
    {.name = "lchown", .operation = Operation::change_owner, .value = 1},
    {.name = "fchown", .operation = Operation::change_owner, .directory = 0, .value = 1},
    {.name = "fchownat", .operation = Operation::change_owner, .directory = 0, .value = 2},
    {.name = "chown32", .operation = Operation::change_owner, .value = 1},
    {.name = "lchown32", .operation = Operation::change_owner, .value = 1},
    {.name = "fchown32", .operation = Operation::change_owner, .directory = 0, .value = 1},
    {"setxattr", Operation::change_attributes},
    {"lsetxattr", Operation::change_attributes},
    {"fsetxattr", Operation::change_attributes, 0},
    {"setxattrat", Operation::change_attributes, 0, kNone, 2, 463},
    {"removexattr", Operation::change_attributes},
    {"lremovexattr", Operation::change_attributes},
    {"fremovexattr", Operation::change_attributes, 0},
    {"removexattrat", Operation::change_attributes, 0, kNone, 2, 466},
    {"utime", Operation::change_times},
    {"utimes", Operation::change_times},
    {"futimesat", Operation::change_times, 0},
    {"utimensat", Operation::change_times, 0, kNone, 3},
    {"utimensat_time64", Operation::change_times, 0, kNone, 3},

    {"bind", Operation::bind},
    {"listen", Operation::listen},
    {"sendto", Operation::send, kNone, kNone, 3},
    {"sendmsg", Operation::send, kNone, kNone, 2},
    {"sendmmsg", Operation::send, kNone, kNone, 3},
    {"io_uring_enter", Operation::ring, kNone, kNone, kNone, 426},
    {"setuid", Operation::change_user},
    {"setreuid", Operation::change_user},
    {"setresuid", Operation::change_user},
    {"setuid32", Operation::change_user},
    {"setreuid32", Operation::change_user},
    {"setresuid32", Operation::change_user},
    {"setgid", Operation::change_group},
    {"setregid", Operation::change_group},
    {"setresgid", Operation::change_group},
    {"setgid32", Operation::change_group},
    {"setregid32", Operation::change_group},
    {"setresgid32", Operation::change_group},
    {"setsid", Operation::new_session},
    {"memfd_create", Operation::make_memory_file},
    {"ptrace", Operation::trace},
    {.name = "kill", .operation = Operation::signal, .value = 1},
    {.name = "tkill", .operation = Operation::signal, .value = 1},
    {.name = "tgkill", .operation = Operation::signal, .value = 2},
    {.name = "pidfd_send_signal", .operation = Operation::signal, .common_number = 424, .value = 1},
    {"init_module", Operation::load_module},
    {"finit_module", Operation::load_module},
    {"delete_module", Operation::unload_module},
    {"mount", Operation::mount},
    {"umount", Operation::unmount},
    {"umount2", Operation::unmount},

    {"socket", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::socket},
    {"dup", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::duplicate},
    {"dup2", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::duplicate},
    {"dup3", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::duplicate},
    {"fcntl", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::control},
    {"fcntl64", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::control},
    {"close", Operation::other, kNone, kNone, kNone, kNone, kNone, DescriptorCall::close},
};

constexpr Syscall kOther;

// A call by number, where libaudit's tables do not tell it.
struct Numbered {
    std::int32_t number;
    std::string_view name;
};

// __X32_SYSCALL_BIT of asm/unistd.h, in the number, not in the arch; and the calls that have a
// number of their own in x32.
constexpr std::int32_t kX32Bit = 0x40000000;
constexpr Numbered kX32[] = {
    {518, "sendmsg"}, {520, "execve"}, {521, "ptrace"}, {538, "sendmmsg"}, {545, "execveat"}};

// SYS_* of linux/net.h, the first argument of socketcall(2).
constexpr Numbered kSocketcalls[] = {{1, "socket"},   {2, "bind"},     {3, "connect"},
                                     {4, "listen"},   {5, "accept"},   {11, "sendto"},
                                     {16, "sendmsg"}, {18, "accept4"}, {20, "sendmmsg"}};
constexpr std::int32_t kSocketcall = 102;  // i386

const Syscall& row_of(std::string_view name) {
    const auto* const row =
        std::find_if(std::begin(kSyscalls), std::end(kSyscalls),
                     [name](const Syscall& syscall) { return syscall.name == name; });
    return row == std::end(kSyscalls) ? kOther : *row;
}

// Rows by number.
class NumberTable {
  public:
    explicit NumberTable(std::uint32_t arch) {
        const int machine = audit_elf_to_machine(arch);
        for (const Syscall& row : kSyscalls) {
            const std::string name(row.name);  // libaudit wants an end mark
            const int number = machine < 0 ? -1 : audit_name_to_syscall(name.c_str(), machine);
            set(number >= 0 ? number : row.common_number, row);
        }
    }
    template <std::size_t kSize>
    explicit NumberTable(const Numbered (&numbers)[kSize]) {
        add(numbers);
    }
    template <std::size_t kSize>
    void add(const Numbered (&numbers)[kSize]) {
        for (const Numbered& call : numbers)
            set(call.number, row_of(call.name));
    }
    const Syscall& at(std::uint64_t number) const {
        return number < rows_.size() ? *rows_[number] : kOther;
    }

  private:
    void set(std::int32_t number, const Syscall& row) {
        if (number < 0)
            return;
        const auto index = static_cast<std::size_t>(number);
        if (index >= rows_.size())
            rows_.resize(index + 1, &kOther);
        rows_[index] = &row;
    }
    std::vector<const Syscall*> rows_;
};

struct Tables {
    NumberTable x86_64{AUDIT_ARCH_X86_64};
    NumberTable i386{AUDIT_ARCH_I386};
    NumberTable aarch64{AUDIT_ARCH_AARCH64};
    NumberTable arm{AUDIT_ARCH_ARM};
    NumberTable socketcalls{kSocketcalls};
    Tables() { x86_64.add(kX32); }
};

}  // namespace

std::span<const Syscall> syscalls() {
    return kSyscalls;
}

const Syscall& syscall_of(const SyscallRecord& syscall) {
    static const Tables tables;
    const auto number = static_cast<std::uint32_t>(syscall.number);
    switch (syscall.arch) {
        case AUDIT_ARCH_X86_64:
            return tables.x86_64.at(syscall.number < 0 ? number : number & ~std::uint32_t{kX32Bit});
        case AUDIT_ARCH_I386:
            return syscall.number == kSocketcall ? tables.socketcalls.at(syscall.args[0])
                                                 : tables.i386.at(number);
        case AUDIT_ARCH_AARCH64:
            return tables.aarch64.at(number);
        case AUDIT_ARCH_ARM:
            return tables.arm.at(number);
        default:
            return kOther;
    }
}

std::string_view syscall_name(std::uint32_t arch, std::int32_t number) {
    if (arch == AUDIT_ARCH_X86_64 && number >= 0)
        number &= ~kX32Bit;
    const int machine = audit_elf_to_machine(arch);
    const char* name = machine < 0 ? nullptr : audit_syscall_to_name(number, machine);
    return name ? std::string_view(name) : std::string_view{};
}

}  // namespace audisp_eql::collector
