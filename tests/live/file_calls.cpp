// SPDX-License-Identifier: Apache-2.0
// Makes every system call on files that becomes an event, once, in the directory given, in the
// order that files.py expects. Says "done" and waits for the end of its input, with everything
// open: what a descriptor leads to is asked after the call.
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

constexpr long kFchmodat2 = 452;  // newer than the C library's headers

bool failed = false;

template <class... Arguments>
int call(const char* what, long number, Arguments... arguments) {
    const long result = syscall(number, arguments...);
    if (result < 0) {
        std::perror(what);
        failed = true;
    }
    return static_cast<int>(result);
}
#define CALL(name, ...) call(#name, SYS_##name, __VA_ARGS__)

void opens(int sub) {
    CALL(open, "new.txt", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    CALL(open, "new.txt", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    CALL(open, "./sub/..//new.txt", O_RDONLY);
    CALL(openat, AT_FDCWD, "new.txt", O_RDWR);
    CALL(openat, sub, "at.txt", O_CREAT | O_WRONLY, 0644);
    CALL(openat, sub, "at.txt", O_RDONLY);
    CALL(openat, sub, "../up.txt", O_CREAT | O_WRONLY, 0644);
    open_how how = {};
    how.flags = O_CREAT | O_RDWR;
    how.mode = 0600;
    CALL(openat2, AT_FDCWD, "two.txt", &how, sizeof how);
    how.flags = O_RDONLY;
    how.mode = 0;
    CALL(openat2, sub, "at.txt", &how, sizeof how);
    CALL(creat, "creat.txt", 0644);
    CALL(open, "with space.txt", O_CREAT | O_WRONLY, 0644);
    CALL(open, "sub", O_PATH);  // no event
    const int nameless = CALL(open, ".", O_TMPFILE | O_RDWR, 0600);
    char link[32];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", nameless);
    CALL(linkat, AT_FDCWD, link, AT_FDCWD, "named.txt", AT_SYMLINK_FOLLOW);
    CALL(symlink, "missing.txt", "dangling");
    CALL(open, "dangling", O_CREAT | O_WRONLY, 0644);
    syscall(SYS_open, "nofile", O_RDONLY);  // fails, no event
}

void names(int sub, int other) {
    CALL(rename, "creat.txt", "renamed.txt");
    CALL(rename, "renamed.txt", "two.txt");
    CALL(rename, "two.txt", "sub/three.txt");
    CALL(renameat, sub, "three.txt", other, "four.txt");
    CALL(renameat2, sub, "at.txt", other, "four.txt", RENAME_EXCHANGE);
    CALL(mkdir, "deep", 0755);
    CALL(mkdirat, other, "deep", 0700);
    CALL(mknod, "fifo", S_IFIFO | 0600, 0);
    CALL(mknodat, sub, "fifo", S_IFIFO | 0600, 0);
    CALL(link, "new.txt", "hard.txt");
    CALL(linkat, AT_FDCWD, "new.txt", sub, "hard.txt", 0);
    CALL(symlink, "/etc/hostname", "soft");
    CALL(symlinkat, "../new.txt", sub, "soft");
}

void attributes(int sub) {
    const int fd = CALL(open, "new.txt", O_RDWR);
    CALL(truncate, "new.txt", 5);
    CALL(ftruncate, fd, 10);
    CALL(chmod, "new.txt", 04755);
    CALL(fchmod, fd, 0600);
    CALL(fchmodat, sub, "hard.txt", 0700);
    if (syscall(kFchmodat2, sub, "hard.txt", 0711, 0) != 0)
        CALL(fchmodat, sub, "hard.txt", 0711);  // kernels before 6.6
    CALL(chown, "new.txt", 1, -1);
    CALL(lchown, "soft", 2, 3);
    CALL(fchown, fd, -1, 4);
    CALL(fchownat, sub, "hard.txt", 0, 0, 0);
    CALL(utimensat, AT_FDCWD, "new.txt", nullptr, 0);
    CALL(utimensat, fd, nullptr, nullptr, 0);
    CALL(setxattr, "new.txt", "trusted.audisp_eql", "x", 1, 0);
    CALL(removexattr, "new.txt", "trusted.audisp_eql");
}

void removals(int sub, int other) {
    CALL(unlink, "hard.txt");
    CALL(unlinkat, sub, "hard.txt", 0);
    CALL(unlinkat, other, "deep", AT_REMOVEDIR);
    CALL(rmdir, "deep");
}

template <class Body>
bool in_child(Body body) {
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
        failed = false;
        body();
        _exit(failed ? 1 : 0);
    }
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

void in_a_jail() {
    CALL(mkdir, "jail", 0755);
    if (chroot("jail") != 0 || chdir("/") != 0)
        failed = true;
    CALL(open, "jailed.txt", O_CREAT | O_WRONLY, 0600);
}

#ifdef __x86_64__
// The door for 32-bit programs, open to all where the kernel has it; else it ends in SIGSEGV.
long int80(long number, long a, long b, long c) {
    long result = number;
    asm volatile("int $0x80"
                 : "+a"(result)
                 : "b"(a), "c"(b), "d"(c), "S"(0L)
                 : "memory", "r8", "r9", "r10", "r11");
    return result;
}

long low(const char* text) {
    void* const page =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return reinterpret_cast<long>(std::strcpy(static_cast<char*>(page), text));
}

// Numbers from asm/unistd_32.h.
void by_int80() {
    failed |= int80(5, low("i386.txt"), O_CREAT | O_WRONLY, 0644) < 0;
    failed |= int80(295, AT_FDCWD, low("i386.txt"), O_RDWR) < 0;
    failed |= int80(38, low("i386.txt"), low("i386b.txt"), 0) < 0;
    failed |= int80(10, low("i386b.txt"), 0, 0) < 0;
}
#else
void by_int80() {
    failed = true;
}
#endif

}  // namespace

int main(int argc, char** argv) {
    umask(022);
    if (argc != 2 || chdir(argv[1]) != 0)
        return 2;
    CALL(mkdir, "sub", 0755);
    CALL(mkdir, "other", 0755);
    const int sub = CALL(open, "sub", O_RDONLY | O_DIRECTORY);
    const int other = CALL(open, "other", O_RDONLY | O_DIRECTORY);
    opens(sub);
    names(sub, other);
    attributes(sub);
    removals(sub, other);
    failed |= !in_child(in_a_jail);
    if (!in_child(by_int80))
        std::puts("no int 0x80");
    CALL(mkdir, "last", 0755);
    if (failed)
        return 1;
    std::puts("done");
    std::fflush(stdout);
    std::getchar();
    return 0;
}
