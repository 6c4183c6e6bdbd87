/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_inner.h - what acme.c, acme_name.c and acme_ari.c share: all that there is of one CA, and of each
 * name. Nobody else includes this. */
#ifndef GH_NET_ACME_INNER_H
#define GH_NET_ACME_INNER_H

#include "base/words.h"
#include "net/acme.h"
#include "net/acme_account.h"
#include "net/acme_cert.h"
#include "net/acme_order.h"
#include "net/acme_store.h"

/* Orders at once; others wait. A CA does not like many, and each may hold a second of the CA's time. */
#define GH_ACME_ORDERS_MAX 4u

struct gh_acme_name {
    struct gh_acme *acme;
    char *name;
    struct gh_acme_state state;
    bool is_wanted; /* by a client, or by what was begun before */

    bool has_cert;
    struct gh_acme_cert cert;
    int64_t renew_at_s;

    int64_t ask_ari_at_s; /* when the CA is asked again when to renew */
    struct gh_acme_ask *ari;

    struct gh_acme_order *order; /* that is open */
    struct gh_p256 *key;         /* of it */
    uint64_t ordered_at_ms;
    struct gh_acme_name *prev, *next;
};

struct gh_acme {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    struct gh_net *net;
    struct gh_certs *certs;
    struct gh_acme_store store;
    struct gh_acme_challenges challenges;
    struct gh_acme_client *client;

    struct gh_p256 *account_key;
    struct gh_buf eab_secret;
    struct gh_acme_account account;
    bool is_registering;
    unsigned account_failures;
    int64_t account_next_try_s;

    struct gh_acme_name *names;
    unsigned order_count;
    uv_timer_t timer; /* looks at all names when one of them may be due */
};

/* Seconds since 1970, and a number by chance. */
int64_t gh_acme_now_s(void);
uint32_t gh_acme_chance(void);

/* How long to wait after what REPLY says, the FAILURES-th time in a row. */
int64_t gh_acme_pause_s(const struct gh_acme *acme, unsigned failures,
                        const struct gh_acme_reply *reply);

/* Something has changed: look at all names in the loop's next turn. */
void gh_acme_look_soon(struct gh_acme *acme);

/* The account is not, or no longer, known to the CA. */
void gh_acme_forget_account(struct gh_acme *acme);

/* ---- a name ---- */

/* NAME, with what is kept of it; shown if it has a certificate. */
struct gh_acme_name *gh_acme_name_load(struct gh_acme *acme, const char *name);
void gh_acme_name_free(struct gh_acme_name *name); /* its order and questions end */

/* Does it want an order now? If not, *WHEN_S_OUT is when it may, 0 for never as things are. */
bool gh_acme_name_is_due(const struct gh_acme_name *name, int64_t now_s, int64_t *when_s_out);

/* Order its certificate. The account is known. */
void gh_acme_name_order(struct gh_acme_name *name);

/* Nothing could be ordered: those who wait for the certificate of NAME go on without. */
void gh_acme_name_give_up(struct gh_acme_name *name);

/* Ask the CA when to renew, if it can be asked and it is time. */
void gh_acme_ari_look(struct gh_acme_name *name, int64_t now_s);

#endif
