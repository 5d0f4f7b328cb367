// SPDX-License-Identifier: Apache-2.0
#include "collector/process/proc_reader.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

namespace audisp_eql::collector {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// A /proc of one process in a directory of its own.
struct FakeProc {
    FakeProc() {
        root = fs::temp_directory_path() / ("audisp-eql-proc-" + std::to_string(::getpid()));
        fs::create_directories(root / "42");
        fs::create_directories(root / "sys");
    }
    ~FakeProc() { fs::remove_all(root); }
    void file(const char* name, const std::string& bytes) const {
        std::ofstream(root / "42" / name, std::ios::binary) << bytes;
    }
    void stat(const std::string& name, const std::string& tty_nr) const {
        file("stat", "42 (" + name + ") S 7 41 40 " + tty_nr +
                         " 42 4194560 1 2 3 4 5 6 7 8 20 0 3 0 98765 1 2 3\n");
    }
    fs::path root;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(proc_of_a_process_is_read) {
    const FakeProc proc;
    proc.stat("a) S 1 (b", "34817");
    proc.file("status",
              "Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t1001\t2\t2\t2\nCapInh:\t0\n"
              "CapPrm:\t000001ffffffffff\nCapEff:\t0000000000002000\n");
    proc.file("cgroup", "0::/system.slice/x.service\n");
    proc.file("cmdline", "sh\0-c\0\0with space\0"s);
    proc.file("loginuid", "1000");
    proc.file("sessionid", "3");
    fs::create_symlink("/usr/bin/dash", proc.root / "42" / "exe");
    fs::create_symlink("/home/a b", proc.root / "42" / "cwd");

    LinuxProcReader reader(proc.root);
    BOOST_TEST(reader.pids() == std::vector<std::int32_t>{42});
    const auto read = reader.read(42);
    BOOST_REQUIRE(read);
    BOOST_TEST(read->ppid == 7);
    BOOST_TEST(read->threads == 3);
    BOOST_TEST(read->start_tick == 98765);
    BOOST_TEST(read->tty == "pts1");
    BOOST_TEST(read->exe == "/usr/bin/dash");
    BOOST_TEST(read->cwd == "/home/a b");
    BOOST_TEST(read->args == (std::vector<std::string>{"sh", "-c", "", "with space"}));
    BOOST_TEST(read->args_count == 4);
    BOOST_TEST(read->uid == 1000U);
    BOOST_TEST(read->euid == 0U);
    BOOST_TEST(read->gid == 1001U);
    BOOST_TEST(read->egid == 2U);
    BOOST_TEST(read->auid == 1000U);
    BOOST_TEST(read->session == 3U);
    BOOST_TEST(read->pgid == 41);
    BOOST_TEST(read->sid == 40);
    BOOST_TEST(read->cap_permitted == 0x1ffffffffff);
    BOOST_TEST(read->cap_effective == 0x2000);
    BOOST_TEST(read->cgroup == "/system.slice/x.service");
}

BOOST_AUTO_TEST_CASE(terminals_have_the_names_that_audit_gives_them) {
    const FakeProc proc;
    LinuxProcReader reader(proc.root);
    const std::pair<const char*, const char*> rows[] = {
        {"0", ""}, {"1025", "tty1"}, {"1088", "ttyS0"}, {"34816", "pts0"}, {"35073", "pts257"}};
    for (const auto& [device, name] : rows) {
        proc.stat("x", device);
        BOOST_TEST(reader.read(42).value().tty == name);
    }
}

BOOST_AUTO_TEST_CASE(long_command_lines_keep_their_count) {
    const FakeProc proc;
    proc.stat("x", "0");
    std::string cmdline;
    for (int i = 0; i < 500; ++i)
        cmdline += std::string(100, 'a') + '\0';
    proc.file("cmdline", cmdline);
    const auto read = LinuxProcReader(proc.root).read(42);
    BOOST_TEST(read.value().args_count == 500);
    BOOST_TEST(read.value().args.size() == 64U);
}

BOOST_AUTO_TEST_CASE(what_paths_are_relative_to) {
    const FakeProc proc;
    proc.stat("x", "0");
    fs::create_directories(proc.root / "1" / "ns");
    fs::create_directories(proc.root / "42" / "ns");
    fs::create_symlink("mnt:[4026531841]", proc.root / "1" / "ns" / "mnt");
    struct Row {
        const char* mounts;
        const char* root;
        bool foreign_mounts, own_root;
    };
    for (const Row& row :
         {Row{"mnt:[4026531841]", "/", false, false}, Row{"mnt:[4026532009]", "/", true, false},
          Row{"mnt:[4026531841]", "/srv/jail", false, true}, Row{nullptr, nullptr, false, false}}) {
        fs::remove(proc.root / "42" / "ns" / "mnt");
        fs::remove(proc.root / "42" / "root");
        if (row.mounts != nullptr) {
            fs::create_symlink(row.mounts, proc.root / "42" / "ns" / "mnt");
            fs::create_symlink(row.root, proc.root / "42" / "root");
        }
        const auto read = LinuxProcReader(proc.root).read(42);
        BOOST_TEST(read.value().foreign_mounts == row.foreign_mounts);
        BOOST_TEST(read.value().own_root == row.own_root);
    }
}

BOOST_AUTO_TEST_CASE(marks_of_a_module) {
    const FakeProc modules;
    fs::create_directories(modules.root / "nf_x");
    std::ofstream(modules.root / "nf_x" / "taint") << "OE\n";
    std::ofstream(modules.root / "42" / "taint") << "\n";
    LinuxProcReader reader("/proc", modules.root);
    BOOST_TEST(reader.module("nf_x").value().flags == "OE");
    BOOST_TEST(reader.module("42").value().flags == "");
    BOOST_TEST(!reader.module("none"));
    BOOST_TEST(!reader.module("42/../nf_x"));
}

BOOST_AUTO_TEST_CASE(text_of_a_socket_and_of_a_module_and_back) {
    SocketEnds ends;
    ends.pid = 42;
    ends.fd = 7;
    BOOST_TEST((socket_from_text(to_text(ends)) == ends));
    ends.inet = true;
    ends.transport = "tcp";
    ends.local_ip = "2001:db8::1";
    ends.local_port = 443;
    BOOST_TEST((socket_from_text(to_text(ends)) == ends));
    ends.peer_ip = "198.51.100.1";
    ends.peer_port = 65535;
    BOOST_TEST((socket_from_text(to_text(ends)) == ends));
    BOOST_TEST(!socket_from_text("pid=42 fd=7"));
    BOOST_TEST(!socket_from_text("fd=7 socket=inet"));
    const ModuleTaint taint{"a \"b\"", "OE"};
    BOOST_TEST((module_from_text(to_text(taint)) == taint));
    BOOST_TEST(!module_from_text("taint=\"OE\""));
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_nullopt) {
    const FakeProc proc;
    BOOST_TEST(!LinuxProcReader(proc.root).read(42));
    proc.file("stat", "42 (x");
    BOOST_TEST(!LinuxProcReader(proc.root).read(42));
    BOOST_TEST(LinuxProcReader("/nowhere").pids().empty());
}

BOOST_AUTO_TEST_CASE(this_process_reads_itself) {
    const auto read = LinuxProcReader().read(::getpid());
    BOOST_REQUIRE(read);
    BOOST_TEST(read->ppid == ::getppid());
    BOOST_TEST(read->uid == ::getuid());
    BOOST_TEST(read->exe == fs::read_symlink("/proc/self/exe").string());
    BOOST_TEST(!read->args.empty());
}

BOOST_AUTO_TEST_CASE(a_descriptor_leads_to_its_file) {
    char name[] = "/tmp/audisp-eql-descriptor-XXXXXX";
    const int fd = ::mkstemp(name);
    BOOST_REQUIRE(fd >= 0);
    struct stat file {};
    BOOST_REQUIRE(::fstat(fd, &file) == 0);
    int pipe[2];
    BOOST_REQUIRE(::pipe(pipe) == 0);

    const DescriptorTarget expected{::getpid(), fd, file.st_ino, name};
    const auto named = LinuxProcReader().descriptor(::getpid(), fd);
    ::unlink(name);
    const auto removed = LinuxProcReader().descriptor(::getpid(), fd);
    const auto piped = LinuxProcReader().descriptor(::getpid(), pipe[0]);
    for (const int open : {fd, pipe[0], pipe[1]})
        ::close(open);
    BOOST_REQUIRE(named);
    BOOST_TEST(named->path == name);
    // Kernels before 5.14 do not tell the inode.
    BOOST_TEST((named->inode == expected.inode || named->inode == 0));
    BOOST_REQUIRE(removed);
    BOOST_TEST(removed->path == name);
    BOOST_TEST(!piped);
    BOOST_TEST(!LinuxProcReader().descriptor(::getpid(), fd));

    const DescriptorTarget odd{7, 3, 12345678901234, "/tmp/a \"b\n"};
    BOOST_CHECK(descriptor_from_text(to_text(odd)) == odd);
    for (const char* wrong : {"", "pid=7", "pid=7 fd=3", "fd=3 path=\"/x\"", "pid=7 path=\"/x\""})
        BOOST_CHECK_MESSAGE(!descriptor_from_text(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(snapshot_text_holds_any_bytes) {
    ProcSnapshot snapshot;
    snapshot.pid = 42;
    snapshot.ppid = 7;
    snapshot.start_tick = 98765;
    snapshot.threads = 3;
    snapshot.exe = "/tmp/a\" type=SYSCALL msg=audit(1.0:1): pid=1";
    snapshot.cwd = "/tmp/\n\xff\x1d";
    snapshot.args = {"", "plain", "with space", "a0=\"x\"", "\n", "deadbeef", "(null)"};
    snapshot.args_count = 1000;
    snapshot.uid = 1;
    snapshot.euid = 2;
    snapshot.gid = 3;
    snapshot.egid = 0xfffffffe;
    snapshot.tty = "pts0";
    snapshot.sid = 4;
    snapshot.pgid = 5;
    snapshot.cap_permitted = 0x1ffffffffff;
    snapshot.cap_effective = 0;
    snapshot.cgroup = "/a b\n";
    const std::string text = to_text(snapshot);
    BOOST_TEST(text.find('\n') == std::string::npos);
    const auto read = snapshot_from_text(text);
    BOOST_REQUIRE(read);
    BOOST_TEST((*read == snapshot));
}

BOOST_AUTO_TEST_CASE(snapshot_text_of_one_that_is_gone) {
    ProcSnapshot snapshot;
    snapshot.pid = 42;
    snapshot.gone = true;
    BOOST_TEST(to_text(snapshot) == "pid=42 gone=1");
    BOOST_TEST(snapshot_from_text("pid=42 gone=1").value().gone);
    BOOST_TEST(!snapshot_from_text(""));
    BOOST_TEST(!snapshot_from_text("gone=1"));
    BOOST_TEST(!snapshot_from_text("pid=x ppid=1"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
