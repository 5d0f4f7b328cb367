// SPDX-License-Identifier: Apache-2.0
#include "collector/process/descriptors.hpp"

#include <algorithm>

#include "collector/process/process.hpp"
#include "collector/process/process_table.hpp"
#include "detect/event/pool.hpp"

namespace audisp_eql::collector {

void KnownSocket::set_peer(std::string_view address, std::uint16_t port) {
    const std::size_t size = std::min(address.size(), ip.size() - 1);
    std::copy_n(address.data(), size, ip.data());
    ip[size] = '\0';
    peer_port = port;
}

void* DescriptorTable::operator new(std::size_t size) {
    return detect::record_pool().allocate(size, alignof(DescriptorTable));
}
void DescriptorTable::operator delete(void* memory, std::size_t size) {
    detect::record_pool().deallocate(memory, size, alignof(DescriptorTable));
}

const KnownSocket* DescriptorTable::find(std::int32_t fd) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [fd](const Entry& entry) { return entry.fd == fd; });
    return found == entries_.end() ? nullptr : &found->socket;
}

void DescriptorTable::forget(std::int32_t fd) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [fd](const Entry& entry) { return entry.fd == fd; });
    if (found != entries_.end())
        entries_.erase(found);
}

namespace {
bool is_standard(std::int32_t fd) {
    return fd >= 0 && fd < static_cast<std::int32_t>(ExecContext::kStandard);
}
}  // namespace

void DescriptorTable::set(std::int32_t fd, const KnownSocket& socket) {
    const KnownSocket copy = socket;  // it may be one of the entries
    forget(fd);
    if (entries_.size() == kMaxSockets)
        entries_.erase(std::find_if(entries_.begin(), entries_.end(),
                                    [](const Entry& entry) { return !is_standard(entry.fd); }));
    entries_.push_back({fd, copy});
}

void DescriptorTable::keep_standard() {
    const auto end = std::remove_if(entries_.begin(), entries_.end(),
                                    [](const Entry& entry) { return !is_standard(entry.fd); });
    entries_.erase(end, entries_.end());
}

bool DescriptorTable::has_others_than_standard() const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return !is_standard(entry.fd); });
}

bool DescriptorTable::talks() const {
    const KnownSocket* const input = find(0);
    const auto same = [input](const KnownSocket* other) {
        return other && other->number == input->number;
    };
    return input && (same(find(1)) || same(find(2)));
}

void settle_descriptors(Process& process) {
    if (process.descriptors_settled)
        return;
    // A generation beyond these has nothing to hand on that a reader would look for.
    std::array<Process*, ProcessTable::kMaxAncestry> waiting{};
    std::size_t count = 0;
    Process* at = &process;
    for (; at && !at->descriptors_settled && count < waiting.size(); at = at->parent.get())
        waiting[count++] = at;
    DescriptorTablePtr handed_on = at && at->descriptors_settled ? at->descriptors : nullptr;
    while (count > 0) {
        Process& next = *waiting[--count];
        next.descriptors = handed_on;
        next.descriptors_settled = true;
    }
}

const DescriptorTable* descriptors_of(Process& process) {
    settle_descriptors(process);
    return process.descriptors.get();
}

DescriptorTable& own_descriptors(Process& process) {
    settle_descriptors(process);
    DescriptorTablePtr& table = process.descriptors;
    if (!table)
        table = DescriptorTablePtr(new DescriptorTable);
    else if (table->use_count() > 1)
        table = DescriptorTablePtr(new DescriptorTable(*table));
    return *table;
}

}  // namespace audisp_eql::collector
