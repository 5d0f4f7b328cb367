// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/dump.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace audisp_eql::detect {
namespace {

constexpr std::array<std::string_view, 6> kCompare = {"==", "!=", "<", "<=", ">", ">="};
constexpr std::array<std::string_view, 5> kArithmetic = {"+", "-", "*", "/", "%"};

void write_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned>(c));
            out += code.data();
        } else {
            out += c;
        }
    }
    out += '"';
}

void write_literal(std::string& out, const Literal& literal) {
    std::array<char, 32> digits{};
    switch (literal.kind) {
        case LiteralKind::null:
            out += "null";
            break;
        case LiteralKind::boolean:
            out += literal.boolean ? "true" : "false";
            break;
        case LiteralKind::integer:
            out += std::to_string(literal.integer);
            break;
        case LiteralKind::real: {
            const auto end =
                std::to_chars(digits.data(), digits.data() + digits.size(), literal.real).ptr;
            const std::string_view text(digits.data(),
                                        static_cast<std::size_t>(end - digits.data()));
            out += text;
            // A real stays one for the reader: 4.0 is not 4.
            out += text.find_first_of(".e") == std::string_view::npos ? ".0" : "";
            break;
        }
        case LiteralKind::text:
            write_text(out, literal.text);
            break;
    }
}

void write_name(std::string& out, std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '@' || c == '.';
    });
    out += plain ? std::string(name) : '`' + std::string(name) + '`';
}

std::string operator_of(const Expr& expr) {
    const std::string tilde = expr.fold_case ? "~" : "";
    switch (expr.kind) {
        case ExprKind::negate:
            return "-";
        case ExprKind::arithmetic:
            return std::string(kArithmetic.at(static_cast<std::size_t>(expr.arithmetic)));
        case ExprKind::compare:
            return std::string(kCompare.at(static_cast<std::size_t>(expr.compare)));
        case ExprKind::in_list:
            return "in" + tilde;
        case ExprKind::match:
            return (expr.match == MatchOp::like ? "like" : "regex") + tilde;
        case ExprKind::logical_not:
            return "not";
        case ExprKind::logical_and:
            return "and";
        case ExprKind::logical_or:
            return "or";
        case ExprKind::call:
            return "call " + expr.name + tilde;
        default:
            return {};
    }
}

void write_event(std::string& out, const EventQuery& query);

void write_expr(std::string& out, const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::literal:
            write_literal(out, expr.literal);
            return;
        case ExprKind::field:
            out += expr.optional ? "?" : "";
            write_name(out, expr.name);
            return;
        case ExprKind::of_query:
            out += '(' + expr.name + "-of ";
            write_event(out, *expr.subquery);
            break;
        default:
            out += '(' + operator_of(expr);
            for (const ExprPtr& operand : expr.operands) {
                out += ' ';
                write_expr(out, *operand);
            }
            break;
    }
    out += ')';
}

void write_event(std::string& out, const EventQuery& query) {
    out += "(event ";
    if (query.any) {
        out += "any";
    } else {
        write_name(out, query.category);
    }
    out += ' ';
    write_expr(out, *query.where);
    out += ')';
}

void write_list(std::string& out, std::string_view head, const std::vector<ExprPtr>& list) {
    out += " (" + std::string(head);
    for (const ExprPtr& expr : list) {
        out += ' ';
        write_expr(out, *expr);
    }
    out += ')';
}

void write_item(std::string& out, std::string_view head, const SequenceItem& item) {
    out += " (" + std::string(head) + ' ';
    write_event(out, item.query);
    if (!item.by.empty()) {
        write_list(out, "by", item.by);
    }
    if (item.runs != 1) {
        out += " (runs " + std::to_string(item.runs) + ')';
    }
    if (!item.alias.empty()) {
        out += " (as ";
        write_name(out, item.alias);
        out += ')';
    }
    out += ')';
}

}  // namespace

std::string dump(const Expr& expr) {
    std::string out;
    write_expr(out, expr);
    return out;
}

std::string dump(const Query& query) {
    std::string out;
    if (query.kind == QueryKind::event) {
        write_event(out, query.event);
    } else {
        out += query.kind == QueryKind::sequence ? "(sequence" : "(sample";
        if (!query.by.empty()) {
            write_list(out, "by", query.by);
        }
        if (query.maxspan_ns) {
            out += " (maxspan " + std::to_string(*query.maxspan_ns) + ')';
        }
        for (const SequenceItem& item : query.items) {
            write_item(out, item.missing ? "missing" : "item", item);
        }
        if (query.until) {
            write_item(out, "until", *query.until);
        }
        out += ')';
    }
    for (const Pipe& pipe : query.pipes) {
        write_list(out, "pipe " + pipe.name, pipe.arguments);
    }
    return out;
}

}  // namespace audisp_eql::detect
