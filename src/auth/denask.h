/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/denask.h - the questions of one fact, put to Den over HTTP at the same time, and its answers read.
 * Source: auth.md section 6. Loop thread only. */
#ifndef GH_AUTH_DENASK_H
#define GH_AUTH_DENASK_H

#include <stdbool.h>

#include "auth/denword.h"
#include "wire/request.h"

struct gh_denask;
struct gh_net;

#define GH_DENASK_ANSWER_MAX_BYTES (1u << 20)

struct gh_denask_answer {
    const char *problem; /* why Den's answer is not known; NULL when all questions were answered */
    struct gh_denask_word word;
};

struct gh_denask_order {
    const char *url; /* of Den, with or without a slash at its end */
    const char *uri; /* of a resource, "alice:gpu"; "" asks whose the token is */
    struct gh_slice token;
    bool asks_validity;
    unsigned timeout_ms;
    const char *ca_file; /* or NULL */
};

/* FN is called once, never from in here, unless it is cancelled before. ORDER is borrowed for the call
 * alone. */
struct gh_denask *gh_denask_start(struct gh_net *net, const struct gh_denask_order *order,
                                  void (*fn)(void *context, const struct gh_denask_answer *answer),
                                  void *context);
void gh_denask_cancel(struct gh_denask *ask);

#endif
