/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/denfacts.h - what a Den elsewhere says of a token, and for how long that counts.
 *
 * A fact is about one token and one resource: whose the token is, whether it is valid for the resource, and
 * its access level there. It is looked up in memory; one that is missing or old is asked for, once however
 * many wait for it. What Den allowed counts den_cache_s, and den_stale_s longer while Den cannot be asked;
 * what it denied counts den_denied_cache_s. After GH_DENFACTS_FAILURES failures in a row only one fact at a
 * time is asked for, at growing distances, until Den answers again. Of a token only its digest is kept.
 *
 * Source: auth.md section 6, front-and-faults.md section 5. Loop thread only. */
#ifndef GH_AUTH_DENFACTS_H
#define GH_AUTH_DENFACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>
#include <uv.h>

#include "auth/denask.h"
#include "wire/digest.h"

struct gh_denfact;
struct gh_settings;

#define GH_DENFACTS_MAX 10000u      /* kept; the oldest goes first */
#define GH_DENFACTS_ASKING_MAX 256u /* asked for at once; more are not known for now */
#define GH_DENFACTS_FAILURES 3u     /* in a row, until Den counts as not to be reached */
#define GH_DENFACTS_SUCCESSES 3u    /* in a row, until it counts as back */
#define GH_DENFACTS_PAUSE_MS 1000u  /* after a failure, doubled up to the next */
#define GH_DENFACTS_PAUSE_MAX_MS 30000u

enum gh_denfact_state {
    GH_DENFACT_KNOWN,
    GH_DENFACT_ASKED,   /* for it is being asked: wait for it */
    GH_DENFACT_UNKNOWN, /* Den cannot be asked now, or nobody is to ask it */
};

/* May Den be asked about a token? */
enum gh_denfact_asking {
    GH_DENFACT_ASK_NEVER,
    GH_DENFACT_ASK_AGAIN, /* about one that it let in before, so that it is no guess */
    GH_DENFACT_ASK,
};

/* Somebody who waits for a fact. In FN the fact is there, or cannot be had; FN may look for more and wait
 * again. */
struct gh_denfact_wait {
    struct gh_denfact_wait *prev, *next;
    struct gh_denfact *fact; /* NULL: waits for none */
    void (*fn)(void *context);
    void *context;
};

struct gh_denfact {
    UT_hash_handle hh;
    struct gh_digest names[2]; /* of the token and of the URI */
    struct gh_denask_word word;
    bool is_known;            /* Den has answered, whatever it said */
    uint64_t fresh_until_ms;  /* of the loop's clock, like the next */
    uint64_t stale_until_ms;  /* >= fresh_until_ms */
    uint64_t failed_until_ms; /* Den was asked in vain: not again before */
    struct gh_denask *ask;    /* while it is asked for */
    struct gh_denfacts *ask_of;
    struct gh_denfact_wait *waits;
    bool is_telling;                /* its waiters are being told */
    bool is_dropped;                /* not in the table any more: goes once its waiters were told */
    struct gh_denfact *prev, *next; /* of those that are asked for */
};

struct gh_denfacts {
    uv_loop_t *loop;
    struct gh_net *net;
    const struct gh_settings *settings;
    bool
        has_own_token; /* validity is asked for where the node has a token of its own, as upstream does */
    struct gh_denfact *by_names; /* in order of insertion */
    struct gh_denfact *in_flight;
    unsigned asking;    /* count of these */
    unsigned failures;  /* in a row */
    unsigned successes; /* in a row */
    bool is_failing;    /* that has been said */
    uint64_t closed_until_ms;
    bool is_stopped;
};

/* The token, its digest and what it is about: a resource's URI ("alice:gpu"), or "" for its user. */
struct gh_denfact_name {
    struct gh_slice token;
    const struct gh_digest *digest;
    const char *uri;
};

void gh_denfacts_init(struct gh_denfacts *facts, uv_loop_t *loop, struct gh_net *net,
                      const struct gh_settings *settings, bool has_own_token);

/* Nobody may wait any more. */
void gh_denfacts_done(struct gh_denfacts *facts);

/* Is a Den named that can be asked? */
bool gh_denfacts_has_den(const struct gh_denfacts *facts);

/* Look NAME up, and ask for it when it is not known and ASKING allows it. *FACT_OUT is set unless
 * GH_DENFACT_UNKNOWN; borrowed until the loop turns. */
enum gh_denfact_state gh_denfacts_look(struct gh_denfacts *facts,
                                       const struct gh_denfact_name *name,
                                       enum gh_denfact_asking asking, struct gh_denfact **fact_out);

/* Call WAIT's fn once FACT, which is being asked for, is there. */
void gh_denfact_await(struct gh_denfact *fact, struct gh_denfact_wait *wait);
void gh_denfact_leave(struct gh_denfact_wait *wait);

/* In how many seconds it makes sense to try again, at least 1, after GH_DENFACT_UNKNOWN. */
unsigned gh_denfacts_retry_s(const struct gh_denfacts *facts);

/* Ask nobody any more: who waits is told so. */
void gh_denfacts_stop(struct gh_denfacts *facts);

/* Forget all. Who waits is told, and may ask again. */
void gh_denfacts_flush(struct gh_denfacts *facts);

#endif
