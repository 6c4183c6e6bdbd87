/* SPDX-License-Identifier: Apache-2.0
 *
 * api/forward.h - hand a request to a process and answer with what comes back.
 *
 * The client may leave before the answer is there: the forward then lives on without a request, so
 * that what must happen after the answer (a spec kept, a run ended) happens all the same. */
#ifndef GH_API_FORWARD_H
#define GH_API_FORWARD_H

#include "api/api.h"
#include "pool/pool.h"

struct gh_spec;
struct gh_run;

struct gh_forward {
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left */
    enum gh_serialization serialization;
    bool is_bare;
    struct gh_run *run;   /* ended after the answer; NULL when logs are not streamed */
    struct gh_spec *spec; /* kept for the key when the answer is good; see on_ok */
    /* Called before the request is answered, when the worker did what was asked. May be NULL. */
    void (*on_ok)(struct gh_forward *forward, struct gh_call *call);
};

/* A forward for REQUEST; set its fields, then send. */
struct gh_forward *gh_forward_new(struct gh_api *api, struct gh_request *request,
                                  enum gh_serialization serialization);

/* Send ORDER (kind, head and fd are the caller's, the rest is filled in) to PROCESS. When it cannot be
 * taken the request is answered with 503 and the reason. FORWARD is gone or the pool's afterwards. */
void gh_forward_send(struct gh_forward *forward, struct gh_process *process,
                     struct gh_call_order *order);

/* Pass on what the worker answered, which is not a failure; takes its descriptor. */
void gh_forward_answer(struct gh_request *request, const struct gh_answer *answer);

/* Answer REQUEST as a failed call of that SERIALIZATION is answered: pickle 200 with an exception
 * envelope that the SDK raises as CLASS, json STATUS with the same envelope in plain text, none and
 * bare STATUS with a detail. Source: http-api.md quirks 1 and 3. */
void gh_forward_refuse(struct gh_request *request, enum gh_serialization serialization,
                       bool is_bare, unsigned status, int pyclass, const char *format, ...)
    GH_PRINTF(6, 7);

#endif
