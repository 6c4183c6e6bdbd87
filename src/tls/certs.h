/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/certs.h - which certificate is shown to whom.
 *
 *     struct gh_certs *certs = gh_certs_new();
 *     rc = gh_certs_put(certs, "api.example.org", chain_pem, key_pem, &err);
 *
 * A set of pairs, each a chain and its key, by the name that a client asks for (SNI). A handshake
 * looks for that name, then for "*." and what follows its first label, and takes the default pair when
 * there is neither, or no name was asked for. Two pairs of one name are possible when one key is ECDSA
 * and the other RSA: who can verify ECDSA gets that.
 *
 * Whatever is replaced or dropped lives on for the handshakes that hold it, so that no connection is
 * cut by a change. Loop thread only. */
#ifndef GH_TLS_CERTS_H
#define GH_TLS_CERTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/url.h" /* struct gh_slice */

struct gh_certs;
struct gh_pair;

#define GH_CERTS_CHALLENGE_ALPN "acme-tls/1" /* RFC 8737 section 3 */

struct gh_certs *gh_certs_new(void) __attribute__((malloc, returns_nonnull));
void gh_certs_free(struct gh_certs **certs_of);

/* Show a chain to those who ask for NAME: a host name, or "*.example.org"; letters of any case. It replaces
 * what was put for NAME with the same kind of key, and goes before what is of a file. CHAIN_PEM: the leaf
 * first. Errors: GH_E_INPUT; ERR says what is wrong and nothing is changed. See tls/pair.h for what is
 * checked. */
int gh_certs_put(struct gh_certs *certs, const char *name, struct gh_slice chain_pem,
                 struct gh_slice key_pem, struct gh_err *err) GH_MUST_USE;

/* Nobody is shown a pair for NAME any more. */
void gh_certs_drop(struct gh_certs *certs, const char *name);

/* The COUNT pairs of files, in the place of those before: each for the names it has, and a name that two have
 * is the first one's. The first pair is the default, with the first that has the other kind of key. CERTS takes
 * references of its own, so PAIRS may hold some that it has already. */
void gh_certs_put_files(struct gh_certs *certs, struct gh_pair *const *pairs, size_t count);

/* The pair shown to who asks for NAME, the default one where it has none (NULL or "" asks for that);
 * TAKES_ECDSA false: one with an RSA key where there is one. NULL when there is no pair at all. Borrowed. */
struct gh_pair *gh_certs_find(const struct gh_certs *certs, const char *name, bool takes_ecdsa);

/* Call FN for each pair there is, the default first. NAME is what it was put for; NULL for those of files. */
void gh_certs_each(const struct gh_certs *certs,
                   void (*fn)(void *context, const char *name, const struct gh_pair *pair),
                   void *context);

/* Is there a pair for NAME itself, or for a wildcard that covers it? */
bool gh_certs_has(const struct gh_certs *certs, const char *name);

/* tls-alpn-01: a pair that is shown to who asks for NAME and offers "acme-tls/1" alone, and to nobody else.
 * Such a handshake is answered and its connection serves no request. Errors: as gh_certs_put. */
int gh_certs_put_challenge(struct gh_certs *certs, const char *name, struct gh_slice chain_pem,
                           struct gh_slice key_pem, struct gh_err *err) GH_MUST_USE;
void gh_certs_drop_challenge(struct gh_certs *certs, const char *name);

/* Call FN when a handshake asks for a NAME that has no pair, or one that signed itself. FN is called from within the handshake: it notes
 * NAME (valid until it returns; lower case, a valid host name, no address) and comes back to it later. It
 * says whether a pair is on its way. If so the handshake waits for it: until gh_certs_put or
 * gh_certs_give_up of NAME, at most until its own deadline (handshake_timeout_ms). Else, and after giving
 * up, the default pair is shown. One FN at a time; NULL for none. */
typedef bool gh_certs_missing(void *context, const char *name);
void gh_certs_on_missing(struct gh_certs *certs, gh_certs_missing *fn, void *context);

/* No pair for NAME is to be had for now: whoever waits for it goes on. */
void gh_certs_give_up(struct gh_certs *certs, const char *name);

/* ---- for handshakes ---- */

#define GH_CERTS_NAME_BYTES 256u

/* A handshake that waits. Its memory is the caller's, zeroed at first. */
struct gh_certs_wait {
    struct gh_certs_wait *prev, *next;
    char name[GH_CERTS_NAME_BYTES];
    void (*fn)(void *context); /* called once, unless it was cancelled; the wait is over then */
    void *context;
    bool is_on;
};

/* Has NAME no pair but one that signed itself, and is one on its way? Then WAIT, with fn and context set, is in line. */
bool gh_certs_wait(struct gh_certs *certs, const char *name, struct gh_certs_wait *wait);
void gh_certs_cancel(struct gh_certs *certs,
                     struct gh_certs_wait *wait); /* nothing when it is over */

/* Does anybody want to know of names without a pair? Else there is no need to look. */
bool gh_certs_minds_missing(const struct gh_certs *certs);

/* The pair of a challenge for NAME; NULL when there is none. Borrowed. */
struct gh_pair *gh_certs_find_challenge(const struct gh_certs *certs, const char *name);
bool gh_certs_has_challenges(const struct gh_certs *certs);

#endif
