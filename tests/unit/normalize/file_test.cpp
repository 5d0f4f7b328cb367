// SPDX-License-Identifier: Apache-2.0
// Events of files, from records as Linux 6.18 wrote them for a program in /tmp/w whose descriptor 7
// is /tmp/w/sub and 8 is /tmp/w/other. Addresses and times are shortened.
#include <boost/test/unit_test.hpp>

#include "collector/normalize/path.hpp"
#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

constexpr std::uint64_t kWork = 6379, kSub = 6385, kOther = 6386;  // inodes

// What one system call left: the SYSCALL's own words, then the bodies of the other records.
struct Recorded {
    std::string call;  // "syscall=2 exit=3 a0=55 a1=241 a2=1a4 a3=0"
    std::vector<std::string> records;
    std::string arch = "c000003e";
    std::string cwd = "\"/tmp/w\"";
};

std::string item(int number, std::string_view name, std::uint64_t inode, std::string_view mode,
                 std::string_view nametype, int owner = 0) {
    return fmt::format(
        "PATH item={} name={} inode={} dev=fe:00 mode={} ouid={} ogid={} rdev=00:00 nametype={} "
        "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
        number, name, inode, mode, owner, owner, nametype);
}
std::string file(int number, std::string_view name, std::string_view nametype) {
    return item(number, fmt::format("\"{}\"", name), 6400, "0100644", nametype);
}
std::string parent(int number, std::string_view name, std::uint64_t inode) {
    return item(number, fmt::format("\"{}\"", name), inode, "040700", "PARENT");
}

std::string text_of(const Recorded& recorded, int serial = 7, bool success = true) {
    const std::string at = stamp(0, serial);
    std::string out = fmt::format(
        "type=SYSCALL msg={}: arch={} success={} {} items=2 ppid=1 pid=10 auid=1000 uid=1000 "
        "gid=1000 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"x\" "
        "exe=\"/usr/bin/x\" key=\"k\"\n",
        at, recorded.arch, success ? "yes" : "no", recorded.call);
    if (!recorded.cwd.empty())
        out += fmt::format("type=CWD msg={}: cwd={}\n", at, recorded.cwd);
    for (const std::string& record : recorded.records) {
        const std::size_t space = record.find(' ');
        out +=
            fmt::format("type={} msg={}:{}\n", record.substr(0, space), at, record.substr(space));
    }
    return out + fmt::format("type=PROCTITLE msg={}: proctitle=\"x\"\n", at);
}

std::string field(const detect::EventPtr& event, FieldId id) {
    return joined(event, id);
}

// "creation /tmp/w/a.txt"; further "was <original path>", "to <target>", "given <name>", "procfs".
std::string told(const detect::EventPtr& event) {
    std::string out(event->text(FieldId::event_action));
    const std::pair<FieldId, const char*> words[] = {
        {FieldId::file_path, " "},           {FieldId::file_ext_original_path, " was "},
        {FieldId::file_target_path, " to "}, {FieldId::file_name_as_given, " given "},
        {FieldId::file_path_source, " "},
    };
    for (const auto& [id, word] : words)
        if (const std::string value = field(event, id); !value.empty())
            out += word + value;
    return out;
}
// Beside the fork that is inferred for the process.
std::vector<detect::EventPtr> files_of(const Story& story) {
    std::vector<detect::EventPtr> files;
    for (const detect::EventPtr& event : story.events)
        if (field(event, FieldId::event_category) == "file")
            files.push_back(event);
    return files;
}
std::string told(const Story& story) {
    std::string out;
    for (const detect::EventPtr& event : files_of(story))
        out += (out.empty() ? "" : " | ") + told(event);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(each_call_on_files_makes_its_event) {
    const std::string in_work = parent(0, "/tmp/w", kWork);
    struct Row {
        const char* what;
        Recorded recorded;
        std::string told;
    };
    const Row rows[] = {
        {"open makes a file",
         {"syscall=2 exit=3 a0=55 a1=241 a2=1a4 a3=0", {in_work, file(1, "new.txt", "CREATE")}},
         "creation /tmp/w/new.txt"},
        {"open truncates a file that was there",
         {"syscall=2 exit=3 a0=55 a1=241 a2=1a4 a3=0", {file(0, "new.txt", "NORMAL")}},
         "modification /tmp/w/new.txt"},
        {"open to read and truncate",
         {"syscall=2 exit=3 a0=55 a1=200 a2=0 a3=0", {file(0, "new.txt", "NORMAL")}},
         "modification /tmp/w/new.txt"},
        {"open to read",
         {"syscall=2 exit=3 a0=55 a1=0 a2=0 a3=0", {file(0, "/etc/shadow", "NORMAL")}},
         "open /etc/shadow"},
        {"open to append",
         {"syscall=2 exit=6 a0=55 a1=402 a2=0 a3=0", {file(0, "./sub/..//new.txt", "NORMAL")}},
         "modification /tmp/w/new.txt"},
        {"a device is not modified",
         {"syscall=257 exit=3 a0=ffffff9c a1=55 a2=2 a3=0",
          {item(0, "\"/dev/null\"", 4, "020666", "NORMAL")}},
         "open /dev/null"},
        {"a descriptor of a mere path opens nothing",
         {"syscall=2 exit=8 a0=55 a1=210000 a2=0 a3=0",
          {item(0, "\"other\"", kOther, "040755", "NORMAL")}},
         ""},
        {"a directory",
         {"syscall=2 exit=8 a0=55 a1=10000 a2=0 a3=0",
          {item(0, "\"other\"", kOther, "040755", "NORMAL")}},
         "open /tmp/w/other"},
        {"a file without a name",
         {"syscall=2 exit=18 a0=55 a1=410002 a2=180 a3=0",
          {item(0, "\".\"", 6398, "0100600", "NORMAL")}},
         ""},
        {"and the name it gets",
         {"syscall=265 exit=0 a0=ffffff9c a1=7f a2=ffffff9c a3=55",
          {in_work, item(1, "\"/proc/self/fd/18\"", 6398, "0100600", "NORMAL"),
           item(2, "\"fromtmp.txt\"", 6398, "0100600", "CREATE")}},
         "creation /tmp/w/fromtmp.txt to /proc/self/fd/18"},
        {"openat2 has its flags in a record",
         {"syscall=437 exit=12 a0=ffffff9c a1=55 a2=7f a3=18",
          {"OPENAT2 oflag=0102 mode=0600 resolve=0x0", in_work, file(1, "two.txt", "CREATE")}},
         "creation /tmp/w/two.txt"},
        {"openat2 to read",
         {"syscall=437 exit=12 a0=ffffff9c a1=55 a2=7f a3=18",
          {"OPENAT2 oflag=00 mode=00 resolve=0x0", file(0, "two.txt", "NORMAL")}},
         "open /tmp/w/two.txt"},
        {"creat of a file that was there",
         {"syscall=85 exit=14 a0=55 a1=1a4 a2=0 a3=0", {file(0, "creat.txt", "NORMAL")}},
         "modification /tmp/w/creat.txt"},
        {"an absolute name beside a descriptor",
         {"syscall=257 exit=21 a0=7 a1=55 a2=0 a3=0", {file(0, "/etc/passwd", "NORMAL")}},
         "open /etc/passwd"},
        {"names in hexadecimal",
         {"syscall=2 exit=20 a0=55 a1=41 a2=1a4 a3=0",
          {in_work, item(1, "776974682073706163652E747874", 6399, "0100644", "CREATE")}},
         "creation /tmp/w/with space.txt"},
        {"a directory that is gone",
         {"syscall=84 exit=0 a0=55 a1=0 a2=7f a3=0",
          {parent(0, "../", kSub), item(1, "\"../gone\"", 6391, "040700", "DELETE")},
          "c000003e",
          "2F746D702F772F7375622F676F6E65202864656C6574656429"},  // /tmp/w/sub/gone (deleted)
         "deletion /tmp/w/sub/gone"},
        {"no CWD record: what a name is relative to is not known",
         {"syscall=2 exit=3 a0=55 a1=0 a2=0 a3=0", {file(0, "x.txt", "NORMAL")}, "c000003e", ""},
         "open given x.txt"},
        {"truncate",
         {"syscall=76 exit=0 a0=55 a1=5 a2=0 a3=0", {file(0, "creat.txt", "NORMAL")}},
         "modification /tmp/w/creat.txt"},
        {"rename",
         {"syscall=82 exit=0 a0=55 a1=56 a2=0 a3=0",
          {in_work, parent(1, "/tmp/w", kWork), file(2, "creat.txt", "DELETE"),
           file(3, "renamed.txt", "CREATE")}},
         "rename /tmp/w/renamed.txt was /tmp/w/creat.txt"},
        {"rename over a file that was there",
         {"syscall=82 exit=0 a0=55 a1=56 a2=0 a3=0",
          {in_work, parent(1, "/tmp/w", kWork), file(2, "renamed.txt", "DELETE"),
           file(3, "two.txt", "DELETE"), file(4, "two.txt", "CREATE")}},
         "rename /tmp/w/two.txt was /tmp/w/renamed.txt"},
        {"rename into another directory: its parent comes first",
         {"syscall=82 exit=0 a0=55 a1=56 a2=0 a3=0",
          {parent(0, "sub/", kSub), parent(1, "/tmp/w", kWork), file(2, "two.txt", "DELETE"),
           file(3, "sub/three.txt", "CREATE")}},
         "rename /tmp/w/sub/three.txt was /tmp/w/two.txt"},
        {"an exchange is two",
         {"syscall=316 exit=0 a0=ffffff9c a1=55 a2=ffffff9c a3=56",
          {parent(0, "other/", kOther), parent(1, "/tmp/w", kWork), file(2, "a.txt", "DELETE"),
           file(3, "other/b.txt", "DELETE"), file(4, "other/b.txt", "CREATE"),
           file(5, "a.txt", "CREATE")}},
         "rename /tmp/w/other/b.txt was /tmp/w/a.txt | rename /tmp/w/a.txt was /tmp/w/other/b.txt"},
        {"overlayfs: an exchange, with items of the file system below",
         {"syscall=316 exit=0 a0=ffffff9c a1=55 a2=ffffff9c a3=56",
          {parent(0, "/tmp/w", kWork), parent(1, "/tmp/w", kWork), file(2, "a.txt", "DELETE"),
           file(3, "b.txt", "DELETE"), item(4, "(null)", kWork, "040755", "PARENT"),
           item(7, "(null)", 13, "0100644", "CREATE"), item(9, "(null)", 16, "0100644", "CREATE"),
           file(10, "b.txt", "CREATE"), file(11, "a.txt", "CREATE")}},
         "rename /tmp/w/b.txt was /tmp/w/a.txt | rename /tmp/w/a.txt was /tmp/w/b.txt"},
        {"overlayfs: a new directory",
         {"syscall=83 exit=0 a0=55 a1=1ed a2=0 a3=0",
          {in_work, item(1, "\"sub\"", kSub, "040755", "CREATE"),
           item(2, "(null)", kWork, "040755", "PARENT"),
           item(3, "(null)", kSub, "040755", "CREATE")}},
         "creation /tmp/w/sub"},
        {"unlink",
         {"syscall=87 exit=0 a0=55 a1=0 a2=0 a3=0", {in_work, file(1, "hard.txt", "DELETE")}},
         "deletion /tmp/w/hard.txt"},
        {"unlinkat of a directory",
         {"syscall=263 exit=0 a0=ffffff9c a1=55 a2=200 a3=0",
          {in_work, item(1, "\"deep/\"", 6391, "040700", "DELETE")}},
         "deletion /tmp/w/deep"},
        {"mkdir",
         {"syscall=83 exit=0 a0=55 a1=1ed a2=0 a3=0",
          {in_work, item(1, "\"sub\"", kSub, "040755", "CREATE")}},
         "creation /tmp/w/sub"},
        {"mknod",
         {"syscall=133 exit=0 a0=55 a1=1180 a2=0 a3=0",
          {in_work, item(1, "\"fifo\"", 6396, "010600", "CREATE")}},
         "creation /tmp/w/fifo"},
        {"link",
         {"syscall=86 exit=0 a0=55 a1=56 a2=0 a3=0",
          {in_work, file(1, "new.txt", "NORMAL"), file(2, "hard.txt", "CREATE")}},
         "creation /tmp/w/hard.txt to /tmp/w/new.txt"},
        {"symlink",
         {"syscall=88 exit=0 a0=55 a1=56 a2=0 a3=0",
          {in_work, "PATH item=1 name=\"/etc/passwd\" nametype=UNKNOWN cap_fp=0",
           item(2, "\"soft\"", 6392, "0120777", "CREATE")}},
         "creation /tmp/w/soft to /etc/passwd"},
        {"the target of a symlink begins at the link",
         {"syscall=88 exit=0 a0=55 a1=56 a2=0 a3=0",
          {parent(0, "sub/", kSub), "PATH item=1 name=\"../new.txt\" nametype=UNKNOWN cap_fp=0",
           item(2, "\"sub/soft\"", 6392, "0120777", "CREATE")}},
         "creation /tmp/w/sub/soft to /tmp/w/new.txt"},
        {"chmod",
         {"syscall=90 exit=0 a0=55 a1=1ed a2=0 a3=0", {file(0, "new.txt", "NORMAL")}},
         "changed-file-permissions-of /tmp/w/new.txt"},
        {"chown",
         {"syscall=92 exit=0 a0=55 a1=2 a2=2 a3=0", {file(0, "new.txt", "NORMAL")}},
         "changed-file-ownership-of /tmp/w/new.txt"},
        {"setxattr",
         {"syscall=188 exit=0 a0=55 a1=56 a2=57 a3=1", {file(0, "new.txt", "NORMAL")}},
         "changed-file-attributes-of /tmp/w/new.txt"},
        {"utimensat",
         {"syscall=280 exit=0 a0=ffffff9c a1=55 a2=7f a3=0", {file(0, "new.txt", "NORMAL")}},
         "changed-timestamp-of /tmp/w/new.txt"},
        {"int 0x80: open",
         {"syscall=5 exit=23 a0=40547000 a1=41 a2=1a4 a3=0",
          {in_work, file(1, "i386.txt", "CREATE")},
          "40000003"},
         "creation /tmp/w/i386.txt"},
        {"int 0x80: AT_FDCWD has the width of a register",
         {"syscall=295 exit=24 a0=ffffffffffffff9c a1=4054701c a2=2 a3=0",
          {file(0, "i386b.txt", "NORMAL")},
          "40000003"},
         "modification /tmp/w/i386b.txt"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            Story story;
            story.lines(text_of(row.recorded));
            BOOST_TEST(told(story) == row.told);
            Story failed;
            failed.lines(text_of(row.recorded, 7, false));
            BOOST_TEST(told(failed) == "");
        }
    }
}

BOOST_AUTO_TEST_CASE(fields_of_a_file) {
    Story story;
    story.lines(
        "type=USER msg=capture(1): uid=4 name=sync\n"
        "type=GROUP msg=capture(1): gid=4 name=adm\n");
    story.lines(text_of(
        {"syscall=2 exit=3 a0=55 a1=241 a2=1a4 a3=0",
         {parent(0, "/tmp/w", kWork), item(1, "\"a.tar.gz\"", 6400, "0104755", "CREATE", 4)}}));
    const std::vector<detect::EventPtr> files = files_of(story);
    BOOST_REQUIRE(files.size() == 1U);
    const detect::EventPtr& event = files[0];
    const std::pair<FieldId, const char*> rows[] = {
        {FieldId::event_category, "file"},
        {FieldId::event_outcome, "success"},
        {FieldId::file_path, "/tmp/w/a.tar.gz"},
        {FieldId::file_directory, "/tmp/w"},
        {FieldId::file_name, "a.tar.gz"},
        {FieldId::file_extension, "gz"},
        {FieldId::file_inode, "6400"},
        {FieldId::file_device, "fe:00"},
        {FieldId::file_mode, "4755"},
        {FieldId::file_type, "file"},
        {FieldId::file_uid, "4"},
        {FieldId::file_owner, "sync"},
        {FieldId::file_gid, "4"},
        {FieldId::file_group, "adm"},
        {FieldId::file_name_as_given, ""},
        {FieldId::process_pid, "10"},
        {FieldId::process_executable, "/usr/bin/x"},
        {FieldId::user_id, "0"},
        {FieldId::user_ext_real_id, "1000"},
        {FieldId::auditd_syscall, "open"},
    };
    for (const auto& [id, value] : rows)
        BOOST_TEST(field(event, id) == value);
    BOOST_TEST(story.normalizer.counters().file == 1U);
}

BOOST_AUTO_TEST_CASE(a_change_shows_what_was_before) {
    struct Row {
        const char* call;
        const char* arch;
        const char* shown;  // mode, uid, gid; and those before
    };
    const Row rows[] = {
        {"syscall=90 exit=0 a0=55 a1=9ed a2=0 a3=0", "c000003e", "4755 4 4, before 0644  "},
        {"syscall=268 exit=0 a0=ffffff9c a1=55 a2=1c0 a3=0", "c000003e", "0700 4 4, before 0644  "},
        {"syscall=92 exit=0 a0=55 a1=0 a2=ffffffff a3=0", "c000003e", "0644 0 4, before  4 4"},
        {"syscall=260 exit=0 a0=ffffff9c a1=55 a2=ffffffff a3=7", "c000003e",
         "0644 4 7, before  4 4"},
        {"syscall=182 exit=0 a0=55 a1=ffff a2=7 a3=0", "40000003", "0644 4 7, before  4 4"},
        {"syscall=212 exit=0 a0=55 a1=ffff a2=7 a3=0", "40000003", "0644 65535 7, before  4 4"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.call) {
            Story story;
            story.lines(
                text_of({row.call, {item(0, "\"x\"", 6400, "0100644", "NORMAL", 4)}, row.arch}));
            const std::vector<detect::EventPtr> files = files_of(story);
            BOOST_REQUIRE(files.size() == 1U);
            const detect::EventPtr& event = files[0];
            BOOST_TEST(fmt::format("{} {} {}, before {} {} {}", field(event, FieldId::file_mode),
                                   field(event, FieldId::file_uid), field(event, FieldId::file_gid),
                                   field(event, FieldId::file_ext_original_mode),
                                   field(event, FieldId::file_ext_original_uid),
                                   field(event, FieldId::file_ext_original_gid)) == row.shown);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_descriptor_is_looked_up) {
    struct Row {
        const char* what;
        Recorded recorded;
        DescriptorTarget target;
        std::string told;
        std::string unanswered;
    };
    // The record's name of the PARENT is the current directory, whatever the descriptor is.
    const Recorded made{"syscall=257 exit=9 a0=7 a1=55 a2=41 a3=1a4",
                        {parent(0, "/tmp/w", kSub), file(1, "at.txt", "CREATE")}};
    const Row rows[] = {
        {"the directory of a new file",
         made,
         {10, 7, kSub, "/tmp/w/sub"},
         "creation /tmp/w/sub/at.txt procfs",
         "creation given at.txt"},
        {"a descriptor that is another file by now",
         made,
         {10, 7, kOther, "/tmp/w/other"},
         "creation given at.txt",
         "creation given at.txt"},
        {"a kernel that does not tell the inode",
         made,
         {10, 7, 0, "/tmp/w/sub"},
         "creation /tmp/w/sub/at.txt procfs",
         "creation given at.txt"},
        {"a file that was there: nothing tells its directory",
         {"syscall=257 exit=10 a0=7 a1=55 a2=2 a3=0", {file(0, "at.txt", "NORMAL")}},
         {10, 7, kSub, "/tmp/w/sub"},
         "modification /tmp/w/sub/at.txt procfs",
         "modification given at.txt"},
        {"up from the descriptor: PARENT is another directory",
         {"syscall=257 exit=11 a0=7 a1=55 a2=41 a3=1a4",
          {parent(0, "../", kWork), file(1, "../up.txt", "CREATE")}},
         {10, 7, kSub, "/tmp/w/sub"},
         "creation /tmp/w/up.txt procfs",
         "creation given ../up.txt"},
        {"fchmod",
         {"syscall=91 exit=0 a0=3 a1=180 a2=0 a3=0",
          {item(0, "(null)", 6400, "0100644", "NORMAL")}},
         {10, 3, 6400, "/tmp/w/new.txt"},
         "changed-file-permissions-of /tmp/w/new.txt procfs",
         "changed-file-permissions-of"},
        {"an empty name with AT_EMPTY_PATH",
         {"syscall=452 exit=0 a0=3 a1=55 a2=1c9 a3=1000",
          {item(0, "\"\"", 6400, "0100644", "NORMAL")}},
         {10, 3, 6400, "/tmp/w/new.txt"},
         "changed-file-permissions-of /tmp/w/new.txt procfs",
         "changed-file-permissions-of"},
        {"ftruncate has no PATH",
         {"syscall=77 exit=0 a0=3 a1=a a2=0 a3=0", {}},
         {10, 3, 6400, "/tmp/w/new.txt"},
         "modification /tmp/w/new.txt procfs",
         ""},
        {"open through a dangling link: the new descriptor leads to the file",
         {"syscall=2 exit=17 a0=55 a1=41 a2=1a4 a3=0",
          {parent(0, "/tmp/w", kWork), item(1, "(null)", kWork, "040700", "PARENT"),
           "PATH item=2 name=(null) nametype=CREATE cap_fp=0",
           item(3, "(null)", kWork, "040700", "PARENT"),
           item(4, "(null)", 6395, "0100644", "CREATE")}},
         {10, 17, 6395, "/tmp/w/missing.txt"},
         "creation /tmp/w/missing.txt procfs",
         "creation"},
        {"unlinkat",
         {"syscall=263 exit=0 a0=7 a1=55 a2=0 a3=0",
          {parent(0, "/tmp/w", kSub), file(1, "hard2.txt", "DELETE")}},
         {10, 7, kSub, "/tmp/w/sub"},
         "deletion /tmp/w/sub/hard2.txt procfs",
         "deletion given hard2.txt"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            FakeProcReader proc;
            proc.descriptors[{row.target.pid, row.target.fd}] = row.target;
            Story live(&proc);
            live.lines(text_of(row.recorded));
            BOOST_TEST(told(live) == row.told);

            // A capture holds the answer before the record that asked.
            BOOST_REQUIRE(live.learned.size() == 1U);
            Story replayed;
            replayed.lines("type=PROC msg=proc(1): " + live.learned[0] + "\n" +
                           text_of(row.recorded));
            BOOST_TEST(told(replayed) == row.told);

            Story unanswered;
            unanswered.lines(text_of(row.recorded));
            BOOST_TEST(told(unanswered) == row.unanswered);
        }
    }
}

BOOST_AUTO_TEST_CASE(two_descriptors_of_one_call) {
    const Recorded recorded{"syscall=264 exit=0 a0=7 a1=55 a2=8 a3=56",
                            {parent(0, "/tmp/w", kOther), parent(1, "/tmp/w", kSub),
                             file(2, "three.txt", "DELETE"), file(3, "four.txt", "CREATE")}};
    FakeProcReader proc;
    proc.descriptors[{10, 7}] = {10, 7, kSub, "/tmp/w/sub"};
    proc.descriptors[{10, 8}] = {10, 8, kOther, "/tmp/w/other"};
    Story story(&proc);
    story.lines(text_of(recorded));
    BOOST_TEST(told(story) == "rename /tmp/w/other/four.txt was /tmp/w/sub/three.txt procfs");
    proc.descriptors.erase({10, 8});
    Story half(&proc);
    half.lines(text_of(recorded));
    BOOST_TEST(told(half) == "rename was /tmp/w/sub/three.txt given four.txt");
    BOOST_TEST(field(files_of(half).at(0), FieldId::file_name) == "four.txt");
}

// rm -r asks once for a directory, as long as the records say that it is still the same.
BOOST_AUTO_TEST_CASE(a_descriptor_is_asked_again_when_it_may_have_changed) {
    FakeProcReader proc;
    proc.descriptors[{10, 7}] = {10, 7, kSub, "/tmp/w/sub"};
    Story story(&proc);
    const auto unlink = [&](std::uint64_t inode, int serial) {
        story.lines(text_of({"syscall=263 exit=0 a0=7 a1=55 a2=0 a3=0",
                             {parent(0, "/tmp/w", inode), file(1, "x", "DELETE")}},
                            serial));
    };
    const auto open = [&](int serial) {
        story.lines(text_of({"syscall=257 exit=10 a0=7 a1=55 a2=2 a3=0", {file(0, "x", "NORMAL")}},
                            serial));
    };
    unlink(kSub, 1);
    unlink(kSub, 2);
    BOOST_TEST(proc.descriptors_asked == 1);
    open(3);
    open(4);
    BOOST_TEST(proc.descriptors_asked == 3);
    proc.descriptors[{10, 7}] = {10, 7, kOther, "/tmp/w/other"};
    unlink(kOther, 5);
    BOOST_TEST(proc.descriptors_asked == 4);
    BOOST_TEST(told(files_of(story).back()) == "deletion /tmp/w/other/x procfs");
    BOOST_TEST(files_of(story).size() == 5U);
}

BOOST_AUTO_TEST_CASE(questions_for_descriptors_are_bounded) {
    FakeProcReader proc;
    Story story(&proc);
    const std::string opened =
        text_of({"syscall=257 exit=10 a0=7 a1=55 a2=2 a3=0", {file(0, "x", "NORMAL")}});
    constexpr int kMost = Normalizer::kMaxDescriptorsAsked;
    for (int n = 0; n < kMost + 10; ++n)
        story.lines(opened);
    BOOST_TEST(proc.descriptors_asked == kMost);
    BOOST_TEST(story.normalizer.counters().descriptors_not_asked == 10U);
    story.normalizer.advance(1'000'000'000);
    story.lines(opened);
    BOOST_TEST(proc.descriptors_asked == kMost + 1);
}

BOOST_AUTO_TEST_CASE(files_that_nobody_asks_for_make_no_event) {
    Story story;
    story.normalizer.set_files_wanted(false);
    story.lines(text_of({"syscall=2 exit=3 a0=55 a1=0 a2=0 a3=0", {file(0, "/x", "NORMAL")}}));
    BOOST_TEST(story.events.empty());
    BOOST_TEST(story.normalizer.counters().ignored == 1U);
}

BOOST_AUTO_TEST_CASE(paths_are_put_together_by_text) {
    const std::tuple<const char*, const char*, const char*> joins[] = {
        {"/a", "b", "/a/b"},         {"/a/b", "../c", "/a/c"}, {"/", "x", "/x"},
        {"/a", "./b//c/", "/a/b/c"}, {"/", "../..", "/"},      {"/a", "..", "/"},
    };
    for (const auto& [directory, name, path] : joins) {
        std::string text = name;
        make_absolute(directory, text);
        BOOST_TEST(text == path);
    }
    const std::tuple<const char*, const char*, const char*, const char*> parts[] = {
        {"/a/b.c", "/a", "b.c", "c"},
        {"/b", "/", "b", ""},
        {"/", "/", "", ""},
        {"b.tar.gz", "", "b.tar.gz", "gz"},
        {"/a/.bashrc", "/a", ".bashrc", ""},
        {"/a/x.", "/a", "x.", ""},
    };
    for (const auto& [path, directory, name, extension] : parts) {
        BOOST_TEST(directory_name(path) == directory);
        BOOST_TEST(base_name(path) == name);
        BOOST_TEST(extension_of(base_name(path)) == extension);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
