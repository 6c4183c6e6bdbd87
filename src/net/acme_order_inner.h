/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_order_inner.h - what acme_order.c and acme_proof.c share, and nobody else. */
#ifndef GH_NET_ACME_ORDER_INNER_H
#define GH_NET_ACME_ORDER_INNER_H

#include "net/acme_order.h"
#include "net/acme_reply.h"

/* In their order; an order of the CA's may be past some of them. */
#define GH_ACME_STEPS(X)                                                                           \
    X(ORDER, "order")                                                                              \
    X(AUTHORISATION, "authorisation")                                                              \
    X(CHALLENGE, "challenge")                                                                      \
    X(VALIDATION, "validation")                                                                    \
    X(FINALISING, "finalising")                                                                    \
    X(ISSUING, "issuing")                                                                          \
    X(DOWNLOAD, "download")

enum gh_acme_step {
#define X(name, text) GH_ACME_STEP_##name,
    GH_ACME_STEPS(X)
#undef X
};

struct gh_acme_order {
    struct gh_acme_order_plan plan;
    enum gh_acme_step step;
    uv_timer_t timer;
    struct gh_acme_ask *ask;
    unsigned polls; /* of this step */
    unsigned finalisations;
    uint64_t polling_since_ms;

    char *url, *finalize_url, *certificate_url;
    struct json_t *authorizations; /* URLs */
    size_t authorization;          /* the one that is being proven */

    /* Of that one. */
    struct gh_acme_challenge shown; /* over HTTP, while is_shown */
    bool is_shown, is_in_tls, was_fetched;
    char *token, *answer;
};

void gh_acme_order_enter(struct gh_acme_order *order, enum gh_acme_step step);

/* Call ON_TIME after WAIT_MS, unless this step has lasted too long. */
void gh_acme_order_poll(struct gh_acme_order *order, unsigned wait_ms, uv_timer_cb on_time);

/* How long to wait before asking again what REPLY was the answer to: what it says, or longer each time. */
unsigned gh_acme_order_pause_ms(struct gh_acme_order *order, const struct gh_acme_reply *reply);

/* The order's end; ORDER is gone. */
void gh_acme_order_finish(struct gh_acme_order *order, const struct gh_acme_reply *reply,
                          bool is_lost, bool has_failed_challenge);
void gh_acme_order_refuse(struct gh_acme_order *order, enum gh_acme_outcome outcome,
                          const char *problem, bool has_failed_challenge);

/* All is proven: ask for the certificate. */
void gh_acme_order_finalise(struct gh_acme_order *order);

/* Prove the names, then gh_acme_order_finalise. */
void gh_acme_proof_begin(struct gh_acme_order *order);

/* Show nothing any more. */
void gh_acme_proof_end(struct gh_acme_order *order);

#endif
