// SPDX-License-Identifier: Apache-2.0
// Any bytes as what lies in the spool's directory. The first byte says what the rest is: the body
// of a record whose checksum is right, a file of the spool, or the positions. The spool opens,
// reads what is sound, and takes new alerts.
#include "collector/forward/spool.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <boost/crc.hpp>

#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;

struct Directory {
    Directory() {
        const char* const memory = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
        std::string name = std::string(memory) + "/fuzz-spool-XXXXXX";
        FUZZ_CHECK(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    void put(const char* name, std::string_view bytes) const {
        std::ofstream(path / name, std::ios::binary | std::ios::trunc) << bytes;
    }
    std::filesystem::path path;
};

std::string with_checksum(std::string_view body) {
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(body.data(), body.size());
    const auto size = static_cast<std::uint32_t>(body.size()), sum = crc.checksum();
    std::string record = "AEQ1";
    record.append(reinterpret_cast<const char*>(&size), sizeof size);
    record.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    return record.append(body);
}

std::size_t read_all(Spool& spool, std::string& last) {
    std::size_t count = 0;
    std::uint64_t before = 0;
    for (std::uint64_t number = spool.first(); const SpooledAlert* const alert = spool.next(number);
         number = alert->number + 1) {
        FUZZ_CHECK(alert->number >= number && (count == 0 || alert->number > before));
        before = alert->number;
        last = alert->alert.id;
        if (++count > 1000 || alert->number == UINT64_MAX)
            break;
    }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Directory directory;
    if (size == 0)
        return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string record = with_checksum(bytes);
    if (const auto alert = read_record(record)) {
        const std::string again = write_record(*alert);
        FUZZ_CHECK(read_record(again).has_value());
        FUZZ_CHECK(write_record(*read_record(again)) == again);
    }
    for (const auto& old : std::filesystem::directory_iterator(directory.path))
        std::filesystem::remove(old.path());
    switch (data[0] % 3) {
        case 0:
            directory.put("alerts-00000000000000000001.spool", record + record);
            break;
        case 1:
            directory.put("alerts-00000000000000000001.spool", bytes);
            break;
        default:
            directory.put("positions", bytes);
            break;
    }
    SpoolOptions options;
    options.directory = directory.path;
    {
        Spool spool(options, [](const std::string&) {});
        spool.join("x", true);
        std::string last;
        read_all(spool, last);
        detect::Alert alert;
        alert.id = "fresh";
        alert.json = "{}";
        spool.append(alert);
        FUZZ_CHECK(read_all(spool, last) >= 1);
        FUZZ_CHECK(last == "fresh");
    }
    Spool again(options, [](const std::string&) {});
    std::string last;
    read_all(again, last);
    FUZZ_CHECK(last == "fresh");
    return 0;
}
