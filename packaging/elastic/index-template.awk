# SPDX-License-Identifier: Apache-2.0
# detect/event/fields.def, the table of fields, as an index template for Elasticsearch and
# OpenSearch. The sequence's events and the ancestry are searched as they are, without a field of
# the index for each of theirs.

BEGIN {
    type["keyword"] = "\"keyword\", \"ignore_above\": 8191"
    type["number"] = "\"long\""
    type["ip"] = "\"ip\""
    type["date"] = "\"date\""
    type["boolean"] = "\"boolean\""
    print "{"
    print "  \"index_patterns\": [\"audisp-eql-alerts-*\"],"
    print "  \"priority\": 200,"
    print "  \"template\": {"
    print "    \"mappings\": {"
    print "      \"dynamic_templates\": ["
    print "        {\"strings\": {\"match_mapping_type\": \"string\", \"mapping\": {\"type\": " type["keyword"] "}}}"
    print "      ],"
    print "      \"properties\": {"
    print "        \"audisp_eql.ancestry\": {\"type\": \"flattened\"},"
    print "        \"audisp_eql.sequence\": {\"type\": \"flattened\"},"
    print "        \"event.id\": {\"type\": " type["keyword"] "},"
    print "        \"event.severity\": {\"type\": \"long\"},"
    print "        \"event.risk_score\": {\"type\": \"float\"},"
    printf "        \"message\": {\"type\": \"text\"}"
}

/^FIELD\(/ {
    # FIELD(symbol, "name", type, layer, stored as, flags, "what it is")
    split($0, quoted, "\"")
    split(quoted[3], columns, ", *")
    if (!(columns[2] in type)) {
        printf "index-template.awk: line %d: unknown type %s\n", FNR, columns[2] > "/dev/stderr"
        failed = 1
        exit 1
    }
    printf ",\n        \"%s\": {\"type\": %s}", quoted[2], type[columns[2]]
}

END {
    if (failed)
        exit 1
    print "\n      }\n    }\n  }\n}"
}
