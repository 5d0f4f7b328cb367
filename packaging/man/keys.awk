# SPDX-License-Identifier: Apache-2.0
# packaging/audisp-eql.conf, in which every key stands with its default and an explanation, as the
# keys' section of a manual page (mdoc).

/^# --- / {
    if (open_list)
        print ".El"
    heading = $0
    sub(/^# --- /, "", heading)
    sub(/ -+$/, "", heading)
    print ".Ss " heading
    print ".Bl -tag -width 4n"
    open_list = 1
    said = ""
    next
}
/^#[a-z][a-z-]* = / {
    key = substr($1, 2)
    value = $0
    sub(/^[^=]*= /, "", value)
    if (said == "" && key != last) {
        printf "keys.awk: line %d: nothing is said about %s\n", FNR, key > "/dev/stderr"
        exit 1
    }
    printf ".It Cm %s No = Ar %s\n", key, plain(value)
    heads = 1
    last = key
    pending = said
    next
}
# A comment explains the key below it.
/^# / && open_list {
    said = said sentences(substr($0, 3)) "\n"
    next
}
/^$/ && heads {
    printf "%s", pending
    heads = 0
    said = ""
}
END {
    if (heads)
        printf "%s", pending
    if (open_list)
        print ".El"
}
