/* SPDX-License-Identifier: Apache-2.0 */
#include "front/handshake.h"

#include <ctype.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "front/front_inner.h"
#include "front/tlsio.h"
#include "tls/hello.h"
#include "tls/tls.h"

#define WARNINGS_MAX 16 /* of a client, in a handshake */
#define DISCARD_MAX_BYTES (64u << 10)
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22 /* first byte of TLS; an old hello has its top bit set */
#define RECORD_DATA 23
#define GOODBYE_MAX_BYTES (5u + 256u)

struct gh_handshake {
    struct gh_tls_peer peer; /* until the connection ends */
    struct gh_conn *conn;    /* NULL once it has ended: then this waits for its poll to close */
    struct MHD_Connection *mhd;
    gnutls_session_t session;
    struct gh_tlsio io; /* until the connection ends */
    struct gh_certs_wait wait;
    uv_poll_t poll;
    bool has_poll; /* it is open, or closing */
    bool is_suspended;
    bool has_looked; /* at what the client sent first */
    bool is_shaken;  /* GnuTLS is through; its last bytes may still have to leave */
    bool is_done;
    int result; /* of gnutls_handshake */
};

static void step(struct gh_handshake *handshake);

/* ---- waiting for the socket ---- */

static void
on_poll_closed(uv_handle_t *handle)
{
    struct gh_handshake *handshake = handle->data;

    handshake->has_poll = false;
    if (!handshake->conn)
        free(handshake);
}

static void
close_poll(struct gh_handshake *handshake)
{
    if (handshake->has_poll && !uv_is_closing((uv_handle_t *)&handshake->poll))
        uv_close((uv_handle_t *)&handshake->poll, on_poll_closed);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct gh_handshake *handshake = poll->data;

    (void)status; /* what is wrong with the socket, GnuTLS finds */
    (void)events;
    gh_tlsio_wake(&handshake->io);
    step(handshake);
}

static void
await_socket(struct gh_handshake *handshake, int event)
{
    if (!handshake->has_poll) {
        uv_poll_init(handshake->conn->server->loop, &handshake->poll, handshake->conn->fd);
        handshake->poll.data = handshake;
        handshake->has_poll = true;
    }
    uv_poll_start(&handshake->poll, event, on_poll);
}

/* ---- the end ---- */

/* What the client still sends would make the system reset the connection, and it would never see why. */
static void
discard_input(int fd)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t got;

    while (total < DISCARD_MAX_BYTES && (got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        total += (size_t)got;
}

static void
fail(struct gh_handshake *handshake, int rc)
{
    gh_log(GH_LOG_DEBUG, "tls.handshake_failed", "reason=%s", gh_log_quote(gnutls_strerror(rc)));
    gnutls_alert_send_appropriate(handshake->session, rc);
    discard_input(handshake->conn->fd);
}

/* Many clients send their request right behind their last word of the handshake, and their system holds it back
 * until that word is acknowledged (RFC 896); ours would take its 40 ms to do so, having nothing to say. */
static void
acknowledge(const struct gh_handshake *handshake)
{
    int yes = 1;

    if (gh_tlsio_ahead_bytes(&handshake->io) == 0)
        setsockopt(handshake->conn->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

/* The handshake has ended with RC: libmicrohttpd asks next and is told. */
static void
finish(struct gh_handshake *handshake, int rc)
{
    handshake->is_done = true;
    gh_certs_cancel(gh_tls_certs(handshake->peer.tls), &handshake->wait);
    close_poll(handshake);
    gh_tlsio_shaken(&handshake->io);
    if (rc == GNUTLS_E_SUCCESS) {
        acknowledge(handshake);
        gh_tls_shaken(handshake->session, &handshake->peer);
        if (handshake->peer.user[0])
            gh_log(GH_LOG_DEBUG, "tls.client", "user=%s", gh_log_quote(handshake->peer.user));
        gh_conn_enter(handshake->conn, GH_PHASE_HEAD);
    } else {
        fail(handshake, rc);
    }
    if (handshake->peer.is_challenge) { /* RFC 8737 section 3: it serves nothing */
        gnutls_bye(handshake->session, GNUTLS_SHUT_WR);
        rc = GNUTLS_E_PREMATURE_TERMINATION;
    }
    handshake->result = rc;
    if (handshake->is_suspended) {
        handshake->is_suspended = false;
        MHD_resume_connection(handshake->mhd);
    }
}

/* ---- what the client sends first ---- */

static void
answer_plain(struct gh_handshake *handshake)
{
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 63\r\n"
        "Connection: close\r\n\r\n"
        "{\"detail\": \"This port speaks HTTPS: use https:// to reach it.\"}";

    discard_input(handshake->conn->fd);
    send(handshake->conn->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(handshake->conn->fd, SHUT_WR);
}

static void
on_certificate(void *context)
{
    step(context);
}

/* Wake us only when there are that many bytes: else the first of them would, again and again. */
static void
set_least(int fd, size_t bytes)
{
    int least = (int)bytes;
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

/* Look for a name whose certificate is on its way. Says whether the handshake is to wait, for it or for more
 * of what names it. */
static bool
wait_for_certificate(struct gh_handshake *handshake)
{
    static uint8_t bytes[GH_HELLO_RECORD_MAX_BYTES];
    char name[GH_CERTS_NAME_BYTES];
    int fd = handshake->conn->fd;

    ssize_t len = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    size_t needed = len > 0 ? gh_hello_name(bytes, (size_t)len, name) : 0;
    if (needed > 0) {
        set_least(fd, needed);
        handshake->has_looked = false;
        await_socket(handshake, UV_READABLE);
        return true;
    }
    set_least(fd, 1);
    if (len <= 0 || !name[0])
        return false;
    handshake->wait.fn = on_certificate;
    handshake->wait.context = handshake;
    if (!gh_certs_wait(gh_tls_certs(handshake->peer.tls), name, &handshake->wait))
        return false;
    if (handshake->has_poll)
        uv_poll_stop(&handshake->poll);
    return true;
}

/* Returns 0 to go on; else GNUTLS_E_AGAIN, and what is awaited is set up; or how the handshake ends. */
static int
look_first(struct gh_handshake *handshake)
{
    uint8_t first;
    ssize_t got = recv(handshake->conn->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got < 0) {
        await_socket(handshake, UV_READABLE);
        return GNUTLS_E_AGAIN;
    }
    handshake->has_looked = true;
    if (got == 1 && first != RECORD_HANDSHAKE && isupper(first)) {
        answer_plain(handshake);
        return GNUTLS_E_UNEXPECTED_PACKET;
    }
    if (gh_certs_minds_missing(gh_tls_certs(handshake->peer.tls)) &&
        wait_for_certificate(handshake))
        return GNUTLS_E_AGAIN;
    return 0;
}

/* ---- the handshake ---- */

int __real_gnutls_handshake(gnutls_session_t session);
int __wrap_gnutls_handshake(gnutls_session_t session);

static bool
is_again(int rc)
{
    return rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED;
}

/* GnuTLS comes back also between two records of one message, though it could go on. */
static int
shake(struct gh_handshake *handshake)
{
    int rc = GNUTLS_E_AGAIN;

    for (int warnings = 0; warnings < WARNINGS_MAX;) {
        handshake->io.was_dry = false;
        rc = __real_gnutls_handshake(handshake->session);
        if (is_again(rc) && !handshake->io.was_dry)
            continue;
        if (rc == GNUTLS_E_SUCCESS || is_again(rc) || gnutls_error_is_fatal(rc))
            return rc;
        warnings++;
    }
    return GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS;
}

static void
step(struct gh_handshake *handshake)
{
    int rc = handshake->has_looked ? 0 : look_first(handshake);

    if (is_again(rc))
        return;
    if (rc == 0 && !handshake->is_shaken)
        rc = shake(handshake);
    handshake->is_shaken = rc == GNUTLS_E_SUCCESS;
    int sent = gh_tlsio_send(&handshake->io);
    if (is_again(sent) && (handshake->is_shaken || is_again(rc)))
        await_socket(handshake, UV_WRITABLE);
    else if (is_again(rc) && sent == 0)
        await_socket(handshake, UV_READABLE);
    else
        finish(handshake, rc == GNUTLS_E_SUCCESS || is_again(rc) ? sent : rc);
}

int
__wrap_gnutls_handshake(gnutls_session_t session)
{
    struct gh_tls_peer *peer = gh_tls_peer_of(session);
    struct gh_handshake *handshake = peer ? peer->owner : NULL;

    if (!handshake)
        return __real_gnutls_handshake(session);
    if (!handshake->is_done && !handshake->is_suspended)
        step(handshake);
    if (handshake->is_done)
        return handshake->result;
    if (!handshake->is_suspended) {
        handshake->is_suspended = true;
        MHD_suspend_connection(handshake->mhd);
    }
    return GNUTLS_E_AGAIN;
}

/* ---- a connection ---- */

void
gh_handshake_begin(struct gh_conn *conn, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct gh_handshake *handshake = gh_alloc(sizeof *handshake);

    handshake->conn = conn;
    handshake->mhd = mhd;
    handshake->session = info->tls_session;
    handshake->peer.owner = handshake;
    conn->handshake = handshake;
    gh_tlsio_begin(&handshake->io, handshake->session, conn->fd);
    gh_tls_begin(conn->server->tls, handshake->session, &handshake->peer);
}

void
gh_handshake_cut(struct gh_conn *conn)
{
    if (conn->handshake && !conn->handshake->is_done)
        finish(conn->handshake, GNUTLS_E_PREMATURE_TERMINATION);
}

void
gh_handshake_end(struct gh_conn *conn)
{
    struct gh_handshake *handshake = gh_take(conn->handshake);

    if (!handshake)
        return;
    handshake->session = NULL; /* libmicrohttpd has let go of it */
    gh_certs_cancel(gh_tls_certs(handshake->peer.tls), &handshake->wait);
    gh_tls_end(&handshake->peer);
    gh_tlsio_end(&handshake->io);
    handshake->conn = NULL;
    close_poll(handshake);
    if (!handshake->has_poll)
        free(handshake);
}

size_t
gh_handshake_ahead_bytes(const struct gh_conn *conn)
{
    return conn->handshake ? gh_tlsio_ahead_bytes(&conn->handshake->io) : 0;
}

/* An alert by its type; in TLS 1.3, where all records look the same, one as long as an alert: its two bytes,
 * their type and the tag of 16. RFC 8446 sections 5.2 and 6.1. */
static bool
is_goodbye(const uint8_t *bytes, size_t len)
{
    return len > 5 && len == 5u + (unsigned)(bytes[3] << 8 | bytes[4]) &&
           (bytes[0] == RECORD_ALERT || (bytes[0] == RECORD_DATA && len == 5 + 2 + 1 + 16));
}

bool
gh_handshake_takes_goodbye(struct gh_conn *conn)
{
    uint8_t bytes[GOODBYE_MAX_BYTES + 1];

    if (!conn->handshake)
        return false;
    ssize_t len = recv(conn->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    return len > 0 && is_goodbye(bytes, (size_t)len) &&
           recv(conn->fd, bytes, (size_t)len, MSG_DONTWAIT) == len;
}

const char *
gh_handshake_user(const struct gh_conn *conn)
{
    return conn->handshake ? conn->handshake->peer.user : "";
}
