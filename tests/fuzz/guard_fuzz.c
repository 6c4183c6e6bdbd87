/* SPDX-License-Identifier: Apache-2.0
 *
 * A head: "METHOD VERSION" and then "Name: value" on a line each, ended by a newline or nothing. A
 * header may hold any byte but the newline, more than libmicrohttpd lets through. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "front/guard.h"
#include "tests/fuzz/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
feed(struct gh_guard *guard, struct gh_slice line)
{
    const char *colon = line.len ? memchr(line.bytes, ':', line.len) : NULL;
    size_t name_len = colon ? (size_t)(colon - line.bytes) : line.len;
    struct gh_slice value = {line.bytes + line.len, 0};

    if (colon) {
        value = (struct gh_slice){colon + 1, line.len - name_len - 1};
        if (value.len && value.bytes[0] == ' ')
            value = (struct gh_slice){value.bytes + 1, value.len - 1};
    }
    gh_guard_header(guard, (struct gh_slice){line.bytes, name_len}, value);
}

/* What passed is framed in one way only. */
static void
check_sound(const struct gh_guard *guard)
{
    assert(guard->hosts <= 1 && guard->content_lengths <= 1 && guard->transfer_encodings <= 1);
    assert(!guard->content_lengths || !guard->transfer_encodings);
    assert(guard->hosts == 1 || !guard->is_http11);
    assert(guard->is_chunked == (guard->transfer_encodings == 1));
    assert(guard->content_length < 1000000000000000000ull);
    for (size_t i = 0; i < guard->host.len; i++)
        assert(guard->host.bytes[i] > ' ' && guard->host.bytes[i] < 0x7F);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *cursor = (const char *)bytes, *end = cursor + len, *problem = NULL;
    struct gh_slice first = next_line(&cursor, end);
    char *method = gh_strndup(first.bytes, first.len); /* ends at the first NUL, as it does there */
    char *blank = strchr(method, ' ');
    static const char *const names[] = {"a,b.example", "c.example", NULL};
    struct gh_guard guard;

    if (blank)
        *blank = '\0';
    gh_guard_start(&guard, method, blank ? blank + 1 : "HTTP/1.1");
    while (cursor < end)
        feed(&guard, next_line(&cursor, end));
    if (!gh_guard_verdict(&guard))
        check_sound(&guard);

    unsigned status = gh_guard_browser(guard.host, method, blank ? blank + 1 : NULL,
                                       guard.is_chunked, names, &problem);
    assert(status == 0 || status == 403 || status == 415);
    assert((status != 0) == (problem != NULL));
    free(method);
    return 0;
}
