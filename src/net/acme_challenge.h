/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_challenge.h - what a CA is shown to prove that a name is this node's: over HTTP by token, or in a
 * handshake. Loop thread only. Sources: RFC 8555 section 8.3, RFC 8737. */
#ifndef GH_NET_ACME_CHALLENGE_H
#define GH_NET_ACME_CHALLENGE_H

#include <stdbool.h>

#include "net/p256.h"

struct gh_certs;

/* One that is shown now, filled by who shows it and in its memory. */
struct gh_acme_challenge {
    const char *token;  /* borrowed */
    const char *answer; /* the key authorization; borrowed */
    void (*on_fetched)(
        void *context); /* somebody, most likely the CA, came for it. It stays shown meanwhile */
    void *context;
    struct gh_acme_challenge *prev, *next;
};

/* All those over HTTP. Zeroed it is empty. */
struct gh_acme_challenges {
    struct gh_acme_challenge *list;
};

void gh_acme_challenge_show(struct gh_acme_challenges *all, struct gh_acme_challenge *challenge);
void gh_acme_challenge_hide(struct gh_acme_challenges *all, struct gh_acme_challenge *challenge);

/* What is to be answered to who asks for TOKEN; NULL for nothing. Tells who shows it. */
const char *gh_acme_challenge_fetch(struct gh_acme_challenges *all, struct gh_slice token);

/* Is TOKEN one that a CA may give? Source: RFC 8555 section 8.3. */
bool gh_acme_challenge_is_token(const char *token);

/* Show it to who asks CERTS for NAME as tls-alpn-01 does, until gh_certs_drop_challenge. Errors: GH_E_SYSTEM. */
int gh_acme_challenge_show_in_tls(struct gh_certs *certs, const char *name, const char *answer,
                                  struct gh_err *err) GH_MUST_USE;

#endif
