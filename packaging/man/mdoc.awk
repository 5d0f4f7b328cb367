# SPDX-License-Identifier: Apache-2.0
# For the other awk programs here.

# Text that a manual page shows as it stands. A hyphen would become one that nobody can paste.
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    sub(/^[.']/, "\\\\\\&&", text)
    return text
}

# The same for prose: each sentence begins a line, so that the space between them is as wide as
# everywhere else.
function sentences(text,    parts, count, i, result) {
    count = split(text, parts, /[.] +/)
    for (i = 1; i <= count; ++i)
        result = result plain(parts[i]) (i < count ? ".\n" : "")
    return result
}
