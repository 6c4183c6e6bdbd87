/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets: taken apart, decoded, and matched with the table of routes. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>

#include "api/api.h"
#include "api/routes.h"
#include "tests/unit/fake_sink.h"
#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_inside(struct gh_slice part, const char *text, size_t len)
{
    assert(part.len == 0 || (part.bytes >= text && part.bytes + part.len <= text + len));
}

/* What the splitter let through can be decoded, and is never longer than it was. */
static void
check_decode(struct gh_slice raw)
{
    struct gh_buf out = {0};

    int rc = gh_url_decode(&out, raw, raw.len % 2);
    assert(rc == 0 && out.len <= raw.len);
    gh_buf_done(&out);
}

/* With and without the routes of a Den. */
static void
check_route(struct gh_request *request, struct gh_den *den)
{
    struct gh_api api = {.den = den};
    unsigned status = 0;

    const struct gh_route *route = gh_route_find(&api, request, &status);
    assert(route || status == 404 || (status == 405 && request->allow));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct gh_buf out = {0};
    struct fake_request fake;
    const char *text = (const char *)bytes;

    if (gh_url_decode(&out, (struct gh_slice){text, len}, true) == 0)
        assert(out.len <= len);
    gh_buf_done(&out);

    if (fake_request_init(&fake, GH_GET, text, len, NULL, 0) != 0)
        return 0;
    const struct gh_url *url = &fake.request.url;
    assert(url->path.len > 0 && url->path.bytes[0] == '/');
    assert(url->segment_count <= GH_URL_SEGMENTS_MAX + 1);
    if (url->path.len > 1)
        check_inside(url->path, text, len);
    check_inside(url->query, text, len);
    for (size_t i = 0; i < url->segment_count && i < GH_URL_SEGMENTS_MAX; i++) {
        check_inside(url->segments[i], text, len);
        check_decode(url->segments[i]);
    }

    struct gh_slice rest = url->query, name, value;
    while (gh_url_next_pair(&rest, &name, &value)) {
        check_inside(name, text, len);
        check_inside(value, text, len);
        check_decode(name);
        check_decode(value);
    }
    assert(rest.len == 0);

    check_route(&fake.request, NULL);
    check_route(&fake.request, (struct gh_den *)&fake); /* never looked into here */
    fake_request_done(&fake);
    return 0;
}
