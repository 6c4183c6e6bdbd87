/* SPDX-License-Identifier: Apache-2.0
 *
 * front/tlsio.h - the bytes of a TLS session, from and to its socket.
 *
 * GnuTLS reads a record in two calls, its head and then the rest, and writes each message of a handshake by itself:
 * six reads and three writes for one handshake. Here a read takes what has come and keeps what was not asked for
 * yet; a handshake's messages leave together when it waits for its client. Nothing is held by a connection that
 * is idle. Inside of front/; loop thread only.
 *
 * libmicrohttpd's epoll is edge-triggered: told to come again (GNUTLS_E_AGAIN) it waits for new bytes, which is right
 * only if there are none left. GnuTLS says so also after a record that is none of the program's business, as a
 * KeyUpdate is (RFC 8446 section 4.6.3), and the request right behind it would lie there for ever. So its call of
 * gnutls_record_recv comes here, too (the linker's --wrap). */
#ifndef GH_FRONT_TLSIO_H
#define GH_FRONT_TLSIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct gnutls_session_int; /* what GnuTLS calls a gnutls_session_t */

/* One session's. Its memory is the caller's, zeroed at first, and stays where it is until the session ends. */
struct gh_tlsio {
    int fd;
    struct gh_buf ahead; /* read from the socket; what GnuTLS has asked for is ahead_used of it */
    size_t ahead_used;
    struct gh_buf flight; /* written, to be sent by gh_tlsio_send */
    size_t flight_used;
    bool is_shaking;  /* what is written waits in flight, and a read is not tried without need */
    bool is_emptied;  /* while shaking: the last read took all there was */
    bool was_dry;     /* GnuTLS was told that there is nothing, since this was last set false */
    unsigned empties; /* records in a row that held nothing for the program */
};

/* SESSION reads and writes FD by IO from now on, and shakes hands first. */
void gh_tlsio_begin(struct gh_tlsio *io, struct gnutls_session_int *session, int fd);

/* FD can be read again. */
void gh_tlsio_wake(struct gh_tlsio *io);

/* Send what was written. Returns 0 when all is sent, GNUTLS_E_AGAIN, or GNUTLS_E_PUSH_ERROR. */
int gh_tlsio_send(struct gh_tlsio *io);

/* The handshake is over: from now on each record leaves as it is written. */
void gh_tlsio_shaken(struct gh_tlsio *io);

/* How much was read that GnuTLS has not asked for. */
size_t gh_tlsio_ahead_bytes(const struct gh_tlsio *io);

void gh_tlsio_end(struct gh_tlsio *io);

#endif
