/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/auth.h - who is asking, and may they? The owner is known by the token that this node was given,
 * others by tokens that it gave out: these are decided at once, from memory. Of all other tokens a Den is
 * asked, when one is named; what it said lately is in memory too. Loop thread only. */
#ifndef GH_AUTH_AUTH_H
#define GH_AUTH_AUTH_H

#include <stdbool.h>

#include "auth/access.h"
#include "auth/denfacts.h"
#include "auth/throttle.h"
#include "auth/tokens.h"
#include "wire/digest.h"

/* A longer token is not shown to a Den elsewhere: it is a wrong one. */
#define GH_AUTH_ASKED_MAX_BYTES 4096u

struct gh_den;
struct gh_identity;

/* Whether callers are checked at all is the setting use_den_auth. */
struct gh_auth {
    bool has_owner;
    struct gh_digest owner; /* of the node's own token */
    bool has_owner_hashed;
    struct gh_digest owner_hashed; /* of what clients 0.0.20 to 0.0.34 make of it */
    char *owner_name;              /* "owner" when it is not known */
    struct gh_tokens tokens;
    struct gh_throttle throttle;
    const struct gh_den *den;     /* our own; NULL: none is served here */
    struct gh_denfacts elsewhere; /* what another Den says */
};

/* Where it looks for what. */
struct gh_auth_place {
    uv_loop_t *loop;
    struct gh_net *net;       /* NULL: no Den elsewhere is asked */
    const struct gh_den *den; /* the node's own, which is asked instead; or NULL */
    const struct gh_settings *settings;
    const char *state_dir;
    const char
        *node_address; /* "/alice/gpu", or NULL; here only for old clients' tokens of the owner */
};

/* Read the tokens that were given out, and take what is needed of IDENTITY: of its token the digests. */
int gh_auth_open(struct gh_auth *auth, const struct gh_auth_place *place,
                 const struct gh_identity *identity, struct gh_err *err) GH_MUST_USE;
void gh_auth_close(struct gh_auth *auth);

/* Ask Den no more: who waits for it is told that it cannot be asked. */
void gh_auth_stop(struct gh_auth *auth);

/* Log who gets in from now on, since callers are checked from now on. */
void gh_auth_announce(const struct gh_auth *auth);

/* What somebody wants. All borrowed. */
struct gh_auth_question {
    const char *authorization; /* the header's value, or NULL */
    enum gh_need need;
    struct gh_object object;       /* for needs that are about one */
    const char *node_address;      /* by which Den knows this node, or NULL */
    enum gh_denfact_asking asking; /* whom Den may not be asked about is a stranger */
};

enum gh_auth_state {
    GH_AUTH_DECIDED,
    GH_AUTH_WAITS,      /* for FACT; then look again */
    GH_AUTH_CANNOT_SAY, /* Den is needed and does not answer */
};

/* Borrowed until the loop turns. */
struct gh_auth_answer {
    struct gh_caller caller;
    enum gh_verdict verdict;
    struct gh_denfact *fact;
    unsigned retry_after_s; /* with GH_AUTH_CANNOT_SAY */
};

enum gh_auth_state gh_auth_decide(struct gh_auth *auth, const struct gh_auth_question *question,
                                  struct gh_auth_answer *answer_out);

/* Forget what Den said. */
void gh_auth_flush(struct gh_auth *auth);

#endif
