/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/door.h - whom HTTPS lets in: everybody, or who shows a certificate of client_ca. GnuTLS calls it
 * credentials. Sessions hold the door that they came by, so that a new one shuts nobody out in the middle; a
 * session that is resumed must come by the same door, since tickets belong to it. Inside of tls/. */
#ifndef GH_TLS_DOOR_H
#define GH_TLS_DOOR_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "tls/tls.h"

struct gh_tls_door {
    unsigned refs;
    gnutls_certificate_credentials_t credentials;
    bool wants_certificate;
    gnutls_datum_t ticket_key;
    uint64_t ticket_key_ms; /* loop time when it was made; 0: not yet */
};

/* CHOOSE picks the certificate of a handshake. CA_PATH: PEM of whoever signs clients; "" lets everybody in.
 * Errors: GH_E_INPUT, GH_E_SYSTEM. */
int gh_door_make(const char *ca_path, gnutls_certificate_retrieve_function3 *choose,
                 struct gh_tls_door **door_out, struct gh_err *err) GH_MUST_USE;

struct gh_tls_door *gh_door_ref(struct gh_tls_door *door);
void gh_door_unref(struct gh_tls_door **door_of);

/* SESSION comes by DOOR at NOW_MS. */
void gh_door_open(struct gh_tls_door *door, gnutls_session_t session, uint64_t now_ms);

/* Whom the certificate of SESSION's client names, "" when there is none. */
void gh_door_user(gnutls_session_t session, char user_out[GH_TLS_USER_BYTES]);

#endif
