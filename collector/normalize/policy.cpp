// SPDX-License-Identifier: Apache-2.0
// What a policy refused or the kernel ended: AppArmor's and SELinux's AVC, seccomp, and the
// abnormal end of a program. They stand beside the SYSCALL record that they happened in, or alone.
#include <algorithm>

#include <libaudit.h>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

// AppArmor's words for what it lets pass: profiles loaded (STATUS), what a profile asks to be told
// of (AUDIT). In complain mode a violation is ALLOWED.
bool is_violation(std::string_view verdict) {
    return verdict == "DENIED" || verdict == "ALLOWED" || verdict == "KILLED";
}

EventKind apparmor_kind(std::string_view body) {
    const std::string_view type = find_field(body, "class").value_or("");
    const std::string_view operation = find_field(body, "operation").value_or("");
    if (type == "net" || find_field(body, "sock_type"))
        return EventKind::apparmor_network;
    // The class stands in records since Linux 6.0; before it, a mask and a name tell a file.
    if (type == "file" || (type.empty() && operation != "capable" && find_field(body, "name") &&
                           find_field(body, "requested_mask")))
        return EventKind::apparmor_file;
    return EventKind::apparmor;
}

// "avc:  denied  { read write } for  pid=…": the words between the braces.
std::string_view permissions(std::string_view body) {
    const std::size_t open = body.find("{ ");
    const std::size_t close = body.find(" }", open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos || close <= open + 2)
        return {};
    return body.substr(open + 2, close - open - 2);
}

constexpr std::pair<FieldId, std::string_view> kPlain[] = {
    {FieldId::auditd_apparmor, "apparmor"}, {FieldId::auditd_operation, "operation"},
    {FieldId::auditd_class, "class"},       {FieldId::auditd_requested_mask, "requested_mask"},
    {FieldId::auditd_capname, "capname"},   {FieldId::auditd_denied_mask, "denied_mask"},
    {FieldId::auditd_scontext, "scontext"}, {FieldId::auditd_tcontext, "tcontext"},
    {FieldId::auditd_tclass, "tclass"},
};

}  // namespace

void Normalizer::State::emit_violation(EventKind kind, const SyscallFacts& facts,
                                       std::string_view body, bool refused) {
    const Actor actor = actor_of(facts);
    if (facts.is_call()) {
        put_call(kind, facts, *actor.process);
    } else {
        put_shape(kind, facts.time);
        put_credentials(actor.process->credentials);
    }
    builder.set_literal(FieldId::event_outcome, refused ? "failure" : "success");
    for (const auto& [field, key] : kPlain)
        put_plain(field, body, key);
    put_untrusted(FieldId::auditd_profile, body, "profile");
    put_untrusted(FieldId::auditd_name, body, "name");
    if (kind == EventKind::selinux)
        if (const auto words = permissions(body); !words.empty())
            builder.set_text(FieldId::auditd_permission, words);
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

// `facts` of the SYSCALL record beside it, or made from the record itself.
void Normalizer::State::on_avc(SyscallFacts& facts, std::string_view body) {
    EventKind kind = EventKind::selinux;
    bool refused = true;
    if (const auto verdict = find_field(body, "apparmor")) {
        if (!is_violation(*verdict))
            return;
        kind = apparmor_kind(body);
        refused = *verdict != "ALLOWED";
    } else {
        if (body.find("denied") == std::string_view::npos)
            return;
        refused = find_field(body, "permissive") != "1";
    }
    if (!wanted(kind)) {
        ++counters.ignored;
        return;
    }
    if (facts.time.wall_us == 0)
        date(facts, false);
    emit_violation(kind, facts, body, refused);
}

void Normalizer::State::on_side_records(SyscallFacts& facts) {
    for (const AuditEvent::Record& record : facts.event.records()) {
        if (record.type == audit_type::kAvc)
            on_avc(facts, facts.event.body(record));
        else if (record.type == audit_type::kLogin)
            on_login_id(facts, facts.event.body(record));
        else if (record.type == audit_type::kSeccomp || record.type == audit_type::kAnomAbend)
            on_lone_record(facts.event, record);
    }
}

bool Normalizer::State::on_lone_record(const AuditEvent& event, const AuditEvent::Record& record) {
    const std::uint16_t type = record.type;
    if (type != audit_type::kAvc && type != AUDIT_USER_AVC && type != audit_type::kLogin &&
        type != audit_type::kSeccomp && type != audit_type::kAnomAbend)
        return false;
    const std::string_view body = event.body(record);
    auto task = parse_task(body);
    if (!task) {
        ++counters.undecoded;
        return true;
    }
    task->number = -1;  // SECCOMP names the call that was refused
    task->ppid = 0;
    static constexpr Syscall kNoCall;
    SyscallFacts facts{event, *task, kNoCall, {}, {}};
    if (type == audit_type::kAvc || type == AUDIT_USER_AVC) {
        on_avc(facts, type == AUDIT_USER_AVC ? find_field(body, "msg").value_or("") : body);
        return true;
    }
    if (type == audit_type::kLogin) {
        on_login_id(facts, body);
        return true;
    }
    const bool seccomp = type == audit_type::kSeccomp;
    const EventKind kind = seccomp ? EventKind::seccomp : EventKind::crash;
    if (!wanted(kind)) {
        ++counters.ignored;
        return true;
    }
    date(facts, false);
    const Actor actor = actor_of(facts);
    put_shape(kind, facts.time);
    put_credentials(actor.process->credentials);
    builder.set_literal(FieldId::auditd_message_type, seccomp ? "seccomp" : "anom_abend");
    builder.set_literal(FieldId::event_outcome, "failure");
    put_plain(FieldId::auditd_sig, body, "sig");
    if (seccomp)
        put_refused_call(body);
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
    return true;
}

// A login program sets whose session it is: auid, for good.
void Normalizer::State::on_login_id(SyscallFacts& facts, std::string_view body) {
    if (!wanted(EventKind::login_id)) {
        ++counters.ignored;
        return;
    }
    const auto id = parse_decimal(find_field(body, "auid").value_or(""));
    const bool success = find_field(body, "res") == "1";
    if (!id || *id < 0 || *id > UINT32_MAX) {
        ++counters.undecoded;
        return;
    }
    date(facts, false);
    const Actor actor = actor_of(facts);
    put_shape(EventKind::login_id, facts.time);
    builder.set_literal(FieldId::auditd_message_type, "login");
    builder.set_literal(FieldId::event_outcome, success ? "success" : "failure");
    report_account.clear();
    put_login(*actor.process, static_cast<std::uint32_t>(*id));
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

void Normalizer::State::put_refused_call(std::string_view body) {
    const auto arch = parse_hex(find_field(body, "arch").value_or(""));
    const auto number = parse_decimal(find_field(body, "syscall").value_or(""));
    if (!arch || !number)
        return;
    const auto name =
        syscall_name(static_cast<std::uint32_t>(*arch), static_cast<std::int32_t>(*number));
    if (!name.empty())
        builder.set_literal(FieldId::auditd_syscall, name);
}

}  // namespace audisp_eql::collector
