// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/syslog_text.hpp"

#include <cstdio>
#include <ctime>
#include <unistd.h>

#include <fmt/format.h>

#include "detect/text/time_text.hpp"

namespace audisp_eql::collector {
namespace {

int priority(int facility, detect::RuleSeverity severity) {
    return facility * 8 + syslog_level(severity);
}

// "Nov  2 02:31:05": local time, as syslog(3) writes it.
std::string stamp(std::time_t now) {
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm local{};
    localtime_r(&now, &local);
    return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[local.tm_mon % 12], local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec);
}

std::string time_of(std::int64_t wall_us) {
    std::string text;
    detect::append_iso_time(text, wall_us);
    return text;
}

std::string host_name(std::string_view host) {
    constexpr std::size_t kMost = 255;  // RFC 5424, 6: HOSTNAME
    std::string name(host.substr(0, kMost));
    for (char& c : name)
        if (c <= ' ' || c > '~')
            c = '_';
    return name.empty() ? "-" : name;
}

}  // namespace

int syslog_level(detect::RuleSeverity severity) {
    switch (severity) {
        case detect::RuleSeverity::low:
            return 5;
        case detect::RuleSeverity::medium:
            return 4;
        case detect::RuleSeverity::high:
            return 3;
        case detect::RuleSeverity::critical:
            return 2;
    }
    return 4;
}

std::string local_syslog_header(int facility, detect::RuleSeverity severity, std::string_view tag) {
    return fmt::format("<{}>{} {}[{}]: ", priority(facility, severity), stamp(std::time(nullptr)),
                       tag, getpid());
}

std::string rfc5424_header(int facility, detect::RuleSeverity severity, std::int64_t wall_us,
                           std::string_view host, std::string_view tag) {
    return fmt::format("<{}>1 {} {} {} {} alert - ", priority(facility, severity), time_of(wall_us),
                       host_name(host), tag, getpid());
}

std::string octet_counted(std::string_view message) {
    return fmt::format("{} {}", message.size(), message);
}

}  // namespace audisp_eql::collector
