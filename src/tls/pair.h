/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/pair.h - a certificate chain and its key, checked when they come together and never changed after.
 *
 * What is checked: the chain is PEM, at most GH_PAIR_CHAIN_MAX certificates, the node's own
 * first (the others are put into the order in which each signs the one before it; a root, and what belongs to
 * none of them, is left out, since nobody needs it sent); the key is PEM, without a passphrase, RSA of 2048 bits and more, ECDSA or Ed25519, and belongs to the first
 * certificate. Dates are not: gh_pair_problem says what is wrong with them, and a certificate that has
 * expired is better shown than a closed port.
 *
 * Counted references: sessions hold the pair that they were shown. Loop thread only. */
#ifndef GH_TLS_PAIR_H
#define GH_TLS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/words.h"
#include "wire/call.h" /* struct gh_slice */

#define GH_PAIR_CHAIN_MAX 16u
#define GH_PAIR_FINGERPRINT_BYTES 96u /* "AB:CD:..." of SHA-256 */

struct gh_pair;

/* What people want to know of a leaf certificate. Borrowed from the pair. */
struct gh_pair_facts {
    const char *subject, *issuer; /* as in "CN=api.example.org" */
    const char *key;              /* "ECDSA 256" */
    const char *fingerprint;      /* of the certificate, SHA-256, in hex with colons */
    const struct gh_words *names; /* host names and addresses, as text, in lower case */
    time_t not_before, not_after;
    bool is_ecdsa; /* or Ed25519: who cannot verify it needs another */
    bool is_self_signed;
    bool must_staple; /* RFC 7633: it asks to be shown with an OCSP answer */
    bool is_stapled;
};

/* The caller gets the only reference. Errors: GH_E_INPUT; ERR says what is wrong, and what to do where
 * that is not plain. */
int gh_pair_make(struct gh_slice chain_pem, struct gh_slice key_pem, struct gh_pair **pair_out,
                 struct gh_err *err) GH_MUST_USE;

struct gh_pair *gh_pair_ref(struct gh_pair *pair); /* yields PAIR; NULL stays NULL */
void gh_pair_unref(struct gh_pair **pair_of);      /* nothing for NULL */

const struct gh_pair_facts *gh_pair_facts(const struct gh_pair *pair);

/* The chain as it is sent, in PEM; never the key. Borrowed. */
struct gh_slice gh_pair_pem(const struct gh_pair *pair);

/* Send this OCSP answer along (DER). Before the pair is shown to anybody. Errors: GH_E_INPUT it is none, is
 * of another certificate, does not say "good", or is out of date at NOW. */
int gh_pair_staple(struct gh_pair *pair, struct gh_slice ocsp, time_t now, struct gh_err *err)
    GH_MUST_USE;

/* Does a certificate with NAMES serve NAME: a host name in lower case, or an address as text? A wildcard
 * stands for one label. Source: RFC 6125 section 6.4.3. */
bool gh_pair_covers(const struct gh_pair *pair, const char *name);

/* "expired", "not valid yet", or NULL when its dates are right at NOW. Static. */
const char *gh_pair_problem(const struct gh_pair *pair, time_t now);

#endif
