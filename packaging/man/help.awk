# SPDX-License-Identifier: Apache-2.0
# What "audisp-eql help COMMAND" prints, as a section of a manual page (mdoc). Fails where the text
# has not the form that it knows.

function fail(what) {
    printf "help.awk: %s: %s\n", name, what > "/dev/stderr"
    failed = 1
    exit 1
}

function begin_literal() {
    if (!literal)
        print ".Bd -literal -offset 2n"
    literal = 1
}

function end_literal() {
    if (literal)
        print ".Ed"
    literal = 0
}

# Lines that begin with blanks are laid out by hand.
function prose(from, to,    i, gap, said) {
    for (i = from; i <= to; ++i) {
        if (line[i] == "") {
            gap = said
            continue
        }
        if (line[i] ~ /^  /) {
            # A gap inside what is laid out by hand is part of it.
            if (gap && literal)
                print ""
            begin_literal()
            print plain(substr(line[i], 3))
        } else {
            end_literal()
            if (gap)
                print ".Pp"
            print sentences(line[i])
        }
        gap = 0
        said = 1
    }
    end_literal()
}

# Where the descriptions of a group of options begin: behind the first wide gap of any of them, or
# where a description goes on. A lone option on one line has neither: there its own form tells.
function description_column(from, to,    i) {
    for (i = from; i <= to; ++i) {
        if (line[i] ~ /^  -/ && match(substr(line[i], 3), /  +/))
            return RSTART + RLENGTH + 2
        if (line[i] ~ /^    / && match(line[i], /[^ ]/))
            return RSTART
    }
    if (match(line[from], /^  --[a-z][a-z0-9-]*( (\[=[^ ]*|[A-Z][A-Z,\[\]]*))?( \(=[^)]*\))? /))
        return RLENGTH + 1
    fail("no descriptions in a group of options")
}

# "--feed WAY (=auto)", "--cee [=on|off] (=off)", "-h [ --help ]".
function item(head,    words, count, i, text, value) {
    sub(/ +$/, "", head)
    if (head == "-h [ --help ]") {
        print ".It Fl h , Fl -help"
        return
    }
    count = split(head, words, " ")
    if (words[1] !~ /^--[a-z][a-z0-9-]*$/)
        fail("no option: " head)
    text = ".It Fl " substr(words[1], 2)
    for (i = 2; i <= count; ++i) {
        if (words[i] ~ /^\(=.*\)$/) {
            value = substr(words[i], 3, length(words[i]) - 3)
            text = text " Pq default: " plain(value)
        } else if (words[i] ~ /^\[=/)
            text = text "Ns Ar " words[i]
        else
            text = text " Ar " words[i]
    }
    sub(/Ns Ar/, " Ns Ar", text)
    print text
}

function options(from, to,    i, column, head, text) {
    column = description_column(from, to)
    print ".Bl -tag -width 4n -compact"
    for (i = from; i <= to; ++i) {
        text = substr(line[i], column)
        if (line[i] ~ /^  -/) {
            head = substr(line[i], 3, column - 3)
            # A head that reaches into the descriptions has its own on the next line.
            if (length(line[i]) >= column && substr(line[i], column - 1, 1) != " ") {
                head = substr(line[i], 3)
                text = ""
            }
            item(head)
        }
        text = trimmed(text)
        if (text != "")
            print sentences(text)
    }
    print ".El"
}

function trimmed(text) {
    sub(/^ +/, "", text)
    sub(/ +$/, "", text)
    return text
}

function is_heading(i) {
    return line[i] ~ /^[A-Z].*:$/ && i < NR && line[i + 1] ~ /^  -/
}

{ line[NR] = $0 }

END {
    if (failed)
        exit 1
    if (line[1] !~ /^audisp-eql [a-z-]+: / || line[3] !~ /^Usage: audisp-eql /)
        fail("does not begin as a command's help does")
    name = line[1]
    sub(/^audisp-eql /, "", name)
    sub(/:.*/, "", name)
    summary = line[1]
    sub(/^[^:]*: /, "", summary)
    usage = line[3]
    sub(/^Usage: /, "", usage)
    print ".Ss " name
    print toupper(substr(plain(summary), 1, 1)) substr(plain(summary), 2) "."
    print ".Bd -literal -offset 2n"
    print plain(usage)
    print ".Ed"
    print ".Pp"
    from = 5
    part = "prose"
    for (i = 5; i <= NR + 1; ++i) {
        heading = ""
        if (i == NR + 1)
            heading = "end"
        else if (is_heading(i))
            heading = "options"
        else if (line[i] == "Examples:" || line[i] == "Exit codes:")
            heading = "prose"
        if (heading == "")
            continue
        for (to = i - 1; to > from && line[to] == "";)
            --to
        if (part == "options")
            options(from, to)
        else
            prose(from, to)
        if (heading != "end") {
            print ".Pp"
            print ".Em " plain(line[i])
            # A list and a display leave room above themselves; a paragraph does not.
            if (heading == "prose" && line[i + 1] !~ /^  /)
                print ".Pp"
        }
        part = heading
        from = i + 1
    }
}
