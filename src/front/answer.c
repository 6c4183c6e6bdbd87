/* SPDX-License-Identifier: Apache-2.0
 *
 * front/answer.c - the sink: an answer from api/ to libmicrohttpd.
 *
 * libmicrohttpd takes an answer only when the whole request is in. What is written to a stream
 * before waits in the heap, and beyond SPOOL_BYTES in a memfd, so that an app that answers while it reads
 * (an echo) neither stops nor fills our memory. Where there is no room for that the answer becomes a 507. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "pool/shm.h"

#define STREAM_BLOCK_BYTES (16u << 10)
#define SPOOL_BYTES (64u << 10)

static struct gh_exchange *
of(struct gh_request *request)
{
    return (struct gh_exchange *)request;
}

/* ---- of the request ---- */

static const char *
sink_header(struct gh_request *request, const char *name)
{
    return MHD_lookup_connection_value(of(request)->mhd, MHD_HEADER_KIND, name);
}

struct visit {
    void (*fn)(void *context, struct gh_slice name, struct gh_slice value);
    void *context;
};

static enum MHD_Result
visit_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
             const char *value, size_t value_len)
{
    const struct visit *visit = context;

    (void)kind;
    visit->fn(visit->context, (struct gh_slice){name, name_len},
              (struct gh_slice){value ? value : "", value ? value_len : 0});
    return MHD_YES;
}

static void
sink_each_header(struct gh_request *request,
                 void (*fn)(void *context, struct gh_slice name, struct gh_slice value),
                 void *context)
{
    struct visit visit = {fn, context};
    MHD_get_connection_values_n(of(request)->mhd, MHD_HEADER_KIND, visit_header, &visit);
}

static void
describe(const struct gh_ip *ip, unsigned port, struct gh_http_address *out)
{
    gh_ip_write(ip, out->host);
    snprintf(out->port, sizeof out->port, "%u", port);
}

static void
sink_addresses(struct gh_request *request, struct gh_http_address *client_out,
               struct gh_http_address *server_out)
{
    const struct gh_exchange *exchange = of(request);
    const struct gh_forwarded *from = &exchange->forwarded;
    const struct gh_conn *conn = exchange->conn;
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    struct gh_ip ip;
    unsigned port;

    *client_out = (struct gh_http_address){.host = ""};
    if (from->has_client)
        describe(&from->client, from->port, client_out);
    else if (conn->has_ip)
        describe(&conn->ip, conn->port, client_out);
    if (!server_out)
        return;
    *server_out = (struct gh_http_address){.host = ""};
    if (getsockname(conn->fd, (struct sockaddr *)&address, &len) == 0 &&
        gh_ip_of((const struct sockaddr *)&address, &ip, &port))
        describe(&ip, port, server_out);
}

/* ---- whole answers ---- */

void
gh_answer_add(struct gh_exchange *exchange, const char *name, const char *value)
{
    if (MHD_add_response_header(exchange->response, name, value) != MHD_YES)
        gh_log(GH_LOG_DEBUG, "header.dropped", "request_id=%s name=%s", exchange->request.id,
               gh_log_quote(name));
}

/* A tag of the plain bytes is a weak one of what they are compressed to. Source: RFC 9110 section 8.8.3. */
static void
add_more(struct gh_exchange *exchange, const struct gh_header *header)
{
    bool is_weakened = exchange->coding != GH_CODING_IDENTITY &&
                       strcmp(header->name, "ETag") == 0 && header->value[0] == '"';
    char *weak GH_SCOPED(gh_free) = is_weakened ? gh_asprintf("W/%s", header->value) : NULL;

    gh_answer_add(exchange, header->name, weak ? weak : header->value);
}

static void
add_headers(struct gh_exchange *exchange, const char *content_type)
{
    struct gh_request *request = &exchange->request;
    char text[24];

    if (content_type)
        gh_answer_add(exchange, "Content-Type", content_type);
    if (!MHD_get_response_header(exchange->response, "X-Request-ID"))
        gh_answer_add(exchange, "X-Request-ID", request->id);
    if (request->allow)
        gh_answer_add(exchange, "Allow", request->allow);
    if (request->retry_after_s) {
        snprintf(text, sizeof text, "%u", request->retry_after_s);
        gh_answer_add(exchange, "Retry-After", text);
    }
    for (const struct gh_header *more = request->headers; more && more->name; more++)
        add_more(exchange, more);
    if (exchange->varies_by_coding)
        gh_answer_add(exchange, "Vary", "Accept-Encoding");
    if (exchange->coding != GH_CODING_IDENTITY)
        gh_answer_add(exchange, "Content-Encoding", gh_coding_name(exchange->coding));
    gh_cors_add_headers(exchange);
    gh_add_hsts(exchange);
    if (exchange->wants_close || exchange->conn->server->is_draining)
        gh_answer_add(exchange, "Connection", "close");
}

/* TARGET without its query, which holds the arguments of a call. */
static const char *
quote_path(char *target)
{
    char *question = strchr(target, '?');
    if (question)
        *question = '\0';
    const char *quoted = gh_log_quote(target);
    if (question)
        *question = '?';
    return quoted;
}

static void
resume(struct gh_exchange *exchange, enum gh_phase phase)
{
    exchange->is_suspended = exchange->is_paused = false;
    gh_conn_enter(exchange->conn, phase);
    MHD_resume_connection(exchange->mhd);
}

/* The answer is there, its body whole or about to come. A body of the request that was paused stays so:
 * who reads it goes on. */
static void
answer(struct gh_exchange *exchange, unsigned status, const char *content_type)
{
    exchange->is_answered = true;
    exchange->status = status;
    gh_api_answered(exchange->conn->server->api, &exchange->request, status);
    if (exchange->response) /* else no memory for one: queue_answer closes the connection */
        add_headers(exchange, content_type);
    enum gh_log_level level = status >= 500 ? GH_LOG_WARN : GH_LOG_DEBUG;
    if (gh_log_wants(level))
        gh_log(level, status >= 500 ? "request.failed" : "request.answered",
               "request_id=%s status=%u path=%s", exchange->request.id, status,
               quote_path(exchange->target));
    if (exchange->is_paused && !exchange->is_stream) {
        resume(exchange, GH_PHASE_BODY);
    } else if (exchange->is_suspended && !exchange->is_paused) {
        exchange->is_suspended = false;
        MHD_resume_connection(exchange->mhd);
    }
}

static void
sink_reply(struct gh_request *request, unsigned status, const char *content_type, uint8_t *body,
           size_t len)
{
    struct gh_exchange *exchange = of(request);
    const struct gh_plain plain = {body, -1, len};

    exchange->response = gh_packed_response(exchange, status, content_type, &plain);
    if (!exchange->response)
        exchange->response = MHD_create_response_from_buffer_with_free_callback(len, body, free);
    if (!exchange->response)
        free(body);
    answer(exchange, status, content_type);
}

static void
sink_reply_fd(struct gh_request *request, unsigned status, const char *content_type, int fd,
              size_t len)
{
    struct gh_exchange *exchange = of(request);
    const struct gh_plain plain = {NULL, fd, len};

    exchange->response = gh_packed_response(exchange, status, content_type, &plain);
    if (!exchange->response)
        exchange->response = MHD_create_response_from_fd64(len, fd);
    if (!exchange->response)
        close(fd);
    answer(exchange, status, content_type);
}

/* ---- streams ---- */

/* Move all that was written to the memfd, where it counts as sent. */
static int
spool(struct gh_exchange *exchange, struct gh_err *err)
{
    struct gh_request *request = &exchange->request;
    struct gh_buf *stream = &exchange->stream;
    uint64_t limit = exchange->conn->server->settings->body_max_bytes;
    size_t len = stream->len;

    if (exchange->spool_len + len > limit)
        return gh_err_set(err, GH_E_NO_ROOM, "there are more than %llu bytes (body_max_bytes)",
                          (unsigned long long)limit);
    if (exchange->spool_fd < 0)
        exchange->spool_fd = gh_shm_open(err);
    if (exchange->spool_fd < 0 ||
        gh_shm_write(exchange->spool_fd, stream->bytes, len, err) != GH_OK)
        return err->code;
    exchange->spool_len += len;
    stream->len = 0;
    if (request->on_sent)
        request->on_sent(request, request->on_gone_context, len);
    return GH_OK;
}

/* What was written cannot be kept until the request is whole. Were its writer only made to wait, an app that
 * reads its body no further meanwhile would wait for ever. Nothing was sent yet: another answer takes the
 * place of this one, and to who wrote it the client has left. */
static void
give_up(struct gh_exchange *exchange, struct gh_err *err)
{
    gh_exchange_drop_taker(exchange);
    gh_buf_done(&exchange->stream);
    if (exchange->spool_fd >= 0)
        close(exchange->spool_fd);
    exchange->spool_fd = -1;
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    exchange->is_stream = false;
    gh_err_add(err, "The answer came before the request was whole, and cannot be kept");
    gh_head_refuse(exchange, 507, err->text);
}

static ssize_t
read_spool(struct gh_exchange *exchange, char *room, size_t room_len)
{
    uint64_t left = exchange->spool_len - exchange->spool_used;
    size_t count = left < room_len ? (size_t)left : room_len;
    ssize_t got = pread(exchange->spool_fd, room, count, (off_t)exchange->spool_used);

    if (got <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    exchange->spool_used += (uint64_t)got;
    if (exchange->spool_used == exchange->spool_len) {
        close(exchange->spool_fd);
        exchange->spool_fd = -1;
    }
    return got;
}

/* libmicrohttpd asks for more of a stream. */
static ssize_t
on_stream_read(void *context, uint64_t position, char *room, size_t room_len)
{
    struct gh_exchange *exchange = context;
    struct gh_request *request = &exchange->request;
    size_t left = exchange->stream.len - exchange->stream_used;

    (void)position;
    if (exchange->is_gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (exchange->spool_fd >= 0)
        return read_spool(exchange, room, room_len);
    if (left == 0 && exchange->is_stream_ended)
        return exchange->is_cut ? MHD_CONTENT_READER_END_WITH_ERROR
                                : MHD_CONTENT_READER_END_OF_STREAM;
    if (left == 0) {
        exchange->is_suspended = true;
        gh_conn_enter(exchange->conn, GH_PHASE_WORK);
        MHD_suspend_connection(exchange->mhd);
        return 0;
    }

    size_t count = left < room_len ? left : room_len;
    memcpy(room, exchange->stream.bytes + exchange->stream_used, count);
    exchange->stream_used += count;
    if (exchange->stream_used == exchange->stream.len)
        exchange->stream.len = exchange->stream_used = 0;
    if (request->on_sent)
        request->on_sent(request, request->on_gone_context, count);
    return (ssize_t)count;
}

static void
sink_stream(struct gh_request *request, unsigned status, const char *content_type)
{
    struct gh_exchange *exchange = of(request);

    exchange->is_stream = true;
    exchange->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                           on_stream_read, exchange, NULL);
    answer(exchange, status, content_type);
}

/* A response for a status or method that has no body may say how long one would be, and must not say
 * so when the app did not. */
static struct MHD_Response *
bodiless_response(const struct gh_http_start *head)
{
    struct MHD_Response *response =
        MHD_create_response_empty(head->status == 204 ? MHD_RF_NONE : MHD_RF_HEAD_ONLY_RESPONSE);
    char text[24];

    if (response && head->has_length && head->status != 204) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)head->content_length);
        MHD_add_response_header(response, "Content-Length", text);
    }
    return response;
}

static void
sink_start(struct gh_request *request, const struct gh_http_start *head)
{
    struct gh_exchange *exchange = of(request);
    uint64_t len = head->has_length ? head->content_length : MHD_SIZE_UNKNOWN;
    struct gh_slice rest = head->headers;
    const char *name, *value;

    exchange->is_stream = true;
    exchange->drops_body = request->method == GH_HEAD || head->status == 204 || head->status == 304;
    if (exchange->drops_body)
        exchange->response = bodiless_response(head);
    else if (len == 0)
        exchange->response = MHD_create_response_empty(MHD_RF_NONE);
    else
        exchange->response = MHD_create_response_from_callback(len, STREAM_BLOCK_BYTES,
                                                               on_stream_read, exchange, NULL);
    while (exchange->response && gh_http_next_header(&rest, &name, &value))
        gh_answer_add(exchange, name, value);
    answer(exchange, head->status, NULL);
}

static void
wake_stream(struct gh_exchange *exchange)
{
    if (exchange->is_suspended && exchange->is_queued)
        resume(exchange, GH_PHASE_SEND);
}

static size_t
sink_write(struct gh_request *request, const void *bytes, size_t len)
{
    struct gh_exchange *exchange = of(request);
    struct gh_err err;

    if (exchange->drops_body) {
        if (request->on_sent)
            request->on_sent(request, request->on_gone_context, len);
        return 0;
    }
    /* Half of it at least, or a reader that is 4 MiB behind would cost that much copying per line. */
    if (len > 0 && exchange->stream_used > exchange->stream.len / 2) {
        gh_buf_drop(&exchange->stream, exchange->stream_used);
        exchange->stream_used = 0;
    }
    gh_buf_add(&exchange->stream, bytes, len);
    if (len > 0)
        wake_stream(exchange);
    if (!exchange->has_end && !exchange->is_queued && exchange->stream.len > SPOOL_BYTES &&
        spool(exchange, &err) != GH_OK) {
        give_up(exchange, &err);
        return 0;
    }
    return exchange->stream.len - exchange->stream_used;
}

static void
sink_end(struct gh_request *request)
{
    struct gh_exchange *exchange = of(request);

    exchange->is_stream_ended = true;
    if (exchange->is_paused)
        resume(exchange, GH_PHASE_BODY); /* nobody reads it any more; it is read past */
    else
        wake_stream(exchange);
}

static void
sink_cut(struct gh_request *request)
{
    struct gh_exchange *exchange = of(request);

    gh_log(GH_LOG_WARN, "request.cut", "request_id=%s path=%s", request->id,
           quote_path(exchange->target));
    exchange->is_cut = true; /* after what was written before */
    sink_end(request);
}

static void
sink_read_on(struct gh_request *request)
{
    struct gh_exchange *exchange = of(request);

    if (exchange->is_held && exchange->is_suspended) {
        gh_exchange_expect_body(exchange);
        if (exchange->is_suspended) /* else it has been answered: no room for the body */
            resume(exchange, GH_PHASE_BODY);
    } else if (exchange->is_paused) {
        resume(exchange, GH_PHASE_BODY);
    }
}

const struct gh_sink gh_front_sink = {
    .header = sink_header,
    .reply = sink_reply,
    .reply_fd = sink_reply_fd,
    .stream = sink_stream,
    .write = sink_write,
    .end = sink_end,
    .start = sink_start,
    .cut = sink_cut,
    .read_on = sink_read_on,
    .each_header = sink_each_header,
    .addresses = sink_addresses,
};
