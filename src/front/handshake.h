/* SPDX-License-Identifier: Apache-2.0
 *
 * front/handshake.h - the TLS handshake of a connection, driven by us.
 *
 * libmicrohttpd's own way spins: in epoll mode it takes a connection that waits for its client's part of the
 * handshake for one that can be read, and tries again without end. So the call that it makes to
 * gnutls_handshake comes here (the linker's --wrap): the connection is suspended, we wait for its socket
 * ourselves, and libmicrohttpd gets it back when the handshake has ended one way or the other. That is also
 * what lets a handshake wait for a certificate (tls/certs.h), tell its client what was wrong, and answer who
 * speaks plain HTTP to an HTTPS port. See docs/decisions/0016-tls-handshakes.md. Inside of front/; loop thread only. */
#ifndef GH_FRONT_HANDSHAKE_H
#define GH_FRONT_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;
struct gh_conn;
struct gh_handshake;

/* CONN, of libmicrohttpd's MHD, has come to a server with TLS. */
void gh_handshake_begin(struct gh_conn *conn, struct MHD_Connection *mhd);

/* The socket was shut down, or the server stops: nobody waits for it any more. */
void gh_handshake_cut(struct gh_conn *conn);

/* The connection is closed, and its session gone. */
void gh_handshake_end(struct gh_conn *conn);

/* How much was read from CONN's socket that libmicrohttpd has not asked for; 0 without TLS. */
size_t gh_handshake_ahead_bytes(const struct gh_conn *conn);

/* Is what is left in CONN's socket the goodbye of its TLS, and nothing else? Then it is read, since to close a
 * socket with bytes in it resets the connection. */
bool gh_handshake_takes_goodbye(struct gh_conn *conn);

/* Whom the client's certificate names; "" for none. As long as CONN. */
const char *gh_handshake_user(const struct gh_conn *conn);

#endif
