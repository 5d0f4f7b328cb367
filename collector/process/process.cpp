// SPDX-License-Identifier: Apache-2.0
#include "collector/process/process.hpp"

#include <utility>

#include "collector/process/process_table.hpp"
#include "detect/event/pool.hpp"

namespace audisp_eql::collector {

namespace {

// `child`'s parent, with the image it had when it forked `child`.
detect::Ancestor parent_of(const Process& child) {
    const Process& process = *child.parent;
    detect::Ancestor ancestor;
    ancestor.pid = process.pid;
    ancestor.entity_id = process.entity_id.view();
    const detect::BlockPtr& then = child.parent_image->block;
    const detect::BlockPtr& block = then ? then : process.recorded_image->block;
    if (!block)
        return ancestor;
    ancestor.image = block;
    const detect::Values name = block->values(detect::FieldId::process_name);
    if (!name.empty())
        ancestor.name = name[0].as_text();
    for (const detect::Value& word : block->values(detect::FieldId::process_args))
        ancestor.args.emplace_back(word.as_text());
    return ancestor;
}

}  // namespace

void* Image::operator new(std::size_t size) {
    return detect::record_pool().allocate(size, alignof(Image));
}
void Image::operator delete(void* memory, std::size_t size) {
    detect::record_pool().deallocate(memory, size, alignof(Image));
}
void* Process::operator new(std::size_t size) {
    return detect::record_pool().allocate(size, alignof(Process));
}
void Process::operator delete(void* memory, std::size_t size) {
    detect::record_pool().deallocate(memory, size, alignof(Process));
}

void* Leader::operator new(std::size_t size) {
    return detect::record_pool().allocate(size, alignof(Leader));
}
void Leader::operator delete(void* memory, std::size_t size) {
    detect::record_pool().deallocate(memory, size, alignof(Leader));
}

Process::~Process() {
    if (as_leader) {
        as_leader->process = nullptr;
        as_leader->identity = std::move(identity);
        as_leader->image = recorded_image->block ? recorded_image->block : image->block;
    }
    // A chain of dead ancestors that only this process held goes one by one: destructors that call
    // each other would need as much stack as the chain is long.
    ProcessPtr next = std::move(parent);
    while (next && next->use_count() == 1) {
        ProcessPtr above = std::move(next->parent);
        next = std::move(above);
    }
}

std::vector<detect::Ancestor> ancestors_of(const Process& process) {
    std::vector<detect::Ancestor> ancestors;
    const Process* at = &process;
    for (; at->parent && ancestors.size() < ProcessTable::kMaxAncestry; at = at->parent.get())
        ancestors.push_back(parent_of(*at));
    return ancestors;
}

}  // namespace audisp_eql::collector
