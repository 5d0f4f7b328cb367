// SPDX-License-Identifier: Apache-2.0
// Which names say that their value is a secret, and which texts are one by their form.
//
// Memory: views. Threads: no state.
#pragma once

#include <string_view>

namespace audisp_eql::detect {

// "password", "dbPassword", "AWS_SECRET_ACCESS_KEY", "x-api-key"; not "password-file",
// "no-password", "tokens". Of any length; what is longer than a name is none.
bool names_a_secret(std::string_view name);
// A token that its issuer made recognizable: "ghp_…", "AKIA…", a JWT. The whole of `word`.
bool is_token(std::string_view word);
// Names may hold this, and so may tokens.
constexpr bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

}  // namespace audisp_eql::detect
