// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/mask_names.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

namespace {

// Longer words are data.
constexpr std::size_t kMaxName = 96;

// The last part of a name that says it.
constexpr std::string_view kSecrets[] = {
    "password",     "passwd",        "passphrase",    "passwort", "passcode",  "pass",
    "secret",       "token",         "apikey",        "pw",       "pwd",       "psk",
    "credential",   "credentials",   "authorization", "cookie",   "storepass", "keypass",
    "srcstorepass", "deststorepass", "sshpass",       "userpass", "dbpass",    "rootpass",
    "adminpass",    "rootpw",        "bindpw",        "userpw",   "adminpw",   "accesskey",
    "secretkey",    "accountkey",
};
// Written together with what it is of: "pgpassword", "authtoken".
constexpr std::string_view kEndings[] = {"password", "passwd", "passphrase",
                                         "secret",   "token",  "apikey"};
// With "key" behind it.
constexpr std::string_view kKeysOf[] = {
    "api",     "access",       "secret",  "account", "auth",    "signing",   "master",
    "license", "subscription", "storage", "service", "session", "encryption"};
// A question about the secret, or its absence.
constexpr std::string_view kSwitches[] = {
    "no",  "ask", "prompt", "without", "disable", "skip", "show", "hide",  "allow", "enable",
    "has", "is",  "need",   "require", "max",     "min",  "num",  "wrong", "empty"};

bool among(const auto& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// "keyStorePassword", "KEY_STORE_PASSWORD2" -> "key", "store", "password".
std::vector<std::string> parts_of(std::string_view name) {
    std::vector<std::string> parts;
    bool open = false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '_' || c == '-' || c == '.' || is_digit(c)) {
            open = false;
            continue;
        }
        const bool hump = is_upper(c) && i > 0 && is_lower(name[i - 1]);
        if (!open || hump)
            parts.emplace_back();
        open = true;
        parts.back() += fold(c);
    }
    return parts;
}

// A prefix that an issuer gives, and the least length of the whole.
struct TokenForm {
    std::string_view prefix;
    std::size_t least;
};
constexpr TokenForm kTokens[] = {
    {"AKIA", 20},
    {"ASIA", 20},
    {"ghp_", 30},
    {"gho_", 30},
    {"ghu_", 30},
    {"ghs_", 30},
    {"ghr_", 30},
    {"github_pat_", 30},
    {"glpat-", 20},
    {"xoxb-", 20},
    {"xoxp-", 20},
    {"xoxa-", 20},
    {"xoxs-", 20},
    {"xoxr-", 20},
    {"xapp-", 20},
    {"sk-", 24},
    {"sk_live_", 20},
    {"sk_test_", 20},
    {"rk_live_", 20},
    {"AIza", 35},
    {"ya29.", 20},
    {"npm_", 36},
    {"pypi-", 40},
    {"hvs.", 20},
    {"dop_v1_", 20},
    {"SG.", 40},
    {"dckr_pat_", 20},
    {"shpat_", 20},
    {"AGE-SECRET-KEY-1", 20},
};

}  // namespace

bool names_a_secret(std::string_view name) {
    if (name.size() > kMaxName)
        return false;
    const std::vector<std::string> parts = parts_of(name);
    if (parts.empty() || (parts.size() > 1 && among(kSwitches, parts.front())))
        return false;
    const std::string_view last = parts.back();
    const std::string_view before =
        parts.size() > 1 ? std::string_view(parts[parts.size() - 2]) : std::string_view();
    if (last == "pwd")  // not the shell's directories
        return before != "old";
    if (last == "key")
        return among(kKeysOf, before);
    if (last == "signature" || last == "auth")  // X-Amz-Signature; npm's _auth
        return before == "amz" || name == "_auth";
    return among(kSecrets, last) ||
           (last != "oldpwd" &&
            std::any_of(std::begin(kEndings), std::end(kEndings),
                        [&](std::string_view end) { return last.ends_with(end); }));
}

bool is_token(std::string_view word) {
    if (word.starts_with("eyJ"))  // a JWT: three parts in base64, of which the first is JSON
        return word.size() >= 20 && std::count(word.begin(), word.end(), '.') == 2;
    return std::any_of(std::begin(kTokens), std::end(kTokens), [&](const TokenForm& form) {
        return word.size() >= form.least && word.starts_with(form.prefix);
    });
}

}  // namespace audisp_eql::detect
