// SPDX-License-Identifier: Apache-2.0
// What programs report to audit: logins (sshd, login, PAM), changes of accounts (shadow-utils). The
// kernel says who sent the report (pid, uid, auid); all that stands in msg='…' is the program's
// word, and any program with CAP_AUDIT_WRITE may send one.
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <boost/container_hash/hash.hpp>
#include <libaudit.h>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

// The account stands for whom the event is about: the one that logs in, or the one that is changed.
enum class Subject : std::uint8_t { login, user, group };

struct ReportType {
    std::uint16_t type;
    EventKind kind;
    Subject subject;
    std::string_view name;  // as auditbeat spells the record's type
};
constexpr ReportType kTypes[] = {
    {AUDIT_USER_AUTH, EventKind::authenticated, Subject::login, "user_auth"},
    {AUDIT_USER_ACCT, EventKind::authorized, Subject::login, "user_acct"},
    {AUDIT_USER_MGMT, EventKind::user_modified, Subject::user, "user_mgmt"},
    {AUDIT_CRED_ACQ, EventKind::credentials_acquired, Subject::login, "cred_acq"},
    {AUDIT_CRED_DISP, EventKind::credentials_disposed, Subject::login, "cred_disp"},
    {AUDIT_USER_START, EventKind::session_start, Subject::login, "user_start"},
    {AUDIT_USER_END, EventKind::session_end, Subject::login, "user_end"},
    {AUDIT_USER_CHAUTHTOK, EventKind::password_changed, Subject::user, "user_chauthtok"},
    {AUDIT_USER_ERR, EventKind::user_error, Subject::login, "user_err"},
    {AUDIT_CRED_REFR, EventKind::credentials_refreshed, Subject::login, "cred_refr"},
    {AUDIT_USER_LOGIN, EventKind::login, Subject::login, "user_login"},
    {AUDIT_USER_LOGOUT, EventKind::logout, Subject::login, "user_logout"},
    {AUDIT_ADD_USER, EventKind::user_added, Subject::user, "add_user"},
    {AUDIT_DEL_USER, EventKind::user_deleted, Subject::user, "del_user"},
    {AUDIT_ADD_GROUP, EventKind::group_added, Subject::group, "add_group"},
    {AUDIT_DEL_GROUP, EventKind::group_deleted, Subject::group, "del_group"},
    {AUDIT_GRP_MGMT, EventKind::group_modified, Subject::group, "grp_mgmt"},
    {AUDIT_GRP_CHAUTHTOK, EventKind::group_password_changed, Subject::group, "grp_chauthtok"},
    {AUDIT_ACCT_LOCK, EventKind::user_locked, Subject::user, "acct_lock"},
    {AUDIT_ACCT_UNLOCK, EventKind::user_unlocked, Subject::user, "acct_unlock"},
    {AUDIT_ANOM_LOGIN_FAILURES, EventKind::login_failures, Subject::login, "anom_login_failures"},
    {AUDIT_ANOM_LOGIN_TIME, EventKind::login_time, Subject::login, "anom_login_time"},
    {AUDIT_ANOM_LOGIN_SESSIONS, EventKind::login_sessions, Subject::login, "anom_login_sessions"},
    {AUDIT_ANOM_LOGIN_LOCATION, EventKind::login_location, Subject::login, "anom_login_location"},
};

const ReportType* report_type(std::uint16_t type) {
    const auto* const row = std::find_if(std::begin(kTypes), std::end(kTypes),
                                         [type](const ReportType& r) { return r.type == type; });
    return row == std::end(kTypes) ? nullptr : row;
}

// The words of msg='…'.
struct Report {
    std::string_view operation;  // "adding user", "PAM:authentication"
    std::string_view hostname, address, terminal, result;
    std::optional<std::uint32_t> id;
    Untrusted account, group, executable;
};

// "op=adding user acct=…": the operation is a phrase that ends before the next key.
std::string_view phrase(std::string_view message, std::string_view first_word) {
    if (first_word.empty())
        return {};  // "op= acct=…": an empty value need not point into the message
    const auto from = static_cast<std::size_t>(first_word.data() - message.data());
    const std::size_t next_equals = message.find('=', from);
    std::size_t end =
        next_equals == std::string_view::npos ? message.size() : message.rfind(' ', next_equals);
    end = end == std::string_view::npos || end < from ? from : end;
    return message.substr(from, end - from);
}

std::optional<std::uint32_t> id_of(std::string_view text) {
    const auto number = parse_decimal(text);
    return number && *number >= 0 && *number < kUnsetId
               ? std::optional(static_cast<std::uint32_t>(*number))
               : std::nullopt;
}

void keep_first(std::string_view& place, const FieldCursor& field) {
    if (place.empty() && field.value != "?")
        place = field.value;
}
void keep_first(Untrusted& place, const FieldCursor& field) {
    if (!place.present())
        place = {field.value, field.quoted};
}

Report parse_report(std::string_view message) {
    Report report;
    FieldCursor field(message);
    while (field.next()) {
        switch (field.code) {
            case field_code("op"):
                if (report.operation.empty())
                    report.operation = phrase(message, field.value);
                break;
            case field_code("acct"):
                keep_first(report.account, field);
                break;
            case field_code("grp"):
                keep_first(report.group, field);
                break;
            case field_code("exe"):
                keep_first(report.executable, field);
                break;
            case field_code("id"):
                if (!report.id)
                    report.id = id_of(field.value);
                break;
            case field_code("hostname"):
                keep_first(report.hostname, field);
                break;
            case field_code("addr"):
                keep_first(report.address, field);
                break;
            case field_code("terminal"):
                keep_first(report.terminal, field);
                break;
            case field_code("res"):
                keep_first(report.result, field);
                break;
            default:
                break;
        }
    }
    return report;
}

bool is_sshd(const Report& report) {
    const std::string_view exe = report.executable.text;
    return exe.ends_with("/sshd") || exe.ends_with("/sshd-session") ||
           (exe.empty() && (report.terminal == "ssh" || report.terminal == "sshd"));
}

bool succeeded(std::string_view result) {
    return result == "success" || result == "yes" || result == "1";
}

}  // namespace

// useradd reports one account in several steps (the entry, the home directory), groupadd one group
// for each of its files.
bool Normalizer::State::repeats_report(const AuditEvent& event, std::int32_t pid,
                                       std::uint16_t type, std::string_view account,
                                       std::string_view result) {
    std::size_t key = std::hash<std::string_view>{}(account);
    boost::hash_combine(key, result);
    boost::hash_combine(key, pid);
    boost::hash_combine(key, type);
    const std::int64_t now = event.key().time_ms;
    for (ToldReport& told : told_reports)
        if (told.key == key && told.time_ms <= now && now - told.time_ms < kReportRepeatMs)
            return true;
    told_reports[next_told_report++ % told_reports.size()] = {key, now};
    return false;
}

bool Normalizer::State::on_report(const AuditEvent& event, std::uint16_t type) {
    const ReportType* const row = report_type(type);
    if (row == nullptr)
        return false;
    const std::string_view body = event.body(event.records().front());
    const auto sender = parse_task(body);
    const auto message = find_field(body, "msg");
    if (!sender || !message) {
        ++counters.undecoded;
        return true;
    }
    const Report report = parse_report(*message);
    const EventKind kind =
        row->kind == EventKind::login && is_sshd(report) ? EventKind::ssh_login : row->kind;
    if (!wanted(kind)) {
        ++counters.ignored;
        return true;
    }
    scratch.clear();
    const Untrusted& named = report.account.present() ? report.account : report.group;
    if (named.append_to(scratch) && scratch == "?")
        scratch.clear();
    report_account = scratch;
    if (row->subject != Subject::login) {
        if (report_account.empty() && report.id)
            scratch = std::to_string(*report.id);
        if (repeats_report(event, sender->pid, type, scratch, report.result)) {
            ++counters.repeated_reports;
            return true;
        }
    }

    static constexpr Syscall kNoCall;
    SyscallFacts facts{event, *sender, kNoCall, {}, {}};
    facts.syscall.exe = report.executable;
    facts.syscall.ppid = 0;
    date(facts, false);
    const Actor actor = actor_of(facts);
    put_shape(kind, facts.time);
    builder.set_literal(FieldId::auditd_message_type, row->name);
    const bool success = succeeded(report.result);
    if (!report.result.empty()) {
        builder.set_literal(FieldId::event_outcome, success ? "success" : "failure");
        builder.set_literal(FieldId::auditd_result, success ? "success" : "fail");
    }
    if (row->subject == Subject::login)
        put_login(*actor.process, report.id);
    else
        put_changed_account(*actor.process, row->subject == Subject::group, report.id);
    put_origin(report.hostname, report.address);
    if (!report.operation.empty())
        builder.set_text(FieldId::auditd_op, report.operation);
    if (!report.terminal.empty())
        builder.set_text(FieldId::auditd_terminal, report.terminal);
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
    return true;
}

// user.* is the account that logs in; the program that asks runs as somebody else, mostly root.
void Normalizer::State::put_login(const Process& process, std::optional<std::uint32_t> id) {
    put_process_ids(process.credentials);
    if (report_account.empty() && id)
        report_account = account_name(users, *id);
    if (!id)
        id = account_id(users, report_account);
    if (id)
        builder.set_text(FieldId::user_id, std::to_string(*id));
    put_account_name(FieldId::user_name);
    put_related(process.credentials, report_account);
}

void Normalizer::State::put_changed_account(const Process& process, bool group,
                                            std::optional<std::uint32_t> id) {
    put_credentials(process.credentials);
    const AccountNames& names = group ? groups : users;
    if (report_account.empty() && id)
        report_account = account_name(names, *id);
    if (!id)
        id = account_id(names, report_account);
    if (id)
        builder.set_text(group ? FieldId::group_id : FieldId::user_target_id, std::to_string(*id));
    put_account_name(group ? FieldId::group_name : FieldId::user_target_name);
    put_related(process.credentials, group ? std::string_view{} : report_account);
}

void Normalizer::State::put_related(const Credentials& credentials, std::string_view account) {
    std::array<std::string_view, 2> names;
    std::size_t count = 0;
    const std::string_view acting =
        credentials.known() ? account_name(users, credentials.euid) : std::string_view{};
    for (const std::string_view name : {account, acting})
        if (!name.empty() && (count == 0 || names[0] != name))
            names[count++] = name;
    builder.set_texts(FieldId::related_user, std::span(std::as_const(names)).first(count));
}

void Normalizer::State::put_account_name(FieldId field) {
    if (report_account.empty())
        return;
    const auto name = builder.append(report_account);
    builder.set_text(field, name);
    builder.set_text(FieldId::auditd_acct, name);
}

void Normalizer::State::put_origin(std::string_view hostname, std::string_view address) {
    if (!hostname.empty())
        builder.set_text(FieldId::auditd_hostname, hostname);
    if (!address.empty())
        builder.set_text(FieldId::auditd_addr, address);
    auto ip = canonical_ip(address);
    if (!ip)
        ip = canonical_ip(hostname);
    if (!ip)
        return;
    const auto text = builder.append(*ip);
    builder.set_text(FieldId::source_ip, text);
    builder.set_text(FieldId::source_address, text);
}

}  // namespace audisp_eql::collector
