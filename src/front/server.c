/* SPDX-License-Identifier: Apache-2.0 */
#include "front/server.h"

#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "tls/tls.h"

#if MHD_VERSION < 0x01000A00
#error "libmicrohttpd 1.0.10 or newer is needed: older ones let requests be smuggled"
#endif

#define MEMORY_A_CONNECTION (32u << 10) /* zeroed on each request; bounds target and headers */
#define RUNS_A_TURN 8

/* MHD_ALLOW_SUSPEND_RESUME brings an eventfd along that wakes a poll in another thread, at one write
 * for each resume: a fifth of the system calls of a call. We resume in the loop's own thread and ask
 * MHD_get_timeout64 afterwards, so the flag goes without it (checked with 1.0.10). */
#define SUSPEND_RESUME (MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC)

/* ---- callbacks of libmicrohttpd ---- */

static void *
on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
    return gh_exchange_new(context, target, mhd);
}

static enum MHD_Result
queue_answer(struct gh_exchange *exchange)
{
    if (exchange->is_gone || !exchange->response)
        return MHD_NO;
    exchange->is_queued = true;
    gh_conn_enter(exchange->conn, GH_PHASE_SEND);
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

/* In mid-body: no more of it until read_on. Its deadline, which is for the client, rests. */
static void
pause_body(struct gh_exchange *exchange)
{
    exchange->is_suspended = exchange->is_paused = true;
    gh_conn_enter(exchange->conn, GH_PHASE_WORK);
    MHD_suspend_connection(exchange->mhd);
}

/* The head of EXCHANGE was taken. An answer queued now closes the connection: right when a body is not
 * wanted. Without a body the next call of on_request answers, and the connection lives on. */
static enum MHD_Result
after_head(struct gh_exchange *exchange)
{
    if (exchange->is_gone)
        return MHD_NO;
    if (exchange->is_answered && (exchange->request.has_body || exchange->wants_close))
        return queue_answer(exchange);
    return MHD_YES;
}

/* Who may not be decided at once: libmicrohttpd takes nothing of the body, and comes back with the head. */
static void
hold(struct gh_exchange *exchange)
{
    exchange->is_suspended = true;
    gh_conn_enter(exchange->conn, GH_PHASE_WORK);
    MHD_suspend_connection(exchange->mhd);
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
           const char *version, const char *upload, size_t *upload_len, void **exchange_of)
{
    struct gh_exchange *exchange = *exchange_of;

    (void)context;
    (void)url;
    if (!exchange->has_head) {
        gh_exchange_take_head(exchange, method, version);
        if (exchange->is_held)
            hold(exchange);
        return exchange->is_held ? MHD_YES : after_head(exchange);
    }
    if (exchange->is_held) {
        exchange->is_held = false;
        return after_head(exchange);
    }
    if (*upload_len > 0) {
        if (exchange->is_gone)
            return MHD_NO;
        if (exchange->is_paused) /* the next chunk of what was read already: it is to keep it */
            return MHD_YES;
        enum gh_take take = gh_exchange_take_body(exchange, upload, *upload_len);
        *upload_len = 0;
        if (take == GH_TAKE_PAUSE)
            pause_body(exchange);
        return take == GH_TAKE_CLOSE ? MHD_NO : MHD_YES;
    }
    if (exchange->is_queued)
        return MHD_YES;
    bool is_wanted = !exchange->is_answered || exchange->request.on_body;
    if (is_wanted && !exchange->is_gone && !exchange->has_end)
        gh_exchange_take_end(exchange);
    if (exchange->is_answered || exchange->is_gone)
        return queue_answer(exchange);

    exchange->is_suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

static void
on_completed(void *context, struct MHD_Connection *mhd, void **exchange_of,
             enum MHD_RequestTerminationCode how)
{
    struct gh_exchange *exchange = *exchange_of;

    (void)context;
    (void)mhd;
    (void)how;
    if (exchange)
        gh_exchange_free(exchange);
    *exchange_of = NULL;
}

static void
on_connection(void *context, struct MHD_Connection *mhd, void **conn_of,
              enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *conn_of = gh_conn_new(context, mhd, info->connect_fd);
        if (((struct gh_server *)context)->has_tls)
            gh_handshake_begin(*conn_of, mhd);
    } else if (*conn_of) {
        struct gh_server *server = context;
        server->has_closed = true;
        gh_conn_free(*conn_of);
        *conn_of = NULL;
    }
}

/* The raw target is decoded by wire/url, with lengths; a NUL in it must not cut it here. */
static size_t
keep_raw(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

static void GH_PRINTF(2, 0) on_mhd_log(void *context, const char *format, va_list args)
{
    char text[400];

    (void)context;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    gh_log(GH_LOG_DEBUG, "http.note", "text=%s", gh_log_quote(text));
}

/* ---- the loop ---- */

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct gh_server *server = poll->data;

    (void)events;
    if (status == 0)
        MHD_run(server->mhd);
}

static void
on_idle(uv_idle_t *idle)
{
    (void)idle; /* keeps the loop from sleeping; gh_server_run does the work */
}

void
gh_server_run(struct gh_server *server)
{
    uint64_t wait_ms = 1;
    bool has_work = false;

    /* At connections_max it stops listening and looks whether it may again only at the start of a
     * run, while connections are freed at the end of one. */
    if (server->has_closed) {
        server->has_closed = false;
        MHD_run(server->mhd);
    }

    /* The epoll is edge triggered: what libmicrohttpd left undone it says only here. */
    for (int i = 0; i < RUNS_A_TURN; i++) {
        has_work = MHD_get_timeout64(server->mhd, &wait_ms) == MHD_YES && wait_ms == 0;
        if (!has_work)
            break;
        MHD_run(server->mhd);
    }
    if (has_work)
        uv_idle_start(&server->idle, on_idle);
    else
        uv_idle_stop(&server->idle);
}

/* ---- start and stop ---- */

/* libmicrohttpd wants a certificate of its own; each session gets another source (front/handshake.c). */
static int
no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
               gnutls_pcert_st **chain, unsigned *chain_len, gnutls_ocsp_data_st **ocsp,
               unsigned *ocsp_len, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session, (void)info, (void)chain, (void)chain_len;
    (void)ocsp, (void)ocsp_len, (void)key, (void)flags;
    return -1;
}

int
gh_server_start(uv_loop_t *loop, const struct gh_settings *settings, struct gh_api *api,
                struct gh_listener *listener, struct gh_server **server_out, struct gh_err *err)
{
    struct gh_server *server = gh_alloc(sizeof *server);

    server->loop = loop;
    server->settings = settings;
    server->api = api;
    server->listener = *listener;
    server->is_local = listener->kind == GH_PORT_CONTROL;
    server->has_tls = listener->kind == GH_PORT_HTTPS;
    *listener = (struct gh_listener){.fd = -1};

    struct MHD_OptionItem of_tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)gh_tls_priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)no_certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!server->has_tls)
        of_tls[0].option = MHD_OPTION_END;

    server->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | SUSPEND_RESUME | MHD_USE_ERROR_LOG | (server->has_tls ? MHD_USE_TLS : 0), 0,
        NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, server,
        MHD_OPTION_LISTEN_SOCKET, server->listener.fd, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_raw, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)settings->connections_max + GH_LOBBY_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_A_CONNECTION,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, MHD_OPTION_ARRAY,
        of_tls, MHD_OPTION_END);
    if (!server->mhd) {
        gh_listener_close(&server->listener);
        free(server);
        return gh_err_set(err, GH_E_SYSTEM, "libmicrohttpd did not start");
    }

    uv_poll_init(loop, &server->poll,
                 MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_idle_init(loop, &server->idle);
    uv_timer_init(loop, &server->sweep);
    server->poll.data = server->idle.data = server->sweep.data = server;
    server->open_handles = 3;
    uv_poll_start(&server->poll, UV_READABLE, on_poll);
    *server_out = server;
    return GH_OK;
}

void
gh_server_set_tls(struct gh_server *server, struct gh_tls *tls)
{
    server->tls = tls;
}

bool
gh_server_wants_tls(const struct gh_server *server)
{
    return server->has_tls;
}

void
gh_server_set_redirect(struct gh_server *server, unsigned https_port)
{
    if (server->listener.kind == GH_PORT_REDIRECT)
        server->https_port = https_port;
}

unsigned
gh_server_port(const struct gh_server *server)
{
    return server->listener.port;
}

unsigned
gh_server_requests(const struct gh_server *server)
{
    return server->exchange_count + gh_conn_awaited(server);
}

void
gh_server_drain(struct gh_server *server)
{
    if (server->is_draining)
        return;
    server->is_draining = true;
    MHD_quiesce_daemon(server->mhd);
    gh_listener_close(&server->listener);
    gh_conn_close_idle(server);
}

void
gh_server_handle_closed(struct gh_server *server)
{
    if (--server->open_handles == 0)
        free(server);
}

static void
on_closed(uv_handle_t *handle)
{
    gh_server_handle_closed(handle->data);
}

void
gh_server_stop(struct gh_server **server_of)
{
    struct gh_server *server = gh_take(*server_of);

    if (!server)
        return;
    gh_server_drain(server);
    for (int i = 0; i < 100 && server->exchange_count > 0; i++)
        MHD_run(server->mhd); /* resumed connections must be taken up before the stop */
    gh_linger_sweep(server, UINT64_MAX);
    uv_close((uv_handle_t *)&server->poll, on_closed);
    uv_close((uv_handle_t *)&server->idle, on_closed);
    uv_close((uv_handle_t *)&server->sweep, on_closed);
    MHD_stop_daemon(server->mhd);
}
