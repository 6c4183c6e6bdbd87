/* SPDX-License-Identifier: Apache-2.0
 *
 * api/restart_routes.c - POST /_gatehouse/v1/restart_process: a new worker for a process, with the same
 * modules. Source: docs/http-api.md, "For who keeps the node". */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "conf/settings.h"
#include "pool/pool.h"
#include "store/keys.h"
#include "wire/reply.h"

#define DRAIN_MAX_MS 86400000

/* A request whose process is being restarted; that goes on without it. */
struct waiting {
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left */
};

/* {key: why it could not be built} of the keys of PROCESS. */
static json_t *
problems_of(struct gh_keys *keys, const struct gh_process *process)
{
    struct gh_key *key, *next;
    json_t *problems = json_object();

    HASH_ITER(hh, keys->by_name, key, next)
    {
        if (key->process == process && key->problem)
            json_object_set_new(problems, key->name, json_string(key->problem));
    }
    return problems;
}

static void
reply(struct gh_api *api, struct gh_request *request, const struct gh_process *process)
{
    struct gh_buf out = {0};
    json_t *tree = json_pack("{s:s, s:i, s:i, s:o}", "process_name", process->name, "pid",
                             process->worker->pid, "restarts", (int)process->restart_count,
                             "problems", problems_of(api->keys, process));
    char *text GH_SCOPED(gh_free) = json_dumps(tree, JSON_COMPACT);

    json_decref(tree);
    gh_buf_add_text(&out, text ? text : "null");
    gh_reply_json(request, 200, &out);
}

static void
on_restarted(struct gh_call *call, const struct gh_answer *answer)
{
    struct waiting *waiting = call->context;

    if (waiting->request && answer->failure)
        gh_reply_detail(waiting->request, 500, "%s", answer->failure);
    else if (waiting->request)
        reply(waiting->api, waiting->request, call->process);
    free(waiting);
}

static void
restart(struct gh_api *api, struct gh_request *request, struct gh_process *process,
        uint64_t drain_ms)
{
    struct waiting *waiting = gh_alloc(sizeof *waiting);
    struct gh_err err;

    waiting->api = api;
    gh_request_hold(request, &waiting->request);
    if (gh_pool_restart(process, drain_ms, on_restarted, waiting, &err) == GH_OK)
        return;
    gh_request_release(request);
    free(waiting);
    gh_reply_busy(request, 1, "%s", err.text);
}

void
gh_route_restart_process(struct gh_api *api, struct gh_request *request)
{
    enum { PROCESS, DRAIN, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PROCESS] = {"process_name", GH_FIELD_NAME, true},
        [DRAIN] = {"drain_ms", GH_FIELD_INT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    char *name GH_SCOPED(gh_free) =
        gh_strndup(values[PROCESS].text.bytes, values[PROCESS].text.len);
    struct gh_process *process = gh_pool_find(api->pool, name);
    long long drain_ms =
        values[DRAIN].is_given ? values[DRAIN].number : (long long)api->settings->drain_timeout_ms;

    if (drain_ms < 0 || drain_ms > DRAIN_MAX_MS)
        gh_fields_refuse(request, "body", "drain_ms", "out_of_range",
                         "Milliseconds from 0 to 86400000 are possible", values[DRAIN].raw);
    else if (!process)
        gh_reply_detail(request, 404, "Process %s not found.", name);
    else
        restart(api, request, process, (uint64_t)drain_ms);
    gh_fields_done(values, COUNT);
}
