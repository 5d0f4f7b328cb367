// SPDX-License-Identifier: Apache-2.0
// auparse_loop FILE: auditd's own parser over a log, every field of every record interpreted. What
// reading audit records costs others; prints how many records and fields there were.
#include <auparse.h>
#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "Usage: auparse_loop FILE\n");
        return 2;
    }
    auparse_state_t* const state = auparse_init(AUSOURCE_FILE, argv[1]);
    if (!state) {
        std::perror(argv[1]);
        return 1;
    }
    unsigned long records = 0, fields = 0, bytes = 0;
    while (auparse_next_event(state) > 0) {
        auparse_first_record(state);
        do {
            ++records;
            auparse_first_field(state);
            do {
                ++fields;
                // Used, so that no compiler leaves it out.
                if (const char* const text = auparse_interpret_field(state))
                    bytes += static_cast<unsigned char>(*text);
            } while (auparse_next_field(state) > 0);
        } while (auparse_next_record(state) > 0);
    }
    auparse_destroy(state);
    std::printf("%lu records, %lu fields (%lu)\n", records, fields, bytes);
}
