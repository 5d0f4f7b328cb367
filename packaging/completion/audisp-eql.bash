# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of audisp-eql for bash. Commands and options are asked of the program itself; what
# some options take is listed here, and tests/install/check_completion holds the list to it.

_audisp_eql_values() { # COMMAND OPTION
    case $1:$2 in
    *:--feed) echo auto plugin unicast multicast ;;
    *:--require) echo audit proc_connector ;;
    *:--stdout) echo none ndjson text ;;
    *:--log-level) echo error warning info debug ;;
    *:--syslog) echo off ;;
    query:--input) echo auto audit ndjson ;;
    replay:--output) echo ndjson text summary ;;
    check:--output | doctor:--output) echo text json ;;
    status:--output) echo text json prometheus ;;
    test:--output) echo text junit ;;
    *:--syslog-facility)
        echo kern user mail daemon auth syslog lpr news uucp cron authpriv ftp \
            local0 local1 local2 local3 local4 local5 local6 local7
        ;;
    esac
}

_audisp_eql() {
    # Not all are used here, but all are set.
    # shellcheck disable=SC2034
    local cur prev words cword split
    _init_completion -s || return
    local program=${words[0]} command=${words[1]-} text
    if [[ $cword -eq 1 && $cur != -* ]]; then
        text=$("$program" help 2>/dev/null |
            sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$text" -- "$cur")
        return
    fi
    [[ $command != -* ]] || command=run
    if [[ $command = help ]]; then
        text=$("$program" help 2>/dev/null |
            sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$text" -- "$cur")
        return
    fi
    local help
    help=$("$program" help "$command" 2>/dev/null) || return
    if [[ $prev = --* ]]; then
        text=$(_audisp_eql_values "$command" "$prev")
        ! grep -Fq -- "  $prev [=on|off]" <<<"$help" || text='on off'
        if [[ -n $text ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$text" -- "$cur")
            # A switch stands alone; its value comes behind '='.
            if [[ $split = true || $text != 'on off' ]]; then
                [[ $prev != --syslog ]] || _filedir
                return
            fi
            COMPREPLY=()
        elif grep -Eq "^  $prev [A-Z]" <<<"$help"; then
            _filedir
            return
        fi
    fi
    if [[ $cur = -* ]]; then
        text=$(sed -En 's/^  (-h \[ )?(--[a-z][a-z0-9-]*).*/\2/p' <<<"$help")
        mapfile -t COMPREPLY < <(compgen -W "$text" -- "$cur")
        return
    fi
    # "Usage: audisp-eql enable [OPTION…] plugin|service"
    text=$(sed -n '/^Usage: /{s/.*] *//;/^[a-z|-]*$/s/|/ /gp;q}' <<<"$help")
    if [[ -n $text ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$text" -- "$cur")
    else
        _filedir
    fi
} && complete -F _audisp_eql audisp-eql
