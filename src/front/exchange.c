/* SPDX-License-Identifier: Apache-2.0
 *
 * front/exchange.c - one request from libmicrohttpd's callbacks to api/: its head and its body. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "pool/shm.h"
#include "wire/frame.h"
#include "wire/reply.h"

#define DEADLINE_STEP_BYTES (64u << 10)
#define DRAIN_MAX_BYTES (64u << 20) /* of a chunked body over the limit, read to answer politely */

struct gh_exchange *
gh_exchange_new(struct gh_server *server, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct gh_exchange *exchange = gh_alloc(sizeof *exchange);

    exchange->request.sink = &gh_front_sink;
    exchange->request.scheme = server->has_tls ? "https" : "http";
    exchange->request.body_fd = -1;
    exchange->request.is_local = server->is_local;
    exchange->body_fd = -1;
    exchange->spool_fd = -1;
    exchange->mhd = mhd;
    exchange->target = gh_strdup(target);
    exchange->conn = info->socket_context;
    snprintf(exchange->request.tls_user, sizeof exchange->request.tls_user, "%s",
             gh_handshake_user(exchange->conn));
    exchange->conn->exchange = exchange;
    exchange->request.peer = &exchange->conn->peer;
    gh_conn_enter(exchange->conn, GH_PHASE_HEAD);
    server->exchange_count++;
    return exchange;
}

void
gh_exchange_free(struct gh_exchange *exchange)
{
    struct gh_server *server = exchange->conn->server;

    if (!exchange->is_gone && exchange->has_head)
        gh_exchange_gone(exchange);
    exchange->conn->exchange = NULL;
    exchange->conn->answers_early =
        !exchange->has_head || (exchange->request.has_body && !exchange->has_end);
    gh_conn_enter(exchange->conn, GH_PHASE_IDLE);
    server->exchange_count--;

    if (exchange->response)
        MHD_destroy_response(exchange->response);
    gh_shm_unmap(exchange->body_map, exchange->body_len);
    if (exchange->body_fd >= 0)
        close(exchange->body_fd);
    if (exchange->request.body_fd >= 0)
        close(exchange->request.body_fd);
    if (exchange->spool_fd >= 0)
        close(exchange->spool_fd);
    gh_buf_done(&exchange->body);
    gh_buf_done(&exchange->stream);
    free(exchange->target);
    free(exchange);
}

void
gh_exchange_gone(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    bool is_pending = !exchange->is_answered || (exchange->is_stream && !exchange->is_stream_ended);

    if (exchange->is_gone)
        return;
    exchange->is_gone = true;
    if (!exchange->is_answered)
        gh_api_answered(exchange->conn->server->api, request, 0);
    if (is_pending && request->on_gone)
        request->on_gone(request, request->on_gone_context);
    if (exchange->is_suspended) {
        exchange->is_suspended = exchange->is_paused = false;
        MHD_resume_connection(exchange->mhd);
    }
}

/* ---- the head ---- */

static enum gh_method
method_of(const char *method)
{
    static const struct {
        const char *name;
        enum gh_method method;
    } names[] = {{"GET", GH_GET},        {"POST", GH_POST},   {"HEAD", GH_HEAD},
                 {"PUT", GH_PUT},        {"PATCH", GH_PATCH}, {"DELETE", GH_DELETE},
                 {"OPTIONS", GH_OPTIONS}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, method) == 0)
            return names[i].method;
    return GH_OTHER;
}

/* The client's X-Request-ID when it is a plain word of bearable length, else one of ours. */
static void
set_request_id(struct gh_request *request)
{
    static uint64_t prefix, turn;
    const char *theirs = gh_front_sink.header(request, "X-Request-ID");
    size_t len = theirs ? strlen(theirs) : 0;

    if (len > 0 && len < sizeof request->id &&
        strspn(theirs, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+/=") ==
            len) {
        memcpy(request->id, theirs, len + 1);
        return;
    }
    while (prefix == 0)
        if (getrandom(&prefix, sizeof prefix, 0) != sizeof prefix)
            prefix = (uint64_t)getpid();
    snprintf(request->id, sizeof request->id, "%016llx-%llx", (unsigned long long)prefix,
             (unsigned long long)++turn);
}

void
gh_exchange_take_head(struct gh_exchange *exchange, const char *method, const char *version)
{
    struct gh_server *server = exchange->conn->server;
    struct gh_request *request = &exchange->request;

    exchange->has_head = true;
    request->method = method_of(method);
    request->method_text = method;
    request->version_text = version;
    set_request_id(request);
    if (!gh_head_passes(exchange))
        return;

    exchange->is_held = !gh_api_begin(server->api, request);
    if (!exchange->is_held && !exchange->is_answered)
        gh_exchange_expect_body(exchange);
}

void
gh_exchange_expect_body(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    struct gh_err err;

    gh_conn_enter(exchange->conn, GH_PHASE_BODY);
    if (exchange->guard.content_length > GH_FRAME_INLINE_MAX_BYTES && !request->on_body) {
        exchange->body_fd = gh_shm_open(&err);
        if (exchange->body_fd < 0)
            gh_head_refuse(exchange, 507, err.text);
    }
}

/* ---- the body ---- */

static int
to_shared_memory(struct gh_exchange *exchange, struct gh_err *err)
{
    exchange->body_fd = gh_shm_open(err);
    if (exchange->body_fd < 0)
        return GH_E_SYSTEM;
    int rc = gh_shm_write(exchange->body_fd, exchange->body.bytes, exchange->body.len, err);
    gh_buf_done(&exchange->body);
    return rc;
}

/* There is no memory for the body: what was kept of it goes at once, the rest is read past. */
static void
refuse_for_memory(struct gh_exchange *exchange, const struct gh_err *err)
{
    if (exchange->body_fd >= 0)
        close(exchange->body_fd);
    exchange->body_fd = -1;
    gh_head_refuse(exchange, 507, err->text);
}

static int
keep_body(struct gh_exchange *exchange, const char *bytes, size_t len, struct gh_err *err)
{
    int rc = GH_OK;

    if (exchange->body_fd < 0 && exchange->body.len + len > GH_FRAME_INLINE_MAX_BYTES)
        rc = to_shared_memory(exchange, err);
    if (rc != GH_OK)
        return rc;
    if (exchange->body_fd >= 0)
        return gh_shm_write(exchange->body_fd, bytes, len, err);
    gh_buf_add(&exchange->body, bytes, len);
    return GH_OK;
}

void
gh_exchange_drop_taker(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;

    if (request->on_body && request->on_gone)
        request->on_gone(request, request->on_gone_context);
    request->on_body = NULL;
    request->on_sent = NULL;
    request->on_gone = NULL;
}

/* The body is larger than it may be. Of an answer that was begun nothing was sent yet. */
static enum gh_take
refuse_body(struct gh_exchange *exchange)
{
    gh_exchange_drop_taker(exchange);
    if (exchange->is_answered)
        return GH_TAKE_CLOSE;
    gh_head_refuse(exchange, 413, "The body is larger than the limit (body_max_bytes).");
    return GH_TAKE_ON;
}

enum gh_take
gh_exchange_take_body(struct gh_exchange *exchange, const char *bytes, size_t len)
{
    struct gh_request *request = &exchange->request;
    uint64_t limit = exchange->conn->server->settings->body_max_bytes;
    struct gh_err err;

    exchange->body_len += len;
    if (exchange->body_len - exchange->body_mark >= DEADLINE_STEP_BYTES) {
        exchange->body_mark = exchange->body_len;
        gh_conn_extend(exchange->conn);
    }
    if (exchange->is_answered && !request->on_body) /* before its end: read on, to answer then */
        return exchange->body_len <= limit + DRAIN_MAX_BYTES ? GH_TAKE_ON : GH_TAKE_CLOSE;
    if (exchange->body_len > limit)
        return refuse_body(exchange);
    if (request->on_body)
        return request->on_body(request, request->on_gone_context, bytes, len) ? GH_TAKE_ON
                                                                               : GH_TAKE_PAUSE;
    if (keep_body(exchange, bytes, len, &err) != GH_OK)
        refuse_for_memory(exchange, &err);
    return GH_TAKE_ON;
}

void
gh_exchange_take_end(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    struct gh_err err;

    exchange->has_end = true;
    gh_conn_enter(exchange->conn, GH_PHASE_WORK);
    if (exchange->body_fd >= 0) {
        if (gh_shm_seal(exchange->body_fd, &err) == GH_OK)
            exchange->body_map = gh_shm_map(exchange->body_fd, exchange->body_len, &err);
        if (!exchange->body_map) {
            gh_head_refuse(exchange, 507, err.text);
            return;
        }
        request->body = (struct gh_slice){exchange->body_map, exchange->body_len};
        request->body_fd = exchange->body_fd;
        exchange->body_fd = -1;
    } else {
        request->body = (struct gh_slice){(char *)exchange->body.bytes, exchange->body.len};
    }
    gh_api_handle(exchange->conn->server->api, request);
}
