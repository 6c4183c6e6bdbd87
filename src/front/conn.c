/* SPDX-License-Identifier: Apache-2.0
 *
 * front/conn.c - absolute deadlines of connections, and clients that leave.
 *
 * libmicrohttpd's timeout is one of idleness: a byte a second holds a connection for ever; a
 * suspended connection is not watched at all, and in epoll mode one whose client left in
 * mid-request is forgotten (design-notes section 3, front-and-faults section 1). So each connection has a
 * phase with a deadline of ours, looked at four times a second; past it the socket is shut down,
 * which libmicrohttpd notices as a hang-up. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/networks.h"
#include "conf/settings.h"
#include "front/front_inner.h"

#define SWEEP_MS 250
#define DRAIN_HEAD_MS 1000u /* for a request that was on its way when the daemon began to stop */
#define SURPLUS_MS 2000u    /* for the head of a request that is only told to go away */

static const char *const phase_names[] = {
#define X(name) #name,
    GH_PHASES(X)
#undef X
};

static void on_sweep(uv_timer_t *timer);

static uint64_t
time_in_phase(const struct gh_conn *conn)
{
    const struct gh_settings *settings = conn->server->settings;

    switch (conn->phase) {
    case GH_PHASE_HANDSHAKE:
        return settings->handshake_timeout_ms;
    case GH_PHASE_HEAD:
        return conn->welcome != GH_WELCOME && settings->header_timeout_ms > SURPLUS_MS
                   ? SURPLUS_MS
                   : settings->header_timeout_ms;
    case GH_PHASE_BODY:
        return settings->body_timeout_ms;
    case GH_PHASE_SEND:
        return settings->send_timeout_ms;
    case GH_PHASE_IDLE:
        return settings->keepalive_timeout_ms;
    case GH_PHASE_WORK:
    default:
        return 0;
    }
}

void
gh_conn_extend(struct gh_conn *conn)
{
    uint64_t time = time_in_phase(conn);
    conn->deadline_ms = time ? uv_now(conn->server->loop) + time : 0;
}

void
gh_conn_enter(struct gh_conn *conn, enum gh_phase phase)
{
    conn->phase = phase;
    conn->queued_bytes = 0;
    gh_conn_extend(conn);
}

/* Who is at the other end, and is there room for him? The node's own programs always are welcome, and for
 * trusted proxies, which bring many clients, only the number of all counts. */
static void
receive(struct gh_conn *conn)
{
    const struct gh_settings *settings = conn->server->settings;
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;

    if (conn->server->is_local)
        return;
    if (getpeername(conn->fd, (struct sockaddr *)&address, &len) == 0)
        conn->has_ip = gh_ip_of((const struct sockaddr *)&address, &conn->ip, &conn->port);
    conn->is_counted = true;
    conn->counts_for_ip = conn->has_ip && !gh_networks_have(settings->trusted_proxies, &conn->ip);
    conn->welcome =
        gh_crowd_enter(conn->counts_for_ip ? &conn->ip : NULL, settings->connections_max,
                       settings->connections_per_address_max);
    if (conn->welcome == GH_NO_ROOM)
        shutdown(conn->fd, SHUT_RDWR);
}

/* Is CONN closed although its client may still send? Over TLS it will, its goodbye. */
static bool
is_cut_short(struct gh_conn *conn)
{
    char byte;

    if (conn->is_cut || conn->welcome == GH_NO_ROOM)
        return false;
    ssize_t got = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0)
        return !gh_handshake_takes_goodbye(conn);
    return got < 0 && errno == EAGAIN &&
           (conn->answers_early || conn->phase == GH_PHASE_HEAD || conn->handshake);
}

struct gh_conn *
gh_conn_new(struct gh_server *server, struct MHD_Connection *mhd, int fd)
{
    struct gh_conn *conn = gh_alloc(sizeof *conn);

    conn->server = server;
    conn->mhd = mhd;
    conn->fd = fd;
    receive(conn);
    gh_conn_enter(conn, server->has_tls ? GH_PHASE_HANDSHAKE : GH_PHASE_HEAD);
    DL_APPEND(server->conns, conn);
    if (!server->is_sweeping) {
        server->is_sweeping = true;
        uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    }
    return conn;
}

void
gh_conn_free(struct gh_conn *conn)
{
    if (is_cut_short(conn))
        gh_linger(conn->server, conn->fd);
    if (conn->is_counted)
        gh_crowd_leave(conn->counts_for_ip ? &conn->ip : NULL, conn->welcome);
    DL_DELETE(conn->server->conns, conn);
    gh_handshake_end(conn);
    free(conn);
}

/* Once libmicrohttpd 1.0.10 has closed a connection because its buffer is full (a method that never ends), it
 * forgets it where it is not the oldest one, whatever its socket does from then on. Being resumed it looks. */
static void
wake(struct gh_conn *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn->mhd, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);

    if (info->suspended)
        return;
    MHD_suspend_connection(conn->mhd);
    MHD_resume_connection(conn->mhd);
}

static void
shut(struct gh_conn *conn)
{
    shutdown(conn->fd, SHUT_RDWR);
    gh_handshake_cut(conn);
    wake(conn);
}

static void
cut(struct gh_conn *conn)
{
    gh_log(GH_LOG_INFO, "connection.cut", "phase=%s request_id=%s", phase_names[conn->phase],
           conn->exchange ? conn->exchange->request.id : "-");
    conn->deadline_ms = 0;
    conn->is_awaited = false;
    conn->is_cut = true;
    shut(conn);
}

/* Did the answer move since the last look? The peer of a stalled one leaves the same number of
 * bytes in the socket's queue; an empty queue waits for us, not for the peer. */
static bool
has_moved(struct gh_conn *conn)
{
    int queued = 0;

    if (ioctl(conn->fd, SIOCOUTQ, &queued) != 0)
        return false;
    bool is_same = queued > 0 && queued == conn->queued_bytes;
    conn->queued_bytes = queued;
    return !is_same;
}

static void
check_deadline(struct gh_conn *conn, uint64_t now)
{
    if (conn->phase == GH_PHASE_SEND && conn->deadline_ms && has_moved(conn))
        gh_conn_extend(conn);
    if (conn->deadline_ms && now >= conn->deadline_ms)
        cut(conn);
}

static bool
is_suspended(const struct gh_conn *conn)
{
    return conn->exchange && conn->exchange->is_suspended && !conn->exchange->is_gone;
}

/* How much has come that libmicrohttpd has not taken; -1 when it cannot be told. */
static int
count_unread(const struct gh_conn *conn)
{
    int unread = 0;

    if (ioctl(conn->fd, SIOCINQ, &unread) != 0)
        return -1;
    return unread + (int)gh_handshake_ahead_bytes(conn);
}

/* The client of CONN closed its side. With a request under way it left, and a half-close counts as
 * that: other servers have it so too. One that has sent no whole request, and nothing that is still
 * to be read, will not; and what was not read since the last look will not be. Someone who still takes an
 * answer is left to libmicrohttpd. */
static void
on_hang_up(struct gh_conn *conn)
{
    if (is_suspended(conn)) {
        gh_exchange_gone(conn->exchange);
        return;
    }
    int unread = count_unread(conn);
    if (conn->phase == GH_PHASE_SEND || conn->phase == GH_PHASE_WORK || unread < 0)
        return;
    if (unread == 0 || unread == conn->unread_bytes) {
        conn->is_awaited = false;
        shut(conn);
    }
    conn->unread_bytes = unread;
}

/* Ask the system in one go which of the COUNT connections were left by their clients. */
static void
find_left(struct gh_server *server, size_t count)
{
    struct pollfd *looks GH_SCOPED(gh_free) = gh_alloc(count * sizeof *looks);
    struct gh_conn *conn;
    size_t i = 0;

    DL_FOREACH(server->conns, conn)
    {
        looks[i++] = (struct pollfd){.fd = conn->fd, .events = POLLRDHUP};
    }
    if (poll(looks, i, 0) <= 0)
        return;

    i = 0; /* on_hang_up frees none of them, so the order holds */
    DL_FOREACH(server->conns, conn)
    {
        if (looks[i++].revents & (POLLRDHUP | POLLHUP | POLLERR))
            on_hang_up(conn);
    }
}

static void
on_sweep(uv_timer_t *timer)
{
    struct gh_server *server = timer->data;
    uint64_t now = uv_now(server->loop);
    struct gh_conn *conn;
    size_t count = 0;

    DL_FOREACH(server->conns, conn)
    {
        check_deadline(conn, now);
        count++;
    }
    gh_linger_sweep(server, now);
    if (count > 0) {
        find_left(server, count);
    } else if (server->lingering_count == 0) {
        server->is_sweeping = false;
        uv_timer_stop(timer);
    }
}

/* Between requests, and nothing of a next one is here. */
static bool
is_idle(const struct gh_conn *conn)
{
    return conn->phase == GH_PHASE_IDLE && count_unread(conn) <= 0;
}

/* A client that has just connected is owed an answer as much as one that has asked: it was not refused, so it
 * does not ask elsewhere. */
static void
await_request(struct gh_conn *conn)
{
    uint64_t end_ms = uv_now(conn->server->loop) + DRAIN_HEAD_MS;

    conn->is_awaited = true;
    if (conn->deadline_ms == 0 || conn->deadline_ms > end_ms)
        conn->deadline_ms = end_ms;
}

void
gh_conn_close_idle(struct gh_server *server)
{
    struct gh_conn *conn;

    DL_FOREACH(server->conns, conn)
    {
        if (conn->exchange && conn->exchange->has_head)
            continue;
        if (is_idle(conn))
            shut(conn);
        else
            await_request(conn);
    }
}

unsigned
gh_conn_awaited(const struct gh_server *server)
{
    const struct gh_conn *conn;
    unsigned count = 0;

    DL_FOREACH(server->conns, conn)
    {
        count += conn->is_awaited && !conn->exchange;
    }
    return count;
}
