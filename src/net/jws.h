/* SPDX-License-Identifier: Apache-2.0
 *
 * net/jws.h - signed requests of ACME: JSON Web Signatures in the flattened form. Pure functions but for
 * the key's use; loop thread only. Sources: RFC 7515, 7517, 7638; RFC 8555 sections 6.2 and 7.3.4. */
#ifndef GH_NET_JWS_H
#define GH_NET_JWS_H

#include "net/p256.h"

struct json_t;

/* The public key as it stands in requests; a new reference. */
struct json_t *gh_jws_jwk(const struct gh_p256 *key);

/* Append the thumbprint of the public key, which key authorizations end in. */
void gh_jws_add_thumbprint(const struct gh_p256 *key, struct gh_buf *out);

/* The body of a request: PAYLOAD (empty for POST-as-GET) under the header HEADER, which gets "alg"; the
 * caller's to drop. Errors: GH_E_SYSTEM. */
int gh_jws_sign(const struct gh_p256 *key, struct json_t *header, struct gh_slice payload,
                struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

/* External account binding: the public key of KEY, signed with what the CA has given under the name KID for
 * the URL of its newAccount. SECRET: the bytes of the HMAC key. A new reference. */
struct json_t *gh_jws_bind(const struct gh_p256 *key, const char *kid, struct gh_slice secret,
                           const char *url);

#endif
