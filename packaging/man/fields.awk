# SPDX-License-Identifier: Apache-2.0
# detect/event/fields.def, the table of fields, as a list of a manual page (mdoc). Fields that only
# the program itself looks at are left out.

/^FIELD\(/ {
    # FIELD(symbol, "name", type, layer, stored as, flags, "what it is")
    if (split($0, quoted, "\"") < 5) {
        printf "fields.awk: line %d is no row of the table\n", FNR > "/dev/stderr"
        exit 1
    }
    split(quoted[3], columns, ", *")
    if (columns[5] == "internal")
        next
    printf ".It Va %s Pq %s%s\n%s.\n", quoted[2], columns[2],
        columns[5] == "list" ? ", several" : "", sentences(quoted[4])
}
