/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/reply.h"

struct gh_fanout {
    struct gh_request *request; /* NULL once the client has left */
    unsigned pending;
    char *failure;
};

struct gh_fanout *
gh_fanout_new(struct gh_request *request)
{
    struct gh_fanout *fanout = gh_alloc(sizeof *fanout);

    fanout->pending = 1; /* ours, so that it does not finish while it is made */
    if (request)
        gh_request_hold(request, &fanout->request);
    return fanout;
}

void
gh_fanout_go(struct gh_fanout *fanout)
{
    if (--fanout->pending > 0)
        return;
    if (fanout->request && fanout->failure)
        gh_reply_exception(fanout->request, GH_PY_RUNTIME_ERROR, "%s", fanout->failure);
    else if (fanout->request)
        gh_reply_success(fanout->request);
    free(fanout->failure);
    free(fanout);
}

static void
on_fanout_answer(struct gh_call *call, const struct gh_answer *answer)
{
    /* A worker that died meanwhile gets it with its HELLO when it is started again. */
    (void)answer;
    gh_fanout_go(call->context);
}

void
gh_fanout_send(struct gh_fanout *fanout, struct gh_process *process, enum gh_frame_kind kind,
               const char *json)
{
    struct gh_call_order order = {
        .kind = kind,
        .head = {.data = (const uint8_t *)json, .data_len = strlen(json)},
        .fd = -1,
        .on_done = on_fanout_answer,
        .context = fanout,
    };
    struct gh_err err;

    if (process->state == GH_PROCESS_PARKED || gh_pool_is_draining(process))
        return; /* gets it when it is started again */
    if (gh_pool_call(process, &order, NULL, &err) == GH_OK)
        fanout->pending++;
    else if (!fanout->failure)
        fanout->failure = gh_strdup(err.text);
}

void
gh_fanout_send_all(struct gh_fanout *fanout, struct gh_pool *pool, enum gh_frame_kind kind,
                   const char *json)
{
    for (struct gh_process *p = gh_pool_first(pool); p; p = p->next)
        gh_fanout_send(fanout, p, kind, json);
}
