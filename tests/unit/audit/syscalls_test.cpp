// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/syscalls.hpp"

#include <cstdint>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/audit/decode.hpp"

namespace {

using namespace audisp_eql::collector;

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(operations_are_known_by_architecture_and_number) {
    constexpr std::uint32_t kX86 = 0xc000003e, kI386 = 0x40000003, kArm64 = 0xc00000b7,
                            kArm = 0x40000028;
    constexpr std::int32_t kX32 = 0x40000000;
    struct Row {
        std::uint32_t arch;
        std::int32_t number;
        std::uint64_t a0;
        Operation operation;
        const char* name;
    };
    for (const Row& row : std::vector<Row>{
             {kX86, 59, 0, Operation::exec, "execve"},
             {kX86, 322, 0, Operation::exec, "execveat"},
             {kX86, 42, 0, Operation::connect, "connect"},
             {kX86, 43, 0, Operation::accept, "accept"},
             {kX86, 288, 0, Operation::accept, "accept4"},
             {kX86, 435, 0, Operation::fork, "clone3"},
             {kX86, 231, 0, Operation::exit, "exit_group"},
             {kX86, 44, 0, Operation::send, "sendto"},
             {kX86, kX32 | 518, 0, Operation::send, nullptr},
             {kX86, kX32 | 521, 0, Operation::trace, nullptr},
             {kX86, 426, 0, Operation::ring, "io_uring_enter"},
             {kX86, 117, 0, Operation::change_user, "setresuid"},
             {kX86, 319, 0, Operation::make_memory_file, "memfd_create"},
             {kX86, 313, 0, Operation::load_module, "finit_module"},
             {kX86, 424, 0, Operation::signal, "pidfd_send_signal"},
             {kI386, 102, 2, Operation::bind, "socketcall"},
             {kI386, 102, 11, Operation::send, "socketcall"},
             {kI386, 213, 0, Operation::change_user, "setuid32"},
             {kArm64, 117, 0, Operation::trace, "ptrace"},
             {kX86, 102, 3, Operation::other, "getuid"},
             {kX86, kX32 | 42, 0, Operation::connect, "connect"},
             {kX86, kX32 | 520, 0, Operation::exec, nullptr},
             {kI386, 11, 0, Operation::exec, "execve"},
             {kI386, 358, 0, Operation::exec, "execveat"},
             {kI386, 362, 0, Operation::connect, "connect"},
             {kI386, 364, 0, Operation::accept, "accept4"},
             {kI386, 102, 3, Operation::connect, "socketcall"},
             {kI386, 102, 5, Operation::accept, "socketcall"},
             {kI386, 102, 18, Operation::accept, "socketcall"},
             {kI386, 102, 9, Operation::other, "socketcall"},
             {kI386, 102, std::uint64_t{1} << 63, Operation::other, "socketcall"},
             {kI386, 42, 0, Operation::other, "pipe"},
             {kI386, 59, 0, Operation::other, nullptr},
             {kI386, 2, 0, Operation::fork, "fork"},
             {kArm64, 221, 0, Operation::exec, "execve"},
             {kArm64, 203, 0, Operation::connect, "connect"},
             {kArm64, 242, 0, Operation::accept, "accept4"},
             {kArm64, 220, 0, Operation::fork, "clone"},
             {kArm64, 59, 0, Operation::other, nullptr},
             {kArm, 283, 0, Operation::connect, nullptr},
             {kArm, 11, 0, Operation::exec, nullptr},
             {kX86, 257, 0, Operation::open, "openat"},
             {kX86, kX32 | 257, 0, Operation::open, "openat"},
             {kX86, 437, 0, Operation::open, "openat2"},
             {kX86, 452, 0, Operation::change_mode, nullptr},
             {kX86, 263, 0, Operation::remove, "unlinkat"},
             {kI386, 5, 0, Operation::open, "open"},
             {kI386, 193, 0, Operation::truncate, "truncate64"},
             {kI386, 212, 0, Operation::change_owner, "chown32"},
             {kI386, 353, 0, Operation::rename, "renameat2"},
             {kArm64, 56, 0, Operation::open, "openat"},
             {kArm64, 35, 0, Operation::remove, "unlinkat"},
             {0x12345, 59, 0, Operation::other, ""},
             {kX86, -1, 0, Operation::other, ""},
             {kI386, -1, 0, Operation::other, ""},
             {kX86, INT32_MAX, 0, Operation::other, ""},
         }) {
        BOOST_TEST_CONTEXT(row.arch << ' ' << row.number) {
            SyscallRecord syscall;
            syscall.arch = row.arch;
            syscall.number = row.number;
            syscall.args[0] = row.a0;
            BOOST_CHECK(syscall_of(syscall).operation == row.operation);
            if (row.name)  // null: libaudit need not have this architecture's table
                BOOST_TEST(syscall_name(row.arch, row.number) == row.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_row_says_what_its_arguments_are) {
    SyscallRecord syscall;
    syscall.arch = 0xc000003e;
    syscall.number = 316;
    const Syscall& rename = syscall_of(syscall);
    BOOST_TEST(rename.name == "renameat2");
    BOOST_TEST(int{rename.directory} == 0);
    BOOST_TEST(int{rename.second_directory} == 2);
    BOOST_TEST(int{rename.flags} == int{Syscall::kNone});
    syscall.number = 2;
    BOOST_TEST(int{syscall_of(syscall).directory} == int{Syscall::kNone});
    BOOST_TEST(int{syscall_of(syscall).flags} == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
