// SPDX-License-Identifier: Apache-2.0
// Layer::image: what a process runs, from the records of its exec, from /proc, or from another
// record's exe=.
#include <algorithm>
#include <array>
#include <fcntl.h>

#include "collector/audit/record.hpp"
#include "collector/normalize/path.hpp"
#include "collector/normalize/state.hpp"
#include "collector/process/container.hpp"

namespace audisp_eql::collector {

using detect::BlockBuilder;
using detect::BlockPtr;
using detect::FieldId;

namespace {

// A few values of one field, without repeats.
class FewTexts {
  public:
    void add(const BlockBuilder& builder, BlockBuilder::Bytes bytes) {
        if (bytes.size == 0)
            return;
        const std::string_view text = builder.view(bytes);
        for (std::size_t i = 0; i < size_; ++i)
            if (builder.view(values_[i]) == text)
                return;
        values_[size_++] = bytes;
    }
    std::span<const BlockBuilder::Bytes> values() const { return std::span(values_).first(size_); }

  private:
    std::array<BlockBuilder::Bytes, 4> values_{};
    std::size_t size_ = 0;
};

BlockBuilder::Bytes base_of(const BlockBuilder& builder, BlockBuilder::Bytes path) {
    const auto size = static_cast<std::uint32_t>(base_name(builder.view(path)).size());
    return path.part(path.size - size, size);
}

// The path as audit or /proc gives it and its base name. A file of memfd_create(2) is
// "/memfd:NAME (deleted)" there; rules name it memfd:NAME.
BlockBuilder::Bytes add_program(BlockBuilder& builder, std::string_view path, FewTexts& executables,
                                FewTexts& names) {
    const auto exe = builder.append(path);
    executables.add(builder, exe);
    const auto memory_file = memory_file_of(path);
    if (!memory_file) {
        names.add(builder, base_of(builder, exe));
        return exe;
    }
    constexpr std::uint32_t kSlash = 1;
    const auto prefix = static_cast<std::uint32_t>(kMemoryFile.size()) - kSlash;
    const auto name = exe.part(kSlash, prefix + static_cast<std::uint32_t>(memory_file->size()));
    names.add(builder, exe.part(kSlash, exe.size - kSlash));
    executables.add(builder, name);
    names.add(builder, name);
    return exe;
}

// What the PATH, CWD and EXECVE records say of how the image was invoked.
struct Invocation {
    std::string_view directory;      // CWD record's body, empty if none
    PathRecord item0;                // item -1 if none
    bool interpreter_named = false;  // a later item has the name that stands in a0
};

Invocation read_invocation(const AuditEvent& event, std::string_view argument0,
                           std::string& buffer) {
    Invocation found;
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type == audit_type::kCwd) {
            found.directory = event.body(record);
        } else if (record.type == audit_type::kPath) {
            const auto path = parse_path_file(event.body(record));
            if (!path)
                continue;
            if (path->item == 0) {
                found.item0 = *path;
            } else if (!argument0.empty()) {
                decode(path->name, buffer);
                found.interpreter_named |= buffer == argument0;
            }
        }
    }
    return found;
}

// The path as it was named, made absolute. Empty where the records don't say: no name (fexecve), or
// relative to a directory descriptor that audit does not name.
void absolute_invoked(const SyscallFacts& facts, const PathRecord& item0,
                      std::string_view directory, std::string& out) {
    if (item0.item != 0) {
        out.clear();
        return;
    }
    decode(item0.name, out);
    if (out.empty())
        return;
    if (out.front() != '/') {
        const bool at_descriptor = facts.call.directory == 0 &&
                                   static_cast<std::int32_t>(facts.syscall.args[0]) != AT_FDCWD;
        if (at_descriptor || directory.empty() || directory.front() != '/') {
            out.clear();
            return;
        }
        make_absolute(directory, out);
        return;
    }
    normalise(out);
}

// A #! script: the kernel opens the script (PATH item 0), then the interpreter under the name that
// stands on the #! line (a further PATH item), and puts [interpreter, optional argument, script as
// named] in front of the arguments in place of the old a0 (load_script() in fs/binfmt_script.c; for
// a script whose interpreter is a script, twice). So a0 is the name of a later PATH item, and the
// name of item 0 is an argument. Of a program, a0 is whatever the caller chose and the later item
// is its loader.
bool is_script(const Arguments& arguments, bool interpreter_named, std::string_view item0_name) {
    if (!interpreter_named || item0_name.empty())
        return false;
    constexpr std::size_t kFurthest = 5;  // two levels with an optional argument each
    for (std::size_t i = 1; i < std::min(arguments.words.size(), kFurthest); ++i)
        if (arguments.word(i) == item0_name)
            return true;
    return false;
}

// As getopt(3) sees them, not knowing which options take an argument: a word that does not begin
// with a hyphen, and every word behind "--". A hyphen alone names the standard input.
std::int64_t operands_of(const Arguments& arguments) {
    std::int64_t count = 0;
    bool options = true;
    for (std::size_t i = 1; i < arguments.words.size(); ++i) {
        const std::string_view word = arguments.word(i);
        if (options && word == "--")
            options = false;
        else if (!options || !word.starts_with('-'))
            ++count;
    }
    return count;
}

// Program text in one word, in whatever language: blanks or line breaks between its tokens, and the
// punctuation that calls, blocks, assignments, redirections and pipelines are written with.
bool is_code(std::string_view word) {
    return word.find_first_of(" \t\n;") != std::string_view::npos &&
           word.find_first_of("(){}[];|&<>$=`\"'\n") != std::string_view::npos;
}

bool has_code(const Arguments& arguments) {
    for (std::size_t i = 1; i < arguments.words.size(); ++i)
        if (is_code(arguments.word(i)))
            return true;
    return false;
}

void put_arguments(BlockBuilder& builder, const Arguments& arguments,
                   std::vector<BlockBuilder::Bytes>& words) {
    const auto line = builder.append(arguments.command_line);
    builder.set_text(FieldId::process_command_line, line);
    words.clear();
    for (const Arguments::Word& word : arguments.words)
        words.push_back(line.part(word.offset, word.size));
    builder.set_texts(FieldId::process_args, words);
    builder.set_integer(FieldId::process_args_count, arguments.count);
    if (arguments.truncated)
        builder.set_boolean(FieldId::args_truncated, true);
    else
        builder.set_integer(FieldId::process_operands_count, operands_of(arguments));
    if (has_code(arguments))
        builder.set_boolean(FieldId::process_inline_code, true);
}

void copy_texts(BlockBuilder& builder, const detect::Block& from, FieldId field, FieldId to) {
    std::array<std::string_view, 3> texts;
    const detect::Values values = from.values(field);
    const std::size_t count = std::min(values.size(), texts.size());
    for (std::size_t i = 0; i < count; ++i)
        texts[i] = values[i].as_text();
    builder.set_texts(to, std::span(texts).first(count));
}

// What the process ran before, and what an exec does not change: its container, and what its paths
// are relative to, unless /proc was asked anew.
void put_previous(BlockBuilder& builder, const Image& previous, bool view) {
    if (!previous.block)
        return;
    copy_texts(builder, *previous.block, FieldId::process_executable,
               FieldId::process_previous_executable);
    for (const FieldId field :
         {FieldId::container_id, FieldId::container_runtime, FieldId::kubernetes_pod_uid})
        copy_texts(builder, *previous.block, field, field);
    if (view)
        copy_texts(builder, *previous.block, FieldId::process_view, FieldId::process_view);
}

}  // namespace

void Normalizer::State::put_program(std::string_view path) {
    FewTexts executables, names;
    add_program(builder, path, executables, names);
    builder.set_texts(FieldId::process_executable, executables.values());
    builder.set_texts(FieldId::process_name, names.values());
}

BlockPtr Normalizer::State::image_of_exec(const SyscallFacts& facts, Process& process,
                                          const ExecContext* context) {
    const bool have_arguments = decode_arguments(facts.event, arguments);
    const std::string_view argument0 =
        have_arguments && !arguments.words.empty() ? arguments.word(0) : std::string_view{};
    const Invocation invocation = read_invocation(facts.event, argument0, scratch);

    invoked_file = invocation.item0;
    FewTexts executables, names;
    decode(facts.syscall.exe, scratch);
    const auto exe = add_program(builder, scratch, executables, names);

    decode_directory(invocation.directory, scratch);
    if (!scratch.empty())
        builder.set_text(FieldId::process_working_directory, scratch);
    absolute_invoked(facts, invocation.item0, scratch, path_scratch);
    if (!path_scratch.empty() && path_scratch != builder.view(exe)) {
        const auto invoked = builder.append(path_scratch);
        executables.add(builder, invoked);
        names.add(builder, base_of(builder, invoked));
        decode(invocation.item0.name, scratch);
        if (is_script(arguments, have_arguments && invocation.interpreter_named, scratch)) {
            const auto interpreter = builder.append(argument0);
            names.add(builder, base_of(builder, interpreter));
        }
    }
    builder.set_texts(FieldId::process_executable, executables.values());
    builder.set_texts(FieldId::process_name, names.values());
    if (have_arguments)
        put_arguments(builder, arguments, word_scratch);
    put_previous(builder, *process.recorded_image, !context);
    // /proc knows; what the records say must be taken note of all the same.
    if (asked_for.of_exec.stdio && stdio_of_records(process) && !context)
        put_stdio(stdio_scratch, "audit");
    if (context)
        put_context(*context, is_late(*context, builder.view(exe)));
    return builder.finish();
}

BlockPtr Normalizer::State::image_of_snapshot(const ProcSnapshot& snapshot) {
    builder.set_literal(FieldId::image_source, "procfs");
    if (!snapshot.exe.empty())
        put_program(snapshot.exe);
    put_view(snapshot.foreign_mounts, snapshot.own_root);
    if (!snapshot.cwd.empty())
        builder.set_text(FieldId::process_working_directory, snapshot.cwd);
    if (!snapshot.cgroup.empty())
        put_container(snapshot.cgroup);
    if (!snapshot.args.empty()) {
        arguments.clear();
        for (const std::string& word : snapshot.args) {
            if (!arguments.words.empty())
                arguments.command_line += ' ';
            arguments.words.push_back({static_cast<std::uint32_t>(arguments.command_line.size()),
                                       static_cast<std::uint32_t>(word.size())});
            arguments.command_line += word;
        }
        arguments.count =
            std::max(snapshot.args_count, static_cast<std::int64_t>(snapshot.args.size()));
        arguments.truncated = arguments.count > static_cast<std::int64_t>(snapshot.args.size());
        put_arguments(builder, arguments, word_scratch);
    }
    return builder.finish();
}

bool Normalizer::State::shows(const Image& image, const SyscallFacts& facts) {
    if (!image.block)
        return false;
    const detect::Values executable = image.block->values(FieldId::process_executable);
    decode(facts.syscall.exe, scratch);
    return !executable.empty() && executable[0].as_text() == scratch;
}

void Normalizer::State::complete_image(Image& image, const SyscallFacts& facts) {
    // Audit is in order: an exec whose record did not come before this one will not be told.
    if (image.state != Image::State::unknown && image.state != Image::State::awaited)
        return;
    decode(facts.syscall.exe, scratch);
    if (scratch.empty())
        return;
    builder.set_literal(FieldId::image_source, "syscall");
    put_program(scratch);
    image.set_block(builder.finish());
    image.state = Image::State::partial;
    release_forks(image);
}

}  // namespace audisp_eql::collector
