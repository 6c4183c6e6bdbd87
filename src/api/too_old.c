/* SPDX-License-Identifier: Apache-2.0 */
#include "api/too_old.h"

#include "api/fields.h"
#include "api/routes.h"
#include "wire/reply.h"

static const struct {
    enum gh_method method;
    const char *path;
} gone[] = {
    {GH_POST, "/check"}, /* up to 0.0.12 */
    {GH_PUT, "/object"}, /* these up to 0.0.15 */
    {GH_DELETE, "/object"}, {GH_POST, "/cancel"},
    {GH_POST, "/secrets"},  {GH_POST, "/call/{module}/{method}"}, /* up to 0.0.17 */
    {GH_GET, "/spans"},                                           /* up to 0.0.32 */
};

bool
gh_too_old_is_route(const struct gh_request *request)
{
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (gone[i].method == request->method && gh_route_fits(gone[i].path, &request->url))
            return true;
    return false;
}

bool
gh_too_old_is_message(struct gh_request *request)
{
    enum { DATA, ENV, KEY, SAVE, STREAM_LOGS, COUNT };
    static const struct gh_field fields[COUNT] = {
        [DATA] = {"data", GH_FIELD_ANY, false},
        [ENV] = {"env", GH_FIELD_ANY, false},
        [KEY] = {"key", GH_FIELD_ANY, false},
        [SAVE] = {"save", GH_FIELD_ANY, false},
        [STREAM_LOGS] = {"stream_logs", GH_FIELD_ANY, false},
    };
    struct gh_value values[COUNT];
    bool is_absent;

    if (gh_fields_scan(request, fields, COUNT, values, &is_absent) != 0 || is_absent)
        return false; /* never: it was scanned before */
    for (size_t i = 0; i < COUNT; i++)
        if (values[i].raw.len == 0)
            return false;
    return true;
}

void
gh_too_old_refuse(struct gh_request *request, unsigned status)
{
    const char *what = status == 404   ? "Not Found"
                       : status == 405 ? "Method Not Allowed"
                                       : "Body not understood";

    gh_reply_detail(request, status,
                    "%s: so ask clients of runhouse before 0.0.33, which are too old for this "
                    "server. It serves 0.0.33 to 0.0.42; where you call from: pip install "
                    "runhouse==0.0.42",
                    what);
}
