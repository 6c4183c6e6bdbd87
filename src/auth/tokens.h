/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/tokens.h - the tokens that this node gave out itself, in STATE_DIR/tokens.db (SQLite).
 *
 * A token's text is shown once, when it is made; only its digest is kept. All rows are in memory too, so
 * finding one costs a hash and no file. A change is in the file, synced, before it is acknowledged: the
 * few milliseconds on the loop thread are the price of that, and tokens are made by people. Loop thread
 * only. */
#ifndef GH_AUTH_TOKENS_H
#define GH_AUTH_TOKENS_H

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "auth/access.h"
#include "base/err.h"
#include "wire/digest.h"
#include "wire/tokentext.h"

struct sqlite3;

#define GH_TOKEN_PREFIX "gh_"
#define GH_TOKENS_MAX 10000u

struct gh_token {
    UT_hash_handle hh; /* by digest; iteration is in order of ids */
    struct gh_digest digest;
    int64_t id;
    char *user;
    char *module; /* the one key that it is for, or NULL */
    enum gh_level level;
    int64_t created_s; /* Unix seconds */
    int64_t expires_s; /* 0: never */
};

struct gh_tokens {
    char *path;
    struct sqlite3 *db; /* NULL while there is no file: it is made with the first token */
    struct gh_token *by_digest;
};

/* What a new token is to be. */
struct gh_token_order {
    struct gh_slice user;
    struct gh_slice module; /* empty: the whole node */
    enum gh_level level;
    int64_t expires_s; /* 0: never */
};

/* Read the tokens of STATE_DIR, which has no file when none was ever made. */
int gh_tokens_open(struct gh_tokens *tokens, const char *state_dir, struct gh_err *err) GH_MUST_USE;
void gh_tokens_close(struct gh_tokens *tokens);

/* Read them again: another daemon with the same state folder may have made some. On an error all is as it
 * was. */
int gh_tokens_reload(struct gh_tokens *tokens, struct gh_err *err) GH_MUST_USE;

/* Make a token; its text goes to TEXT_OUT, and nowhere else. Errors: GH_E_INPUT a bad user or a time
 * that is over; GH_E_NO_ROOM GH_TOKENS_MAX are there; GH_E_SYSTEM it could not be written. */
int gh_tokens_create(struct gh_tokens *tokens, const struct gh_token_order *order,
                     char text_out[GH_TOKEN_TEXT_BYTES], const struct gh_token **made_out,
                     struct gh_err *err) GH_MUST_USE;

/* Errors: GH_E_NOT_FOUND, GH_E_SYSTEM it could not be written, and the token is still good. */
int gh_tokens_revoke(struct gh_tokens *tokens, int64_t id, struct gh_err *err) GH_MUST_USE;

/* The token of that digest that is good at NOW_S, or NULL. Borrowed until the next revoke. */
const struct gh_token *gh_tokens_find(const struct gh_tokens *tokens,
                                      const struct gh_digest *digest, int64_t now_s);

#endif
