/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_order.h - one order: from a host name to the chain of its certificate.
 *
 *     ORDER -> AUTHORISATION -> CHALLENGE -> VALIDATION -> FINALISING -> ISSUING -> DOWNLOAD
 *               ^                              |
 *               +------ the next one ----------+
 *
 * An order that the CA keeps can be gone on with by its URL, from wherever it stood. Loop thread only. Source:
 * RFC 8555 section 7.4 to 7.5. */
#ifndef GH_NET_ACME_ORDER_H
#define GH_NET_ACME_ORDER_H

#include "net/acme_challenge.h"
#include "net/acme_client.h"

struct gh_acme_order;

/* Borrowed for as long as the order lasts. */
struct gh_acme_order_plan {
    uv_loop_t *loop;
    struct gh_acme_client *client;
    struct gh_certs *certs;
    struct gh_acme_challenges *challenges;
    const struct gh_p256 *account; /* its key */
    const struct gh_p256 *key;     /* the certificate's */
    const char *name;
    const char *profile;  /* "" for the CA's default */
    const char *replaces; /* what the CA knows the certificate by that is renewed; "" for none */
    const char *url;      /* of an order to go on with; NULL for a new one */
    bool by_alpn;   /* tls-alpn-01 rather than http-01; the other one where that is not offered */
    bool is_strict; /* no other one */

    /* The CA has the order at URL now; borrowed. */
    void (*on_placed)(void *context, const char *url);
    /* It is over: once, at its end, and the order is gone. When REPLY is OK, its body is the chain as PEM. IS_LOST:
     * there is nothing to go on with at the order's URL any more. HAS_FAILED_CHALLENGE: what was shown to the
     * CA was not what it saw. */
    void (*on_over)(void *context, const struct gh_acme_reply *reply, bool is_lost,
                    bool has_failed_challenge);
    void *context;
};

struct gh_acme_order *gh_acme_order_start(const struct gh_acme_order_plan *plan);

/* Which of its steps it is at, for the log. Static. */
const char *gh_acme_order_step(const struct gh_acme_order *order);

/* on_over is not called any more. Nothing where there is none. */
void gh_acme_order_cancel(struct gh_acme_order **order_of);

#endif
