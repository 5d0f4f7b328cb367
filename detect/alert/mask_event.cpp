// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <variant>

#include "detect/alert/mask.hpp"

namespace audisp_eql::detect {

namespace {

// "Basic " and eight characters; only a password in an address is shorter.
constexpr std::size_t kShortestSecret = 14;

// Half of the longer texts of an event are the ids of processes: no token is all hex and dashes.
bool is_entity_id(std::string_view text) {
    return text.size() == 36 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
           });
}

bool may_hold_token(const Value& value) {
    if (!value.is_text())
        return false;
    const std::string_view text = value.as_text();
    return text.size() >= kShortestSecret ? !is_entity_id(text)
                                          : text.find('@') != std::string_view::npos;
}

std::vector<std::string> texts_of(Values values) {
    std::vector<std::string> texts;
    for (const Value& value : values)
        texts.emplace_back(value.is_text() ? value.as_text() : std::string_view());
    return texts;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += word;
        out += ' ';
    }
    if (!out.empty())
        out.pop_back();
    return out;
}

std::vector<std::string> each(std::vector<std::string> texts,
                              std::string (*mask)(std::string_view)) {
    for (std::string& text : texts)
        text = mask(text);
    return texts;
}

class EventMask {
  public:
    EventMask(const Event& event, const FieldNames* fields)
        : event_(event), fields_(fields ? fields->size() : kKnownFields) {}

    // Null: nothing to mask.
    EventPtr run(CleanBlocks& clean) {
        for (std::size_t i = 0; i < kLayerCount; ++i)
            skipped_[i] = clean.has(block(i));
        for (std::size_t i = 0; i < fields_; ++i)
            look_at(static_cast<FieldId>(i));
        for (std::size_t i = 0; i < kLayerCount; ++i)
            if (block(i) && !skipped_[i] && !touched_[i])
                clean.add(block(i));
        if (changed_.empty())
            return nullptr;
        Event::Layers layers;
        for (std::size_t i = 0; i < kLayerCount; ++i) {
            const auto layer = static_cast<Layer>(i);
            layers[i] = touched_[i] ? rebuilt(layer) : event_.layer(layer);
        }
        return EventPtr(new Event(event_.time(), event_.origin(), layers, event_.kind()));
    }

  private:
    const BlockPtr& block(std::size_t layer) const {
        return event_.layer(static_cast<Layer>(layer));
    }

    void look_at(FieldId field) {
        const FieldPlace place = place_of(field);
        if (skipped_[static_cast<std::size_t>(place.layer)])
            return;
        const Values values = event_.values(field);
        if (std::none_of(values.begin(), values.end(),
                         is_command(place) ? is_text : may_hold_token))
            return;
        std::vector<std::string> before = texts_of(values);
        std::vector<std::string> after = masked(place, before);
        if (after == before)
            return;
        touched_[static_cast<std::size_t>(place.layer)] = true;
        changed_.emplace_back(field, std::move(after));
    }

    // What rules and input add may be anything.
    static bool is_known(FieldPlace place) {
        return static_cast<std::size_t>(place.stored) < kKnownFields;
    }
    static bool is_command(FieldPlace place) {
        return !is_known(place) || place.stored == FieldId::process_args ||
               place.stored == FieldId::process_env_vars ||
               place.stored == FieldId::process_command_line;
    }
    static bool is_text(const Value& value) { return value.is_text(); }

    std::vector<std::string> masked(FieldPlace place, const std::vector<std::string>& texts) {
        switch (place.stored) {
            case FieldId::process_args:
            case FieldId::process_env_vars:
                return mask_args(texts);
            case FieldId::process_command_line: {
                // A secret may hold blanks: the words tell where it ends.
                const BlockPtr& block = event_.layer(place.layer);
                const std::vector<std::string> args =
                    texts_of(block->values(FieldId::process_args));
                if (texts.size() == 1 && joined(args) == texts[0])
                    return {joined(mask_args(args))};
                return each(texts, mask_text);
            }
            default:
                break;
        }
        return each(texts, is_known(place) ? mask_tokens : mask_text);
    }

    BlockPtr rebuilt(Layer layer) const {
        BlockBuilder builder;
        for (std::size_t i = 0; i < fields_; ++i) {
            const auto field = static_cast<FieldId>(i);
            const FieldPlace place = place_of(field);
            const Values values = event_.values(field);
            if (place.layer != layer || values.empty())
                continue;
            const auto change = std::find_if(changed_.begin(), changed_.end(),
                                             [&](const auto& one) { return one.first == field; });
            if (change != changed_.end())
                set_texts(builder, place.stored, change->second);
            else if (std::all_of(values.begin(), values.end(),
                                 [](const Value& value) { return value.is_text(); }))
                set_texts(builder, place.stored, texts_of(values));
            else
                builder.set_literals(place.stored, values);  // numbers: they point at nothing
        }
        return builder.finish();
    }
    static void set_texts(BlockBuilder& builder, FieldId field,
                          const std::vector<std::string>& texts) {
        const std::vector<std::string_view> views(texts.begin(), texts.end());
        builder.set_texts(field, views);
    }

    const Event& event_;
    std::size_t fields_;
    std::array<bool, kLayerCount> skipped_{}, touched_{};
    std::vector<std::pair<FieldId, std::vector<std::string>>> changed_;
};

}  // namespace

EventPtr mask_event(const EventPtr& event, const FieldNames* fields) {
    CleanBlocks clean;
    EventPtr masked = EventMask(*event, fields).run(clean);
    return masked ? masked : event;
}

std::vector<JoinKey> mask_keys(std::vector<JoinKey> keys) {
    for (JoinKey& key : keys)
        if (auto* text = std::get_if<std::string>(&key))
            *text = mask_text(*text);
    return keys;
}

Match mask_match(const Match& match, const FieldNames* fields, CleanBlocks& clean) {
    Match masked = match;
    for (EventPtr& event : masked.events)
        if (EventPtr changed = event ? EventMask(*event, fields).run(clean) : nullptr)
            event = std::move(changed);
    masked.join_keys = mask_keys(std::move(masked.join_keys));
    return masked;
}

}  // namespace audisp_eql::detect
