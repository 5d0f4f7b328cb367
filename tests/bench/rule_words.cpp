// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/rule_words.hpp"

#include <array>

namespace audisp_eql::bench {

namespace {

constexpr std::array kPrograms{
    "bash",    "sh",      "dash",     "zsh",      "python3",   "python",  "perl",       "ruby",
    "php",     "node",    "java",     "lua",      "curl",      "wget",    "nc",         "ncat",
    "socat",   "telnet",  "ssh",      "scp",      "rsync",     "sshd",    "cron",       "crond",
    "systemd", "sudo",    "su",       "passwd",   "useradd",   "usermod", "chmod",      "chown",
    "chattr",  "mount",   "umount",   "modprobe", "insmod",    "kmod",    "docker",     "runc",
    "kubectl", "podman",  "git",      "make",     "gcc",       "cc",      "ld",         "find",
    "xargs",   "grep",    "sed",      "awk",      "gawk",      "base64",  "xxd",        "openssl",
    "tail",    "head",    "cat",      "ls",       "cp",        "mv",      "rm",         "touch",
    "tar",     "gzip",    "zip",      "nohup",    "setsid",    "timeout", "env",        "ps",
    "pgrep",   "pkill",   "kill",     "id",       "whoami",    "uname",   "date",       "hostname",
    "ip",      "ss",      "iptables", "nft",      "systemctl", "service", "journalctl", "apt",
    "dpkg",    "rpm",     "yum",      "dnf",      "snap",      "pip",     "npm",        "gdb",
    "strace",  "tcpdump", "vim",      "nano",     "screen",    "tmux",    "busybox",    "at",
};

constexpr std::array kSyllables{"ra",  "vol", "mis",  "ken", "tor", "bel", "du",
                                "fen", "gal", "hi",   "jor", "lu",  "nam", "os",
                                "pir", "qua", "ster", "ul",  "wex", "zan"};

constexpr std::array kSystemDirectories{
    "/usr/bin/",       "/usr/sbin/",    "/bin/",         "/sbin/",       "/usr/local/bin/",
    "/usr/lib/",       "/usr/libexec/", "/etc/",         "/etc/cron.d/", "/etc/init.d/",
    "/etc/profile.d/", "/var/lib/",     "/var/log/",     "/var/spool/",  "/var/www/",
    "/tmp/",           "/var/tmp/",     "/dev/shm/",     "/run/",        "/root/",
    "/home/",          "/boot/",        "/lib/modules/", "/proc/",       "/snap/",
};

constexpr std::array kFlags{"-c", "-e", "-i", "-l", "-p", "-d", "-x",     "-o",     "-f",
                            "-n", "-s", "-r", "-u", "-k", "-q", "--exec", "--eval", "--listen"};

constexpr std::array kLineParts{"/dev/tcp/",   "http://", "base64 -d",  "chmod +x", "import socket",
                                "/etc/passwd", "/bin/sh", "-i >&",      "exec(",    "eval(",
                                ".ssh/",       "crontab", "LD_PRELOAD", "/proc/",   "| sh"};

}  // namespace

std::string RuleWords::word() {
    std::string made;
    for (std::size_t i = between(2, 3); i > 0; --i)
        made += one_of(kSyllables);
    return made;
}

std::string RuleWords::program() {
    return chance(50) ? one_of(kPrograms) : word();
}

std::string RuleWords::directory() {
    if (chance(60))
        return one_of(kSystemDirectories);
    return one_of(kSystemDirectories) + word() + '/';
}

std::string RuleWords::program_path() {
    return directory() + program();
}

std::string RuleWords::file_path() {
    return directory() + word() + (chance(40) ? ".conf" : "");
}

std::string RuleWords::argument() {
    switch (below(4)) {
        case 0:
            return one_of(kFlags);
        case 1:
            return "--" + word();
        case 2:
            return word();
        default:
            return file_path();
    }
}

std::string RuleWords::own_argument() {
    return (chance(50) ? "--" : "") + word();
}

std::string RuleWords::text_part() {
    return chance(30) ? one_of(kLineParts) : chance(50) ? word() : argument();
}

std::string RuleWords::uuid() {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string made = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
    for (char& c : made) {
        if (c == 'x')
            c = kDigits[below(16)];
    }
    return made;
}

std::string RuleWords::name_pattern() {
    const std::size_t shape = below(100);
    if (shape < 55)
        return program();
    if (shape < 90)
        return program() + '*';
    if (shape < 93)
        return '*' + word() + '*';
    if (shape < 96)
        return '.' + std::string(1, '*');
    if (shape < 99)
        return '*' + word();
    return word() + "??";
}

std::string RuleWords::path_pattern() {
    const std::size_t shape = below(100);
    if (shape < 45)
        return directory() + '*';
    if (shape < 70)
        return program_path();
    if (shape < 90)
        return one_of(kSystemDirectories) + "*/" + word() + (chance(50) ? "*" : "");
    if (shape < 97)
        return "*/" + program();
    return "*/" + word() + "/*";
}

std::string RuleWords::line_pattern() {
    const std::size_t shape = below(100);
    if (shape < 60)
        return '*' + text_part() + '*';
    if (shape < 85)
        return '*' + text_part() + '*' + text_part() + '*';
    if (shape < 95)
        return text_part() + '*';
    return '*' + text_part();
}

std::string RuleWords::own_line_pattern() {
    const std::string one = word();
    const std::size_t shape = below(100);
    return shape < 60   ? '*' + one + '*'
           : shape < 80 ? '*' + text_part() + '*' + one + '*'
           : shape < 95 ? one + '*'
                        : '*' + one;
}

}  // namespace audisp_eql::bench
