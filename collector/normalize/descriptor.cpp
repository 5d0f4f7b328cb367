// SPDX-License-Identifier: Apache-2.0
// What a descriptor of a process leads to: no record says it, /proc does, as long as the process
// lives and has not closed it. The answer comes as a message, which a capture repeats. And how the
// kernel marks a module, which is asked for in the same way.
#include <utility>

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

bool Normalizer::State::may_ask() {
    if (now_ns - descriptor_second_ns >= kNsPerSecond) {
        descriptor_second_ns = now_ns;
        descriptors_asked = 0;
    }
    if (++descriptors_asked > kMaxDescriptorsAsked) {
        ++counters.descriptors_not_asked;
        return false;
    }
    return true;
}

void Normalizer::State::learn(const std::string& answer) {
    Message message{};
    message.kind = MessageKind::process;
    message.mono_ns = now_ns;
    message.bytes = answer;
    if (learned)
        learned->on_message(message);
    on_process(message.bytes, message.mono_ns);
}

void Normalizer::State::ask_descriptor(std::int32_t pid, std::int32_t fd) {
    if (!may_ask())
        return;
    if (const auto target = proc->descriptor(pid, fd))
        learn(to_text(*target));
}

void Normalizer::State::on_socket(SocketEnds&& ends) {
    if (told_sockets.size() >= kMaxDescriptors)
        told_sockets.clear();
    told_sockets[key_of(ends.pid, ends.fd)] = std::move(ends);
}

std::optional<SocketEnds> Normalizer::State::socket_of(const SyscallFacts& facts, std::int32_t fd) {
    const std::int32_t pid = facts.syscall.pid;
    if (proc && may_ask()) {
        ++counters.sockets_asked;
        if (const auto ends = proc->socket(pid, fd))
            learn(to_text(*ends));
        else
            ++counters.sockets_gone;
    }
    const auto told = told_sockets.find(key_of(pid, fd));
    if (told == told_sockets.end())
        return std::nullopt;
    std::optional ends = std::move(told->second);
    told_sockets.erase(told);
    return ends;
}

std::optional<ModuleTaint> Normalizer::State::module_named(std::string_view name) {
    if (proc)
        if (const auto taint = proc->module(name))
            learn(to_text(*taint));
    auto taint = std::exchange(told_module, std::nullopt);
    return taint && taint->name == name ? std::move(taint) : std::nullopt;
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
