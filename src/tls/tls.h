/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/tls.h - what HTTPS connections of the daemon share: certificates, tickets, whom they let in.
 *
 * TLS 1.2 and 1.3 with ECDHE and AEAD only. The certificate is chosen by the name that is asked for
 * (tls/certs.h): the files of the settings, else one made here (tls/selfsigned.h), besides what is put into
 * the set by others. Files are looked at again when they change and on demand; what is wrong with new ones is
 * logged once and the old ones stay. Sessions are resumed by tickets, whose key is renewed every day and is in
 * memory only. No connection ends by any of this. Loop thread only. */
#ifndef GH_TLS_TLS_H
#define GH_TLS_TLS_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "tls/certs.h"

struct gnutls_session_int; /* what GnuTLS calls a gnutls_session_t */
struct gh_settings;
struct gh_tls;
struct gh_tls_door;

#define GH_TLS_USER_BYTES 65u

/* For gnutls_priority_init. */
extern const char gh_tls_priorities[];

/* One connection, from its first byte on. Zeroed at first. */
struct gh_tls_peer {
    struct gh_tls *tls;
    struct gh_tls_door *door;     /* what it is let in by; held */
    struct gh_pair *pair;         /* what it is shown; held, since its session refers to it */
    void *owner;                  /* the caller's */
    char user[GH_TLS_USER_BYTES]; /* whom its certificate names: common name, else first name; "" */
    bool is_challenge;            /* of acme-tls/1: it is closed after the handshake */
    bool has_ecdsa_cipher;        /* it has offered one of TLS 1.2 that goes with an ECDSA key */
};

/* STATE, where a certificate made here is kept, is copied. Nothing is read yet. */
struct gh_tls *gh_tls_new(uv_loop_t *loop, const struct gh_settings *settings, const char *state);

/* Read or make the certificates, and watch their files from now on. At the start: errors are the caller's to
 * tell. GH_E_INPUT, GH_E_SYSTEM. */
int gh_tls_start(struct gh_tls *tls, struct gh_err *err) GH_MUST_USE;

/* Look at all files again, now. What is wrong is logged. */
void gh_tls_reload(struct gh_tls *tls);

/* After the last connection has ended. Memory goes in a later turn of the loop. */
void gh_tls_stop(struct gh_tls **tls_of);

struct gh_certs *gh_tls_certs(struct gh_tls *tls);

/* A connection has come: give SESSION, which has its priorities, all else. PEER must stay where it is until
 * gh_tls_end. */
void gh_tls_begin(struct gh_tls *tls, struct gnutls_session_int *session, struct gh_tls_peer *peer);

/* The peer of SESSION; NULL for one that gh_tls_begin has not seen. */
struct gh_tls_peer *gh_tls_peer_of(struct gnutls_session_int *session);

/* The handshake is done: PEER's user and is_challenge are known. */
void gh_tls_shaken(struct gnutls_session_int *session, struct gh_tls_peer *peer);

void gh_tls_end(struct gh_tls_peer *peer);

#endif
