// SPDX-License-Identifier: Apache-2.0
// Events of files: one for each call that succeeded. A call that failed changed nothing and makes
// none: rules ask what happened.
//
// - creation: a name was made, by open, mkdir, mknod, link or symlink.
// - modification: an existing regular file was truncated or opened for writing. What is written
//   then is not audited: an open for writing counts as the change.
// - open: an existing file was opened for reading only; a device, pipe or socket in any way.
// - rename, deletion, and changes of mode, owner, extended attributes and times.
#include <array>
#include <charconv>
#include <fcntl.h>

#include <linux/audit.h>
#include <sys/stat.h>

#include "collector/normalize/path.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::BlockBuilder;
using detect::FieldId;

namespace {

// asm-generic/fcntl.h; these have the same value on x86, arm and aarch64, whose audit records may
// be replayed here. O_TMPFILE adds O_DIRECTORY, which has not.
constexpr std::uint64_t kAccessMode = 03, kReadOnly = 0, kTruncate = 01000, kPathOnly = 010000000,
                        kNameless = 020000000;
constexpr std::uint64_t kCreatFlags = 01101;  // O_CREAT | O_WRONLY | O_TRUNC

constexpr std::uint32_t kPermissions = 07777;

std::optional<std::uint64_t> open_flags(const SyscallFacts& facts, const FileRecords& records) {
    if (facts.call.flags != Syscall::kNone)
        return facts.syscall.args[facts.call.flags];
    return facts.call.name == "creat" ? kCreatFlags : records.openat2_flags;
}

bool is_regular(const PathRecord& item) {
    return item.mode == 0 || S_ISREG(item.mode);
}

std::string_view type_of(std::uint32_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "file";
        case S_IFDIR:
            return "dir";
        case S_IFLNK:
            return "symlink";
        case S_IFIFO:
            return "fifo";
        case S_IFSOCK:
            return "socket";
        case S_IFCHR:
            return "char_device";
        case S_IFBLK:
            return "block_device";
        default:
            return {};
    }
}

// What a number looks like in a field of text.
class Digits {
  public:
    explicit Digits(std::uint64_t number) {
        end_ = std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr;
    }
    // "0644": the permission bits, at least four digits.
    static Digits octal(std::uint32_t mode) {
        Digits digits(0);
        char* at = digits.text_.data();
        for (int shift = 9; shift >= 0; shift -= 3)
            *at++ = static_cast<char>('0' + (mode >> shift & 7));
        digits.end_ = at;
        return digits;
    }
    operator std::string_view() const {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }

  private:
    std::array<char, 20> text_;
    const char* end_;
};

// The fields that show one path.
struct PathFields {
    FieldId path, name, extension;
};
constexpr PathFields kFile{FieldId::file_path, FieldId::file_name, FieldId::file_extension};
constexpr PathFields kOriginal{FieldId::file_ext_original_path, FieldId::file_ext_original_name,
                               FieldId::file_ext_original_extension};

void put_name(BlockBuilder& builder, const PathFields& fields, BlockBuilder::Bytes bytes) {
    const std::string_view text = builder.view(bytes);
    const std::string_view name = base_name(text);
    const auto name_size = static_cast<std::uint32_t>(name.size());
    const auto extension_size = static_cast<std::uint32_t>(extension_of(name).size());
    if (name_size != 0)
        builder.set_text(fields.name, bytes.part(bytes.size - name_size, name_size));
    if (extension_size != 0)
        builder.set_text(fields.extension, bytes.part(bytes.size - extension_size, extension_size));
}

// True if the event says which file it was.
bool put_path(BlockBuilder& builder, const PathFields& fields, const FileName& file) {
    if (file.text.empty())
        return false;
    const auto bytes = builder.append(file.text);
    put_name(builder, fields, bytes);
    if (file.source == FileName::Source::unknown)
        return true;
    builder.set_text(fields.path, bytes);
    return true;
}

void change_owner(const SyscallFacts& facts, std::uint32_t& uid, std::uint32_t& gid) {
    // The first chown of 32-bit architectures has ids of 16 bits; -1 leaves the id as it is.
    const std::string_view name = facts.call.name;
    const bool narrow =
        (facts.syscall.arch == AUDIT_ARCH_I386 || facts.syscall.arch == AUDIT_ARCH_ARM) &&
        (name == "chown" || name == "lchown" || name == "fchown");
    const std::uint32_t unchanged = narrow ? 0xffff : 0xffffffff;
    const auto new_uid =
        static_cast<std::uint32_t>(facts.syscall.args[facts.call.value]) & unchanged;
    const auto new_gid =
        static_cast<std::uint32_t>(facts.syscall.args[facts.call.value + 1]) & unchanged;
    if (new_uid != unchanged)
        uid = new_uid;
    if (new_gid != unchanged)
        gid = new_gid;
}

}  // namespace

void Normalizer::State::name_file(const SyscallFacts& facts, const PathRecord* item,
                                  std::int8_t directory, FileName& out) {
    out.source = FileName::Source::records;
    out.text.clear();
    if (item)
        decode(item->name, out.text);
    if (out.text.starts_with('/')) {
        normalise(out.text);
        return;
    }
    const bool at_descriptor = directory != Syscall::kNone &&
                               static_cast<std::int32_t>(facts.syscall.args[directory]) != AT_FDCWD;
    if (out.text.empty() || at_descriptor) {
        name_by_descriptor(facts, item, at_descriptor ? directory : Syscall::kNone, out);
        return;
    }
    decode_directory(file_records.cwd_body, scratch);
    if (scratch.starts_with('/'))
        make_absolute(scratch, out.text);
    else
        out.source = FileName::Source::unknown;
}

void Normalizer::State::name_by_descriptor(const SyscallFacts& facts, const PathRecord* item,
                                           std::int8_t directory, FileName& out) {
    const std::uint64_t inode = item ? item->inode : 0;
    // The file itself: what open made through a dangling link, or the descriptor of fchmod.
    if (out.text.empty()) {
        const bool opened = facts.call.operation == Operation::open;
        const std::int64_t fd = opened ? facts.syscall.exit
                                : directory != Syscall::kNone
                                    ? static_cast<std::int64_t>(facts.syscall.args[directory])
                                    : -1;
        if (fd >= 0)
            out.text = path_of_descriptor(facts, static_cast<std::int32_t>(fd),
                                          inode != 0 ? LeadsTo::file : LeadsTo::anything, inode);
    } else {
        // The directory whose inode is told is the name's, up to the last slash.
        const bool told = out.text.find('/') == std::string::npos && file_records.last("PARENT");
        const auto fd = static_cast<std::int32_t>(facts.syscall.args[directory]);
        const std::string_view path =
            path_of_descriptor(facts, fd, told ? LeadsTo::parent : LeadsTo::anything, 0);
        if (path.empty()) {
            out.source = FileName::Source::unknown;
            while (out.text.ends_with('/'))  // mkdirat(fd, "new/")
                out.text.pop_back();
            return;
        }
        make_absolute(path, out.text);
    }
    out.source = out.text.empty() ? FileName::Source::unknown : FileName::Source::procfs;
}

void Normalizer::State::emit_file(const SyscallFacts& facts, EventKind kind,
                                  const PathRecord* item) {
    const ProcessPtr process = process_of(facts);
    const ImagePtr image = processes.image_at(*process, facts.point);
    release_missed_images();
    complete_image(*image, facts);

    put_shape(kind, facts.time);
    put_credentials(process->credentials);
    put_syscall(facts);
    builder.set_literal(FieldId::event_outcome, "success");
    put_file(facts, item);
    ++counters.file;
    emit(facts.time, facts.origin(), *process, image->block);
}

void Normalizer::State::put_file(const SyscallFacts& facts, const PathRecord* item) {
    put_path(builder, kFile, file_name);
    if (file_name.source == FileName::Source::unknown) {
        if (!file_name.text.empty())
            builder.set_text(FieldId::file_name_as_given, file_name.text);
    } else if (const auto directory = directory_name(file_name.text);
               directory.size() < file_name.text.size()) {
        builder.set_text(FieldId::file_directory, directory);
    }
    if (file_name.source == FileName::Source::procfs)
        builder.set_literal(FieldId::file_path_source, "procfs");
    if (!original_name.text.empty())
        put_path(builder, kOriginal, original_name);
    if (!target_name.text.empty())
        builder.set_text(FieldId::file_target_path, target_name.text);
    if (item)
        put_attributes(facts, *item);
}

void Normalizer::State::put_inode(const PathRecord& item) {
    builder.set_text(FieldId::file_inode, Digits(item.inode));
    builder.set_text(FieldId::file_device, item.device);
}

void Normalizer::State::put_attributes(const SyscallFacts& facts, const PathRecord& item) {
    if (item.inode == 0 && item.mode == 0)
        return;
    put_inode(item);
    if (const std::string_view type = type_of(item.mode); !type.empty())
        builder.set_literal(FieldId::file_type, type);

    std::uint32_t mode = item.mode;
    std::uint32_t uid = item.uid;
    std::uint32_t gid = item.gid;
    if (facts.call.operation == Operation::change_mode) {
        builder.set_text(FieldId::file_ext_original_mode, Digits::octal(mode));
        mode = static_cast<std::uint32_t>(facts.syscall.args[facts.call.value]);
    } else if (facts.call.operation == Operation::change_owner) {
        put_account(users, uid, FieldId::file_ext_original_uid, FieldId::file_ext_original_owner);
        put_account(groups, gid, FieldId::file_ext_original_gid, FieldId::file_ext_original_group);
        change_owner(facts, uid, gid);
    }
    builder.set_text(FieldId::file_mode, Digits::octal(mode & kPermissions));
    put_account(users, uid, FieldId::file_uid, FieldId::file_owner);
    put_account(groups, gid, FieldId::file_gid, FieldId::file_group);
}

void Normalizer::State::on_open(const SyscallFacts& facts) {
    const auto flags = open_flags(facts, file_records);
    if (!flags) {
        ++counters.undecoded;
        return;
    }
    const PathRecord* const made = file_records.last("CREATE");
    const PathRecord* const item = made ? made : file_records.last("NORMAL");
    // A file without a name has no event until linkat gives it one; a descriptor of a mere path
    // opens nothing.
    if (!item || (*flags & (kPathOnly | kNameless)) != 0) {
        ++counters.ignored;
        return;
    }
    const bool writes = (*flags & kAccessMode) != kReadOnly || (*flags & kTruncate) != 0;
    const EventKind kind = made                          ? EventKind::file_creation
                           : writes && is_regular(*item) ? EventKind::file_modification
                                                         : EventKind::file_open;
    name_file(facts, item, facts.call.directory, file_name);
    emit_file(facts, kind, item);
}

void Normalizer::State::on_rename(const SyscallFacts& facts) {
    // An exchange is two renames.
    for (std::size_t n = 0; n < 2; ++n) {
        const PathRecord* const old_item = file_records.named("DELETE", n);
        const PathRecord* const new_item = file_records.named("CREATE", n);
        if (!old_item || !new_item) {
            counters.undecoded += n == 0 ? 1 : 0;
            return;
        }
        const std::int8_t from = n == 0 ? facts.call.directory : facts.call.second_directory;
        const std::int8_t to = n == 0 ? facts.call.second_directory : facts.call.directory;
        name_file(facts, old_item, from, original_name);
        name_file(facts, new_item, to, file_name);
        emit_file(facts, EventKind::file_rename, new_item);
    }
}

void Normalizer::State::on_link(const SyscallFacts& facts) {
    const PathRecord* const made = file_records.last("CREATE");
    if (!made) {
        ++counters.undecoded;
        return;
    }
    if (facts.call.operation == Operation::symlink) {
        name_file(facts, made, facts.call.directory, file_name);
        // The target's text begins at the link's directory.
        if (const PathRecord* const target = file_records.named("UNKNOWN"))
            decode(target->name, target_name.text);
        if (target_name.text.starts_with('/'))
            normalise(target_name.text);
        else if (!target_name.text.empty() && file_name.source != FileName::Source::unknown)
            make_absolute(directory_name(file_name.text), target_name.text);
        emit_file(facts, EventKind::symlink_creation, made);
        return;
    }
    name_file(facts, made, facts.call.second_directory, file_name);
    if (const PathRecord* const target = file_records.named("NORMAL")) {
        name_file(facts, target, facts.call.directory, target_name);
        if (target_name.source == FileName::Source::unknown)
            target_name.text.clear();
    }
    emit_file(facts, EventKind::link_creation, made);
}

void Normalizer::State::on_one_file(const SyscallFacts& facts, EventKind kind,
                                    std::string_view nametype) {
    const PathRecord* const item = file_records.last(nametype);
    // ftruncate and futimens have no item, but the descriptor.
    if (!item && (facts.call.directory == Syscall::kNone || nametype != "NORMAL")) {
        ++counters.undecoded;
        return;
    }
    name_file(facts, item, facts.call.directory, file_name);
    if (!item && file_name.text.empty()) {
        ++counters.files_unnamed;
        return;
    }
    emit_file(facts, kind, item);
}

void Normalizer::State::on_file(const SyscallFacts& facts) {
    file_records.read(facts.event);
    original_name.text.clear();
    target_name.text.clear();
    switch (facts.call.operation) {
        case Operation::open:
            on_open(facts);
            break;
        case Operation::rename:
            on_rename(facts);
            break;
        case Operation::link:
        case Operation::symlink:
            on_link(facts);
            break;
        case Operation::remove:
            on_one_file(facts, EventKind::file_deletion, "DELETE");
            break;
        case Operation::make_directory:
            on_one_file(facts, EventKind::directory_creation, "CREATE");
            break;
        case Operation::make_node:
            on_one_file(facts, EventKind::node_creation, "CREATE");
            break;
        case Operation::truncate:
            on_one_file(facts, EventKind::file_modification, "NORMAL");
            break;
        case Operation::change_mode:
            on_one_file(facts, EventKind::mode_change, "NORMAL");
            break;
        case Operation::change_owner:
            on_one_file(facts, EventKind::owner_change, "NORMAL");
            break;
        case Operation::change_attributes:
            on_one_file(facts, EventKind::attributes_change, "NORMAL");
            break;
        case Operation::change_times:
            on_one_file(facts, EventKind::times_change, "NORMAL");
            break;
        default:
            break;
    }
    end_descriptors();
}

}  // namespace audisp_eql::collector
