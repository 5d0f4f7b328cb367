// SPDX-License-Identifier: Apache-2.0
// What a descriptor of a process leads to: no record says it, /proc does, as long as the process
// lives and has not closed it. The answer comes as a message, which a capture repeats.
#include "collector/normalize/state.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::uint64_t key_of(std::int32_t pid, std::int32_t fd) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(pid)) << 32 |
           static_cast<std::uint32_t>(fd);
}

}  // namespace

void Normalizer::State::on_descriptor(DescriptorTarget&& target) {
    if (descriptors.size() >= kMaxDescriptors)
        descriptors.clear();
    Descriptor& known = descriptors[key_of(target.pid, target.fd)];
    known.inode = target.inode;
    known.path = std::move(target.path);
    known.fresh = true;
}

void Normalizer::State::ask_descriptor(std::int32_t pid, std::int32_t fd) {
    if (now_ns - descriptor_second_ns >= kNsPerSecond) {
        descriptor_second_ns = now_ns;
        descriptors_asked = 0;
    }
    if (++descriptors_asked > kMaxDescriptorsAsked) {
        ++counters.descriptors_not_asked;
        return;
    }
    const auto target = proc->descriptor(pid, fd);
    if (!target)
        return;
    const std::string text = to_text(*target);
    Message message{};
    message.kind = MessageKind::process;
    message.mono_ns = now_ns;
    message.bytes = text;
    if (learned)
        learned->on_message(message);
    on_process(message.bytes, message.mono_ns);
}

std::string_view Normalizer::State::path_of_descriptor(const SyscallFacts& facts, std::int32_t fd,
                                                       LeadsTo expected, std::uint64_t inode) {
    const std::uint64_t key = key_of(facts.syscall.pid, fd);
    const auto find = [&]() -> const Descriptor* {
        const auto found = descriptors.find(key);
        if (found == descriptors.end())
            return nullptr;
        const Descriptor& known = found->second;
        const bool told = known.inode != 0 && expected != LeadsTo::anything;
        const bool fits = !told                       ? known.fresh
                          : expected == LeadsTo::file ? known.inode == inode
                                                      : file_records.is_parent(known.inode);
        return fits ? &known : nullptr;
    };
    const Descriptor* known = find();
    if (!known && proc) {
        ask_descriptor(facts.syscall.pid, fd);
        known = find();
    }
    descriptors_used.push_back(key);
    return known ? std::string_view(known->path) : std::string_view{};
}

void Normalizer::State::end_descriptors() {
    for (const std::uint64_t key : descriptors_used)
        if (const auto found = descriptors.find(key); found != descriptors.end())
            found->second.fresh = false;
    descriptors_used.clear();
}

}  // namespace audisp_eql::collector
