// SPDX-License-Identifier: Apache-2.0
// Alerts of any bytes in syslog's frames: what a receiver reads back is the messages, whole and no
// others, each of its header and one JSON document. The first byte of the input says how small an
// alert must be; the rest is split at newlines.
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>

#include "collector/forward/syslog_text.hpp"
#include "detect/alert/alert.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql;
using detect::Alert;

std::string quoted(std::string_view text) {
    std::string out;
    detect::append_json_string(out, text);
    return out;
}

Alert alert_of(const std::vector<std::string>& parts) {
    Alert alert;
    alert.id = "id";
    alert.message = parts[0];
    alert.rule_name = parts.back();
    alert.document.members = {{"message", quoted(parts[0])}, {"rule.name", quoted(parts.back())}};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        alert.document.members.push_back({"process.own_" + std::to_string(i), quoted(parts[i])});
        alert.document.sequence.push_back({{"process.args", detect::json_list(parts)}});
        alert.document.ancestry.push_back({{"args", detect::json_list(parts)}});
    }
    detect::settle(alert.document.members);
    alert.json = alert.document.text();
    return alert;
}

// RFC 6587, 3.4.1; the messages of a stream.
std::vector<std::string> frames_of(std::string_view stream) {
    std::vector<std::string> found;
    while (!stream.empty()) {
        std::size_t size = 0;
        const auto [end, error] =
            std::from_chars(stream.data(), stream.data() + stream.size(), size);
        FUZZ_CHECK(error == std::errc());
        stream.remove_prefix(static_cast<std::size_t>(end - stream.data()));
        FUZZ_CHECK(stream.starts_with(' ') && stream.size() > size);
        found.emplace_back(stream.substr(1, size));
        stream.remove_prefix(size + 1);
    }
    return found;
}

// RFC 5424, 6: six words of printable ASCII after the version, and no structured data.
std::string_view message_of(std::string_view frame) {
    FUZZ_CHECK(frame.starts_with('<'));
    for (int words = 0; words < 7; ++words) {
        const std::size_t end = frame.find(' ');
        FUZZ_CHECK(end != std::string_view::npos && end > 0);
        for (const char c : frame.substr(0, end))
            FUZZ_CHECK(c > ' ' && c <= '~');
        frame.remove_prefix(end + 1);
    }
    return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    std::vector<std::string> parts(1);
    for (std::size_t i = 1; i < size && parts.size() < 8; ++i) {
        if (data[i] == '\n')
            parts.emplace_back();
        else
            parts.back() += static_cast<char>(data[i]);
    }
    const Alert alert = alert_of(parts);
    const std::size_t limit = std::size_t{data[0]} * 32;
    std::string stream;
    std::vector<std::string> sent;
    for (const std::string& host : parts) {
        sent.push_back(collector::rfc5424_header(10, detect::RuleSeverity::high,
                                                 static_cast<std::int64_t>(size), host, "tag") +
                       detect::trim_alert(alert, limit));
        stream += collector::octet_counted(sent.back());
    }
    FUZZ_CHECK(frames_of(stream) == sent);
    for (const std::string& frame : sent) {
        const std::string_view json = message_of(frame);
        FUZZ_CHECK(json.size() <= std::max(limit, detect::kSmallestAlert));
        for (const char c : json)
            FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
        boost::system::error_code error;
        boost::json::parse(json, error);
        FUZZ_CHECK(!error);
    }
    return 0;
}
