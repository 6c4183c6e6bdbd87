/* SPDX-License-Identifier: Apache-2.0
 *
 * den/den.h - the embedded Den: users, their tokens, what they saved and whom they let use it, in
 * STATE_DIR/den.db (SQLite, mode 0600).
 *
 * Who may what is in memory, so gh_den_facts costs two hashes and no file. What was saved is read from the
 * file when it is asked for. A change is in the file, synced, before it is acknowledged; the few
 * milliseconds on the loop thread are the price of that. One daemon has the file at a time. Loop thread
 * only. Source: den-api.md; docs/den.md tells what is deliberately otherwise. */
#ifndef GH_DEN_DEN_H
#define GH_DEN_DEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/call.h"
#include "wire/digest.h"
#include "wire/level.h"

struct gh_den;
struct gh_den_user;

#define GH_DEN_USERS_MAX 10000u
#define GH_DEN_TOKENS_MAX 100u      /* of one user */
#define GH_DEN_FOLDERS_MAX 1000u    /* whose clusters one token has cluster tokens for */
#define GH_DEN_RESOURCES_MAX 10000u /* of one user */
#define GH_DEN_GRANTS_MAX 1000u     /* of one resource */
#define GH_DEN_SECRETS_MAX 1000u    /* of one user */
#define GH_DEN_EMAIL_MAX_BYTES 254u
#define GH_DEN_CONFIG_MAX_BYTES (1u << 20) /* of a resource, a user, a status */
#define GH_DEN_SECRET_MAX_BYTES (64u << 10)
#define GH_DEN_HISTORY_MAX 100u          /* versions of one resource; the oldest go first */
#define GH_DEN_LOGS_MAX_BYTES (1u << 20) /* of one resource; the oldest posts go first */
#define GH_DEN_LOGS_MAX_COUNT 1000

/* Open it, or make it. Errors: GH_E_INPUT another version's; GH_E_SYSTEM it cannot be read or written, or
 * another daemon has it. */
int gh_den_open(const char *state_dir, struct gh_den **den_out, struct gh_err *err) GH_MUST_USE;
void gh_den_close(struct gh_den **den_of);

struct gh_den_facts {
    const char *user; /* NULL: the token is not known, or no longer good. Borrowed until a change */
    bool
        is_valid; /* it is the owner's of the resource: its own, or a cluster token of its folder */
    enum gh_level level; /* of the user on the resource */
};

/* What the holder of the token with DIGEST may do with the resource at URI ("alice:gpu"); "" asks for the
 * user alone. A cluster token is good for resources of its folder. The resource need not be saved: an
 * owner may write what is not there yet. */
struct gh_den_facts gh_den_facts(const struct gh_den *den, const struct gh_digest *digest,
                                 const char *uri);

#endif
