/* SPDX-License-Identifier: Apache-2.0
 *
 * tiny_http.h - an HTTP server of the tests on a loop: it answers by the path, and counts.
 *
 *     /hello       "hello\n", with a header X-Word     /chunked    "one,two," in two chunks
 *     /zeros/N     N zeros                             /echo       the request as it came
 *     /silent      nothing, for ever                   /reset      the connection is reset
 *     /cut         a body that ends too early          /to/PATH    307 to /PATH
 *     /garbage     no HTTP at all                      /long-head  a head without end
 *     /away/PATH   307 to /PATH by another name of this host
 *
 * What it has read is wiped, so that tests can look whether others have wiped it. */
#ifndef GH_TEST_TINY_HTTP_H
#define GH_TEST_TINY_HTTP_H

#include <uv.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

struct tiny_http {
    uv_tcp_t listener;
    unsigned port;
    unsigned connections, requests, open;
    unsigned silent; /* requests that wait for ever */
    void (*on_silent)(void *context);
    void *context;
};

struct tiny_conn {
    uv_tcp_t tcp;
    struct tiny_http *server;
    struct gh_buf in;
    char chunk[4096];
};

static void
tiny_on_closed(uv_handle_t *handle)
{
    struct tiny_conn *conn = handle->data;

    conn->server->open--;
    gh_buf_done(&conn->in);
    free(conn);
}

static void
tiny_close(struct tiny_conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp))
        uv_close((uv_handle_t *)&conn->tcp, tiny_on_closed);
}

static void
tiny_on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
    free(write);
}

static void
tiny_send(struct tiny_conn *conn, const void *bytes, size_t len)
{
    uv_write_t *write = gh_alloc(sizeof *write);
    char *copy = gh_strndup(bytes, 0);

    copy = gh_realloc(copy, len + 1);
    memcpy(copy, bytes, len);
    write->data = copy;
    uv_buf_t buf = uv_buf_init(copy, (unsigned)len);
    ck_assert_int_eq(uv_write(write, (uv_stream_t *)&conn->tcp, &buf, 1, tiny_on_written), 0);
}

static void
tiny_answer(struct tiny_conn *conn, unsigned status, const char *headers, const void *body,
            size_t len)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_buf_addf(&out, "HTTP/1.1 %u Said\r\nContent-Length: %zu\r\n%s\r\n", status, len, headers);
    gh_buf_add(&out, body, len);
    tiny_send(conn, out.bytes, out.len);
}

static void
tiny_zeros(struct tiny_conn *conn, size_t count)
{
    char *zeros GH_SCOPED(gh_free) = gh_alloc(count + 1);

    memset(zeros, '0', count);
    tiny_answer(conn, 200, "", zeros, count);
}

static void
tiny_long_head(struct tiny_conn *conn)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&out, "HTTP/1.1 200 Said\r\n");
    for (unsigned i = 0; i < 4000; i++)
        gh_buf_addf(&out, "X-Head-%u: abcdefghijklmnopqrstuvwxyz\r\n", i);
    tiny_send(conn, out.bytes, out.len);
}

static void
tiny_silence(struct tiny_http *server)
{
    server->silent++;
    if (server->on_silent)
        server->on_silent(server->context);
}

static void
tiny_handle(struct tiny_conn *conn, const char *path, size_t request_len)
{
    static const char chunks[] = "HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "4\r\none,\r\n4\r\ntwo,\r\n0\r\n\r\n";
    static const char cut[] = "HTTP/1.1 200 Said\r\nContent-Length: 100\r\n\r\nshort";
    char location[192];

    conn->server->requests++;
    if (strcmp(path, "/hello") == 0)
        tiny_answer(conn, 200, "X-Word:  some word \r\n", "hello\n", 6);
    else if (strcmp(path, "/chunked") == 0)
        tiny_send(conn, chunks, sizeof chunks - 1);
    else if (strncmp(path, "/zeros/", 7) == 0)
        tiny_zeros(conn, strtoul(path + 7, NULL, 10));
    else if (strcmp(path, "/echo") == 0)
        tiny_answer(conn, 200, "", conn->in.bytes, request_len);
    else if (strcmp(path, "/silent") == 0)
        tiny_silence(conn->server);
    else if (strcmp(path, "/reset") == 0)
        uv_tcp_close_reset(&conn->tcp, tiny_on_closed);
    else if (strcmp(path, "/garbage") == 0)
        tiny_send(conn, "what?\r\n\r\n", 9);
    else if (strcmp(path, "/long-head") == 0)
        tiny_long_head(conn);
    else if (strncmp(path, "/to/", 4) == 0) {
        snprintf(location, sizeof location, "Location: %s\r\nX-Word: old\r\n", path + 3);
        tiny_answer(conn, 307, location, "", 0);
    } else if (strncmp(path, "/away/", 6) == 0) {
        snprintf(location, sizeof location, "Location: http://localhost:%u%s\r\n",
                 conn->server->port, path + 5);
        tiny_answer(conn, 307, location, "", 0);
    } else if (strcmp(path, "/cut") == 0) {
        tiny_send(conn, cut, sizeof cut - 1);
        tiny_close(conn);
    } else {
        tiny_answer(conn, 404, "", "no\n", 3);
    }
}

/* The length of the first request in conn->in, 0 while it is not whole. */
static size_t
tiny_request_len(struct tiny_conn *conn)
{
    const char *text = gh_buf_text(&conn->in);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");

    if (!end)
        return 0;
    size_t len = (size_t)(end - text) + 4;
    if (length && length < end)
        len += strtoul(length + 16, NULL, 10);
    return len <= conn->in.len ? len : 0;
}

static void
tiny_on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct tiny_conn *conn = stream->data;
    char path[128];
    size_t request_len;

    if (len < 0) {
        tiny_close(conn);
        return;
    }
    gh_buf_add(&conn->in, buf->base, (size_t)len);
    explicit_bzero(buf->base, (size_t)len);
    while (!uv_is_closing((uv_handle_t *)&conn->tcp) && (request_len = tiny_request_len(conn))) {
        ck_assert_int_eq(sscanf(gh_buf_text(&conn->in), "%*s %127s", path), 1);
        tiny_handle(conn, path, request_len);
        explicit_bzero(conn->in.bytes, request_len);
        gh_buf_drop(&conn->in, request_len);
    }
}

static void
tiny_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct tiny_conn *conn = handle->data;

    (void)size;
    *buf = uv_buf_init(conn->chunk, sizeof conn->chunk);
}

static void
tiny_on_connection(uv_stream_t *listener, int status)
{
    struct tiny_http *server = listener->data;
    struct tiny_conn *conn = gh_alloc(sizeof *conn);

    ck_assert_int_eq(status, 0);
    uv_tcp_init(listener->loop, &conn->tcp);
    conn->tcp.data = conn;
    conn->server = server;
    gh_buf_reserve(&conn->in, 65536); /* moved never: that would leave a copy */
    server->connections++;
    server->open++;
    ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&conn->tcp), 0);
    uv_read_start((uv_stream_t *)&conn->tcp, tiny_alloc, tiny_on_read);
}

static void
tiny_start(struct tiny_http *server, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int len = sizeof address;

    *server = (struct tiny_http){0};
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    ck_assert_int_eq(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&server->listener, 128, tiny_on_connection), 0);
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
}

static void
tiny_stop(struct tiny_http *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
}

#endif
