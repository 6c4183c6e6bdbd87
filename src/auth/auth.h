/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/auth.h - who is asking: the owner by the token that this node was given, or somebody by a
 * token that it gave out. Everything here is answered at once, from memory. Loop thread only. */
#ifndef GH_AUTH_AUTH_H
#define GH_AUTH_AUTH_H

#include <stdbool.h>

#include "auth/access.h"
#include "auth/throttle.h"
#include "auth/tokens.h"
#include "wire/digest.h"

struct gh_identity;

/* Whether callers are checked at all is the setting use_den_auth. */
struct gh_auth {
    bool has_owner;
    struct gh_digest owner; /* of the node's own token */
    char *owner_name;       /* "owner" when it is not known */
    char *den_url; /* of the Den that the client's files name, which is not asked; or NULL */
    struct gh_tokens tokens;
    struct gh_throttle throttle;
};

/* Read the tokens that were given out, and take what is needed of IDENTITY: of its token the digest. */
int gh_auth_open(struct gh_auth *auth, const char *state_dir, const struct gh_identity *identity,
                 struct gh_err *err) GH_MUST_USE;
void gh_auth_close(struct gh_auth *auth);

/* Log who gets in from now on, since callers are checked from now on. */
void gh_auth_announce(const struct gh_auth *auth);

/* Who sends AUTHORIZATION (the header's value, or NULL). */
struct gh_caller gh_auth_caller(const struct gh_auth *auth, const char *authorization);

#endif
