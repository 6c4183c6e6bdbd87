/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers of a proxy, "Name: value" on a line each; the first line is the list of whom is trusted. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/networks.h"
#include "front/forwarded.h"
#include "tests/fuzz/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
feed(struct gh_forwarding *forwarding, struct gh_slice line)
{
    const char *colon = line.len ? memchr(line.bytes, ':', line.len) : NULL;

    if (!colon)
        return;
    size_t name_len = (size_t)(colon - line.bytes);
    gh_forwarded_header(forwarding, (struct gh_slice){line.bytes, name_len},
                        (struct gh_slice){colon + 1, line.len - name_len - 1});
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *cursor = (const char *)bytes, *end = cursor + len;
    struct gh_slice first = next_line(&cursor, end);
    char *trusted = gh_strndup(first.bytes, first.len);
    struct gh_forwarding forwarding;
    struct gh_forwarded out = {0};
    struct gh_err err;

    (void)!gh_networks_check(trusted, &err);
    gh_forwarded_start(&forwarding);
    while (cursor < end)
        feed(&forwarding, next_line(&cursor, end));
    assert(forwarding.hop_count <= GH_HOPS_MAX && forwarding.x_for.count <= GH_HOPS_MAX);
    if (!gh_forwarded_verdict(&forwarding, trusted, &out)) {
        assert(out.port <= 65535 && (out.has_client || out.port == 0));
        assert(!out.scheme || strcmp(out.scheme, "http") == 0 || strcmp(out.scheme, "https") == 0);
        assert(out.host.len == 0 ||
               (out.host.bytes >= (const char *)bytes && out.host.bytes + out.host.len <= end));
    }
    free(trusted);
    return 0;
}
