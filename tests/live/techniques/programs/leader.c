// SPDX-License-Identifier: Apache-2.0
// leader cron|service REQUESTS REPLIES: stands in for a daemon that starts programs. Detaches from
// whoever started it, reads requests from one FIFO (arguments, each ended by a NUL, the request by
// a second NUL) and writes the pid of what it started into the other.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

enum { kMaxRequest = 65536, kMaxArguments = 64 };

static void run(char** arguments) {
    setsid();
    execv(arguments[0], arguments);
    _exit(127);
}

// As cron does it: a child of its own for each job, whose child runs the job with the outputs in a
// pipe (what comes out would be mailed).
static void run_job(char** arguments, int replies) {
    int input[2], output[2];
    if (pipe(input) != 0 || pipe(output) != 0)
        _exit(1);
    const pid_t job = fork();
    if (job == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        dup2(output[1], 2);
        for (int fd = 3; fd < 32; ++fd)
            close(fd);
        run(arguments);
    }
    dprintf(replies, "%d\n", (int)job);
    close(input[0]);
    close(input[1]);
    close(output[1]);
    char mail[4096];
    while (read(output[0], mail, sizeof mail) > 0)
        ;
    waitpid(job, NULL, 0);
    _exit(0);
}

int main(int argc, char** argv) {
    static char request[kMaxRequest];
    size_t length = 0;
    if (argc != 4 || fork() != 0)
        return argc != 4;
    setsid();
    if (fork() != 0)
        return 0;
    const int requests = open(argv[2], O_RDWR | O_CLOEXEC);
    const int replies = open(argv[3], O_RDWR | O_CLOEXEC);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd)
        dup2(nothing, fd);
    dprintf(replies, "%d\n", (int)getpid());
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        if (length == sizeof request || read(requests, request + length, 1) != 1)
            return 1;
        ++length;
        if (length < 2 || request[length - 1] != 0 || request[length - 2] != 0)
            continue;
        char* arguments[kMaxArguments + 1] = {NULL};
        int count = 0;
        for (size_t at = 0; request[at] != 0 && count < kMaxArguments;
             at += strlen(request + at) + 1)
            arguments[count++] = request + at;
        length = 0;
        const pid_t child = fork();
        if (child == 0) {
            signal(SIGCHLD, SIG_DFL);
            if (strcmp(argv[1], "cron") == 0)
                run_job(arguments, replies);
            run(arguments);
        }
        if (strcmp(argv[1], "cron") != 0)
            dprintf(replies, "%d\n", (int)child);
    }
}
