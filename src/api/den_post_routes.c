/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_post_routes.c - the embedded Den: what nodes report, and who looks at it; launches, which there are
 * none of. Source: den-api.md, and recorded. */
#include <jansson.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "den/posts.h"
#include "den/tickets.h"
#include "den/uri.h"
#include "wire/reply.h"

#define STATE_MAX_BYTES 64u
#define MINUTES_MAX (366 * 24 * 60)
#define MINUTES_PRESET 5 /* as the client's own */

/* ---- status ---- */

void
gh_route_den_status_get(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf status GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf out = {0};
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_LOOK, &ask) != 0)
        return;
    if (gh_den_status_read(ask.den, ask.resource, &status, &err) != GH_OK) {
        gh_den_reply_error(request, &err);
    } else if (status.len == 0) {
        gh_reply_detail(request, 404, "No node has reported for this resource yet.");
    } else {
        gh_buf_addf(&out, "{\"data\":%s}", gh_buf_text(&status));
        gh_reply_json(request, 200, &out);
    }
    gh_den_ask_done(&ask);
}

/* What reports is running, unless it says otherwise; all else of a status is whatever its sender makes it. */
void
gh_route_den_status_post(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"daemon_status", GH_FIELD_TEXT, false};
    struct gh_den_ask ask;
    struct gh_value value;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_REPORT, &ask) != 0)
        return;
    if (gh_fields_body(request, &field, 1, &value) == 0) {
        struct gh_slice state = value.is_given ? value.text : (struct gh_slice){"running", 7};
        if (state.len > STATE_MAX_BYTES || request->body.len > GH_DEN_CONFIG_MAX_BYTES)
            gh_fields_refuse(request, "body", field.name, "value_error",
                             "Input should be a word, in a body of up to 1 MiB",
                             (struct gh_slice){0});
        else if (gh_den_status_post(ask.den, ask.resource, request->body, state, &err) == GH_OK)
            gh_den_reply(request, json_object());
        else
            gh_den_reply_error(request, &err);
        gh_fields_done(&value, 1);
    }
    gh_den_ask_done(&ask);
}

/* ---- logs ---- */

void
gh_route_den_logs_post(struct gh_api *api, struct gh_request *request)
{
    enum { FILE_NAME, LOGS, START, END, COUNT };
    static const struct gh_field fields[COUNT] = {
        [FILE_NAME] = {"file_name", GH_FIELD_NAME, true},
        [LOGS] = {"logs", GH_FIELD_TEXT, true},
        [START] = {"start_line", GH_FIELD_INT, false},
        [END] = {"end_line", GH_FIELD_INT, false},
    };
    struct gh_value values[COUNT];
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_REPORT, &ask) != 0)
        return;
    if (gh_fields_body(request, fields, COUNT, values) == 0) {
        const struct gh_den_lines lines = {values[FILE_NAME].text, values[LOGS].text,
                                           values[START].number, values[END].number};
        if (gh_den_logs_post(ask.den, ask.resource, &lines, &err) == GH_OK)
            gh_den_reply(request, json_object());
        else
            gh_den_reply_error(request, &err);
        gh_fields_done(values, COUNT);
    }
    gh_den_ask_done(&ask);
}

/* Read what was posted in the last SINCE_S seconds. Returns 0; or -1, having answered. */
static int
read_logs(struct gh_request *request, struct gh_den *den, const struct gh_den_resource *resource,
          int64_t since_s, struct gh_buf *lines)
{
    struct gh_err err;
    bool is_any;

    if (gh_den_logs_read(den, resource, since_s, lines, &is_any, &err) != GH_OK)
        gh_den_reply_error(request, &err);
    else if (!is_any)
        gh_reply_detail(request, 404, "No node has sent logs of this resource yet.");
    else
        return 0;
    return -1;
}

void
gh_route_den_logs_get(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf lines GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf out = {0};
    struct gh_den_ask ask;

    if (gh_den_ask_begin(api, request, GH_DEN_READ, &ask) != 0)
        return;
    if (read_logs(request, ask.den, ask.resource, 0, &lines) == 0) {
        gh_buf_add_text(&out, "{\"data\":{\"logs\":");
        gh_jsontext_quote(&out, (const char *)lines.bytes, lines.len, GH_JSONTEXT_UTF8);
        gh_buf_add_text(&out, "}}");
        gh_reply_json(request, 200, &out);
    }
    gh_den_ask_done(&ask);
}

/* {"data": {"logs_presigned_url": URL}}, which the client fetches without its token. */
static void
reply_link(struct gh_request *request, const struct gh_den_ask *ask, int64_t since_s)
{
    const char *host = request->sink->header(request, "Host");
    char ticket[GH_DEN_TICKET_BYTES];

    gh_den_ticket_make(ask->den, ask->uri, since_s, ticket);
    char *url GH_SCOPED(gh_free) =
        gh_asprintf("%s://%s/_gatehouse/den/logs/%.*s/%s", request->scheme, host ? host : "",
                    (int)ask->uri.len, ask->uri.bytes, ticket);
    gh_den_reply(request, json_pack("{s:s}", "logs_presigned_url", url));
}

/* How many minutes TEXT means; 0: none that can be. The client's command sends a number, or, on Python 3.11 and
 * newer, the name that the number has in its own enumeration. Source: recorded. */
static int64_t
minutes_of(struct gh_slice text)
{
    static const struct {
        const char *name;
        int64_t minutes;
    } names[] = {
        {"LogsSince.one", 1},       {"LogsSince.five", 5},         {"LogsSince.ten", 10},
        {"LogsSince.sixty", 60},    {"LogsSince.one_eighty", 180}, {"LogsSince.three_sixty", 360},
        {"LogsSince.day", 24 * 60},
    };
    int64_t minutes = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (gh_slice_is(text, names[i].name))
            return names[i].minutes;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || minutes > MINUTES_MAX)
            return 0;
        minutes = minutes * 10 + (text.bytes[i] - '0');
    }
    return minutes <= MINUTES_MAX ? minutes : 0;
}

void
gh_route_den_logs_link(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"minutes", GH_FIELD_TEXT, false};
    struct gh_buf lines GH_SCOPED(gh_buf_done) = {0};
    struct gh_den_ask ask;
    struct gh_value value;

    if (gh_den_ask_begin(api, request, GH_DEN_READ, &ask) != 0)
        return;
    if (gh_fields_query(request, &field, 1, &value) == 0) {
        int64_t minutes = value.is_given ? minutes_of(value.text) : MINUTES_PRESET;
        if (minutes == 0)
            gh_fields_refuse(request, "query", field.name, "value_error",
                             "Input should be 1 minute to a year", (struct gh_slice){0});
        else if (read_logs(request, ask.den, ask.resource, minutes * 60, &lines) == 0)
            reply_link(request, &ask, minutes * 60);
        gh_fields_done(&value, 1);
    }
    gh_den_ask_done(&ask);
}

static void
reply_lines(struct gh_request *request, struct gh_buf *lines)
{
    size_t len;

    gh_buf_reserve(lines, 1); /* something to give away also when nothing is in it */
    uint8_t *bytes = gh_buf_steal(lines, &len);
    request->sink->reply(request, 200, "text/plain; charset=utf-8", bytes, len);
}

/* The ticket is all that is asked for. */
void
gh_route_den_logs_file(struct gh_api *api, struct gh_request *request)
{
    int uri_at = gh_route_segment(request->route, "{uri}");
    int ticket_at = gh_route_segment(request->route, "{ticket}");
    struct gh_buf scratch GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf lines GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice uri = gh_url_plain(request->url.segments[uri_at], &scratch);
    int64_t since_s;

    if (!api->den || !gh_den_uri_is_valid(uri) ||
        !gh_den_ticket_is_good(api->den, request->url.segments[ticket_at], uri, &since_s)) {
        gh_reply_detail(request, 404, "This link is not known, or it is good no more.");
        return;
    }
    const struct gh_den_resource *resource = gh_den_resource_find(api->den, uri);
    if (!resource)
        gh_reply_detail(request, 404, "This resource is not there any more.");
    else if (read_logs(request, api->den, resource, since_s, &lines) == 0)
        reply_lines(request, &lines);
}

/* ---- launches ---- */

void
gh_route_den_launch(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;

    if (gh_den_ask_begin(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    gh_reply_detail(request, 501,
                    "This Den launches no clusters: start the node yourself, or let the client do "
                    "it (launcher: local).");
    gh_den_ask_done(&ask);
}
