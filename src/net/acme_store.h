/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_store.h - what is kept of one CA, in STATE/acme/DIGEST/ with DIGEST from its directory's URL, so that
 * nothing of a test CA is ever used with the real one:
 *
 *     directory         the URL, for people
 *     account.pem       the account's key
 *     account.json      {"url": where the CA keeps it}
 *     certs/NAME.pem    key and chain of a host name
 *     certs/NAME.json   how its order stands (struct gh_acme_state)
 *
 * Folders are 0700, files 0600; a file is written beside its place, flushed and renamed, so that it is the old or
 * the new one whatever happens. A few milliseconds each, on the loop. Loop thread only. */
#ifndef GH_NET_ACME_STORE_H
#define GH_NET_ACME_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/words.h"
#include "wire/call.h"

struct gh_acme_store {
    char *folder;
};

/* Errors: GH_E_SYSTEM, the folder cannot be made. */
int gh_acme_store_open(struct gh_acme_store *store, const char *state_dir, const char *directory,
                       struct gh_err *err) GH_MUST_USE;
void gh_acme_store_close(struct gh_acme_store *store);

/* FILE is relative: "account.pem". Errors: GH_E_SYSTEM; what was there is still there. */
int gh_acme_store_write(const struct gh_acme_store *store, const char *file,
                        struct gh_slice content, struct gh_err *err) GH_MUST_USE;

/* Append what is in FILE. Errors: GH_E_NOT_FOUND it is not there; GH_E_SYSTEM it cannot be read, or is too long. */
int gh_acme_store_read(const struct gh_acme_store *store, const char *file, struct gh_buf *out,
                       struct gh_err *err) GH_MUST_USE;

/* ---- how the order of a name stands ---- */

struct gh_acme_state {
    unsigned failures;   /* in a row */
    int64_t next_try_s;  /* not before; 0: now */
    char *problem;       /* of the last failure, or NULL */
    bool by_alpn;        /* the challenge to be tried next */
    char *order_url;     /* that is open, or NULL */
    char *order_key_pem; /* the key that it is for; secret */
};

/* As it was written; empty when it was not, or makes no sense (a broken file must not keep a node from its
 * certificate). */
void gh_acme_state_read(const struct gh_acme_store *store, const char *name,
                        struct gh_acme_state *state_out);
int gh_acme_state_write(const struct gh_acme_store *store, const char *name,
                        const struct gh_acme_state *state, struct gh_err *err) GH_MUST_USE;

/* URL NULL: there is none any more. KEY_PEM is copied. */
void gh_acme_state_set_order(struct gh_acme_state *state, const char *url, struct gh_slice key_pem);
void gh_acme_state_set_problem(struct gh_acme_state *state, const char *problem);
void gh_acme_state_done(struct gh_acme_state *state);

#endif
