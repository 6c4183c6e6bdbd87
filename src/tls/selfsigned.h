/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/selfsigned.h - the certificate that this node makes for itself, where it is given none.
 *
 * P-256, SHA-256, 365 days, issuer and subject the same, so that the client takes it for self-signed and
 * verifies by it; for all names of the node. It and its key are one file, tls/self-signed.pem of the state
 * folder, 0600, replaced whole. It is made anew when a third of its life or less is left, and when the node has
 * a name that it lacks. Loop thread. Source: cluster-config-and-lifecycle.md section 5. */
#ifndef GH_TLS_SELFSIGNED_H
#define GH_TLS_SELFSIGNED_H

#include <time.h>

#include "base/err.h"
#include "base/words.h"

struct gh_buf;
struct gh_pair;

/* The pair in the state folder STATE when it serves for NAMES at NOW, else a new one, which is there then.
 * Errors: GH_E_SYSTEM. */
int gh_selfsigned_get(const char *state, const struct gh_words *names, time_t now,
                      struct gh_pair **pair_out, struct gh_err *err) GH_MUST_USE;

/* When PAIR is to be made anew. */
time_t gh_selfsigned_renewal(const struct gh_pair *pair);

/* Make one: PEM of the certificate, and of its key behind it. Errors: GH_E_SYSTEM. */
int gh_selfsigned_make(const struct gh_words *names, time_t now, struct gh_buf *pem_out,
                       struct gh_err *err) GH_MUST_USE;

#endif
