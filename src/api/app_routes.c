/* SPDX-License-Identifier: Apache-2.0
 *
 * api/app_routes.c - every method and path below /{key} when the key is an ASGI or WSGI app.
 *
 * The exchange is handed to the app's process as soon as its head is here, and streamed both ways:
 *
 *     client --body--> on_body --HTTP_BODY--> app      paused while GH_HTTP_WINDOW_BYTES are unread
 *     client <--bytes-- sink <--HTTP_DATA---- app      which waits for our HTTP_SENT likewise
 *
 * Source: docs/ipc.md. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/log.h"
#include "pool/pool.h"
#include "store/keys.h"
#include "wire/frame.h"
#include "wire/le.h"
#include "wire/reply.h"

/* One request and its answer. It dies with its call, which the worker or its death ends. */
struct app_exchange {
    struct gh_request *request; /* NULL once its client has left */
    struct gh_call *call;
    bool has_started; /* the head of the answer came */
    bool is_broken;   /* the app cannot finish its answer */
    bool is_paused;
    size_t unread_bytes; /* of the request's body: sent, and not yet read by the app */
    uint32_t sent_bytes; /* of the answer: taken by the client, and not yet reported */
};

/* ---- which requests ---- */

struct gh_key *
gh_app_of(struct gh_api *api, const struct gh_url *url)
{
    struct gh_buf plain GH_SCOPED(gh_buf_done) = {0};

    if (url->segment_count == 0 || url->segments[0].len == 0 ||
        url->segments[0].len > 3 * GH_FIELD_NAME_MAX_BYTES)
        return NULL;
    struct gh_key *key = gh_keys_find(api->keys, gh_url_plain(url->segments[0], &plain));
    return key && key->app ? key : NULL;
}

bool
gh_api_is_for_app(struct gh_api *api, const struct gh_request *request)
{
    return gh_app_of(api, &request->url) && !gh_route_is_ours(api, &request->url);
}

/* ---- what comes from the worker ---- */

static void
on_start(struct app_exchange *app, const struct gh_frame *frame)
{
    struct gh_http_start start;
    const char *problem;

    if (app->has_started) {
        app->is_broken = true;
    } else if (gh_http_start_decode(frame->body, frame->body_len, &start, &problem) != 0) {
        app->is_broken = true;
        gh_log(GH_LOG_WARN, "worker.bad_answer", "process=%s app=%s problem=%s",
               gh_log_quote(app->call->process->name), gh_log_quote(app->call->key),
               gh_log_quote(problem));
    } else {
        app->has_started = true;
        if (app->request)
            app->request->sink->start(app->request, &start);
    }
}

static void
on_read(struct app_exchange *app, const struct gh_frame *frame)
{
    size_t count = frame->body_len >= 4 ? gh_load_u32(frame->body) : 0;

    app->unread_bytes -= count < app->unread_bytes ? count : app->unread_bytes;
    if (app->is_paused && app->unread_bytes <= GH_HTTP_WINDOW_BYTES / 2) {
        app->is_paused = false;
        if (app->request)
            app->request->sink->read_on(app->request);
    }
}

static void
on_frame(struct gh_call *call, const struct gh_frame *frame)
{
    struct app_exchange *app = call->context;

    switch ((int)frame->kind) {
    case GH_FRAME_HTTP_START:
        on_start(app, frame);
        break;
    case GH_FRAME_HTTP_DATA:
        if (app->request && app->has_started && !app->is_broken)
            app->request->sink->write(app->request, frame->body, frame->body_len);
        break;
    case GH_FRAME_HTTP_READ:
        on_read(app, frame);
        break;
    case GH_FRAME_HTTP_END:
        app->is_broken |= frame->body_len > 0 && frame->body[0] != 0;
        break;
    default:
        break;
    }
}

/* There is no head of an answer: the worker died, or could not take the request and says why, or the
 * app's makes none. */
static void
reply_unanswered(struct gh_request *request, const struct gh_call *call,
                 const struct gh_answer *answer)
{
    struct gh_buf out = {0};

    if (answer->failure) {
        gh_reply_detail(request, 502, "%s", answer->failure);
    } else if (answer->body && answer->len > 0) {
        gh_buf_add(&out, answer->body, answer->len);
        gh_reply_json(request, answer->status, &out);
    } else {
        gh_reply_detail(request, 502, "App %s sent no valid answer.", call->key);
    }
}

static void
on_done(struct gh_call *call, const struct gh_answer *answer)
{
    struct app_exchange *app = call->context;
    struct gh_request *request = app->request;

    if (answer->fd >= 0)
        close(answer->fd);
    if (request) {
        request->on_gone = NULL;
        request->on_body = NULL;
        request->on_sent = NULL;
        if (!app->has_started)
            reply_unanswered(request, call, answer);
        else if (answer->failure || app->is_broken)
            request->sink->cut(request);
        else
            request->sink->end(request);
    }
    free(app);
}

/* ---- what comes from the client ---- */

static bool
on_body(struct gh_request *request, void *context, const char *bytes, size_t len)
{
    struct app_exchange *app = context;

    (void)request;
    gh_pool_send(app->call, GH_FRAME_HTTP_BODY, 0, bytes, len);
    app->unread_bytes += len;
    app->is_paused = app->unread_bytes >= GH_HTTP_WINDOW_BYTES;
    return !app->is_paused;
}

static void
on_sent(struct gh_request *request, void *context, size_t len)
{
    struct app_exchange *app = context;
    uint8_t count[4];

    (void)request;
    app->sent_bytes += (uint32_t)len;
    if (app->sent_bytes < GH_HTTP_STEP_BYTES)
        return;
    gh_store_u32(count, app->sent_bytes);
    app->sent_bytes = 0;
    gh_pool_send(app->call, GH_FRAME_HTTP_SENT, -1, count, sizeof count);
}

static void
on_gone(struct gh_request *request, void *context)
{
    struct app_exchange *app = context;

    (void)request;
    app->request = NULL;
    gh_pool_send(app->call, GH_FRAME_HTTP_GONE, -1, NULL, 0);
}

/* ---- the request ---- */

#define USER_HEADER "X-Gatehouse-User"

struct encoding {
    struct gh_buf out;
    struct gh_http_request head;
    bool hides_token;
};

/* Is NAME the header TEXT to a WSGI app, which cannot tell "-" from "_"? */
static bool
is_header(struct gh_slice name, const char *text)
{
    size_t i = 0;

    while (i < name.len && text[i] &&
           (tolower((unsigned char)name.bytes[i]) == tolower((unsigned char)text[i]) ||
            (name.bytes[i] == '_' && text[i] == '-')))
        i++;
    return i == name.len && text[i] == '\0';
}

static void
add_header(void *context, struct gh_slice name, struct gh_slice value)
{
    struct encoding *encoding = context;

    if (is_header(name, USER_HEADER) || (encoding->hides_token && is_header(name, "Authorization")))
        return;
    gh_http_request_add(&encoding->out, &encoding->head, name, value);
}

/* The app is told who asks by us alone, and does not get to see a token that is good on this node. */
static void
add_headers(struct encoding *encoding, struct gh_request *request)
{
    struct gh_slice name = {USER_HEADER, sizeof USER_HEADER - 1};
    struct gh_slice user = {request->user, strlen(request->user)};

    encoding->hides_token = user.len > 0;
    request->sink->each_header(request, add_header, encoding);
    if (user.len > 0)
        gh_http_request_add(&encoding->out, &encoding->head, name, user);
}

static void
encode(struct encoding *encoding, struct gh_request *request, const struct gh_key *key)
{
    const char *version = request->version_text;

    encoding->head = (struct gh_http_request){
        .has_body = request->has_body,
        .key = {key->name, strlen(key->name)},
        .id = request->id,
        .scheme = request->scheme,
        .version = strncmp(version, "HTTP/", 5) == 0 ? version + 5 : version,
        .method = request->method_text,
        .path = request->url.path,
        .query = request->url.query,
        .connection = request->sink->header(request, "Connection"),
    };
    request->sink->addresses(request, &encoding->head.client, &encoding->head.server);
    gh_http_request_encode(&encoding->out, &encoding->head);
    add_headers(encoding, request);
}

static void
send_request(struct gh_request *request, struct gh_key *key)
{
    struct app_exchange *app = gh_alloc(sizeof *app);
    struct encoding encoding = {0};
    struct gh_err err;

    encode(&encoding, request, key);
    struct gh_call_order order = {
        .kind = GH_FRAME_HTTP_REQUEST,
        .head = {.key = {key->name, strlen(key->name)},
                 .method = {request->method_text, strlen(request->method_text)}},
        .body = {(char *)encoding.out.bytes, encoding.out.len},
        .fd = -1,
        .request_id = request->id,
        .user = request->user,
        .on_done = on_done,
        .on_frame = on_frame,
        .context = app,
    };
    if (gh_pool_call(key->process, &order, &app->call, &err) == GH_OK) {
        app->request = request;
        request->on_gone = on_gone;
        request->on_body = on_body;
        request->on_sent = on_sent;
        request->on_gone_context = app;
    } else {
        free(app);
        gh_reply_busy(request, gh_pool_retry_after_s(key->process), "%s", err.text);
    }
    gh_buf_done(&encoding.out);
}

void
gh_app_open(struct gh_api *api, struct gh_request *request)
{
    struct gh_key *key = gh_app_of(api, &request->url);
    const char *upgrade = request->sink->header(request, "Upgrade");

    if (key->problem)
        gh_reply_detail(request, 500, "App %s could not be started: %s", key->name, key->problem);
    else if (upgrade && gh_http_lists(upgrade, "websocket", 9))
        gh_reply_detail(request, 501,
                        "WebSocket is not served; use plain HTTP, or Server-Sent Events for what "
                        "the server has to tell.");
    else
        send_request(request, key);
}

void
gh_route_app_end(struct gh_api *api, struct gh_request *request)
{
    struct app_exchange *app = request->on_body ? request->on_gone_context : NULL;

    (void)api;
    if (app && request->has_body)
        gh_pool_send(app->call, GH_FRAME_HTTP_BODY, 1, NULL, 0);
}
