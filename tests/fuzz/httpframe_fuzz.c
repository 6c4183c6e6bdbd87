/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of HTTP_START, as a worker could send it. What passed can be sent as headers. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <string.h>

#include "wire/httpframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct gh_http_start start;
    const char *problem = NULL, *name, *value;

    if (gh_http_start_decode(bytes, len, &start, &problem) != 0) {
        assert(problem);
        return 0;
    }
    assert(start.status >= 200 && start.status <= 599);
    assert(start.content_length <= INT64_MAX);

    struct gh_slice rest = start.headers;
    unsigned count = 0;
    while (gh_http_next_header(&rest, &name, &value)) {
        count++;
        assert(*name && !strpbrk(name, " \t\r\n:") && !strpbrk(value, "\r\n"));
        assert(!gh_http_is_hop_by_hop(name, strlen(name)));
    }
    assert(rest.len == 0 && count <= start.header_count);
    return 0;
}
