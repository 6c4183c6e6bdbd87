/* SPDX-License-Identifier: Apache-2.0 */
#include "front/tlsio.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define READ_BYTES                                                                                 \
    (5u + 16384u + 256u) /* the largest record of TLS 1.3, head and all: RFC 8446 section 5.2 */
#define EMPTIES_MAX 200  /* no client needs as many, and each costs a turn of the loop */

/* ---- reading ---- */

/* Take LEN bytes, or what there is of them, from what was read before. */
static size_t
take_ahead(struct gh_tlsio *io, void *bytes, size_t len)
{
    size_t left = io->ahead.len - io->ahead_used;
    size_t taken = len < left ? len : left;

    memcpy(bytes, io->ahead.bytes + io->ahead_used, taken);
    io->ahead_used += taken;
    if (io->ahead_used == io->ahead.len) {
        gh_buf_done(&io->ahead);
        io->ahead_used = 0;
    }
    return taken;
}

static ssize_t
pull(gnutls_transport_ptr_t transport, void *bytes, size_t len)
{
    static uint8_t read_bytes[READ_BYTES];
    struct gh_tlsio *io = transport;

    if (gh_tlsio_ahead_bytes(io) > 0)
        return (ssize_t)take_ahead(io, bytes, len);
    ssize_t got = -1;
    errno = EAGAIN;
    if (!io->is_emptied)
        got = recv(io->fd, read_bytes, sizeof read_bytes, MSG_DONTWAIT);
    io->was_dry = got < 0;
    if (got <= 0)
        return got;
    io->is_emptied = io->is_shaking && (size_t)got < sizeof read_bytes;
    size_t taken = len < (size_t)got ? len : (size_t)got;
    memcpy(bytes, read_bytes, taken);
    if (taken < (size_t)got)
        gh_buf_add(&io->ahead, read_bytes + taken, (size_t)got - taken);
    return (ssize_t)taken;
}

size_t
gh_tlsio_ahead_bytes(const struct gh_tlsio *io)
{
    return io->ahead.len - io->ahead_used;
}

void
gh_tlsio_wake(struct gh_tlsio *io)
{
    io->is_emptied = false;
}

ssize_t __real_gnutls_record_recv(gnutls_session_t session, void *bytes, size_t len);
ssize_t __wrap_gnutls_record_recv(gnutls_session_t session, void *bytes, size_t len);

/* The client is told what it did wrong. An end of the stream, and what the client told us, are answered by nothing. */
static void
complain(gnutls_session_t session, int rc)
{
    switch (rc) {
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
    case GNUTLS_E_INVALID_SESSION:
    case GNUTLS_E_SESSION_EOF:
        return;
    default:
        gnutls_alert_send_appropriate(session, rc); /* what does not fit now is not waited for */
    }
}

/* GNUTLS_E_INTERRUPTED makes libmicrohttpd try again without waiting. All sessions it has are ours. */
ssize_t
__wrap_gnutls_record_recv(gnutls_session_t session, void *bytes, size_t len)
{
    struct gh_tlsio *io = gnutls_transport_get_ptr(session);

    io->was_dry = false;
    ssize_t got = __real_gnutls_record_recv(session, bytes, len);
    if ((got == GNUTLS_E_AGAIN && !io->was_dry) || got == GNUTLS_E_WARNING_ALERT_RECEIVED)
        got = ++io->empties > EMPTIES_MAX ? GNUTLS_E_TOO_MANY_EMPTY_PACKETS : GNUTLS_E_INTERRUPTED;
    else if (got > 0)
        io->empties = 0;
    if (got < 0 && got != GNUTLS_E_AGAIN && got != GNUTLS_E_INTERRUPTED)
        complain(session, (int)got);
    return got;
}

/* ---- writing ---- */

static ssize_t
keep(struct gh_tlsio *io, const giovec_t *pieces, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++) {
        gh_buf_add(&io->flight, pieces[i].iov_base, pieces[i].iov_len);
        total += pieces[i].iov_len;
    }
    return (ssize_t)total;
}

/* GnuTLS's giovec_t is the system's struct iovec: its own default hands one on as the other, too. */
static ssize_t
push(gnutls_transport_ptr_t transport, const giovec_t *pieces, int count)
{
    struct gh_tlsio *io = transport;

    if (io->is_shaking)
        return keep(io, pieces, count);
    int rc = gh_tlsio_send(io);
    if (rc != 0) {
        if (rc == GNUTLS_E_AGAIN)
            errno = EAGAIN;
        return -1;
    }
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                             .msg_iovlen = (size_t)count};
    return sendmsg(io->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int
gh_tlsio_send(struct gh_tlsio *io)
{
    while (io->flight_used < io->flight.len) {
        ssize_t sent = send(io->fd, io->flight.bytes + io->flight_used,
                            io->flight.len - io->flight_used, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno == EAGAIN ? GNUTLS_E_AGAIN : GNUTLS_E_PUSH_ERROR;
        io->flight_used += sent > 0 ? (size_t)sent : 0;
    }
    gh_buf_done(&io->flight);
    io->flight_used = 0;
    return 0;
}

/* ---- from begin to end ---- */

void
gh_tlsio_begin(struct gh_tlsio *io, gnutls_session_t session, int fd)
{
    io->fd = fd;
    io->is_shaking = true;
    gnutls_transport_set_ptr(session, io);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_vec_push_function(session, push);
}

void
gh_tlsio_shaken(struct gh_tlsio *io)
{
    io->is_shaking = io->is_emptied = false;
}

void
gh_tlsio_end(struct gh_tlsio *io)
{
    gh_buf_done(&io->ahead);
    gh_buf_done(&io->flight);
}
