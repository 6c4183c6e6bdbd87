/* SPDX-License-Identifier: Apache-2.0
 *
 * api/own_routes.c - /_gatehouse/v1/: what this node knows of itself beyond the client's protocol, for
 * who keeps it. Source: docs/http-api.md, "For who keeps the node". */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "pool/pool.h"
#include "store/runs.h"
#include "wire/reply.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

/* ---- GET /_gatehouse/v1/node ---- */

static const char *
state_name(const struct gh_process *process)
{
    static const char *const names[] = {
        [GH_PROCESS_STARTING] = "starting", [GH_PROCESS_READY] = "ready",
        [GH_PROCESS_WAITING] = "waiting",   [GH_PROCESS_PARKED] = "parked",
        [GH_PROCESS_HELD] = "held",
    };
    return gh_pool_is_draining(process) ? "draining" : names[process->state];
}

static json_t *
process_facts(const struct gh_process *process)
{
    bool is_up = process->state == GH_PROCESS_READY || process->state == GH_PROCESS_STARTING;

    return json_pack("{s:s, s:o, s:s?, s:s?, s:s, s:i, s:i, s:s?}", "state", state_name(process),
                     "pid", process->worker ? json_integer(process->worker->pid) : json_null(),
                     "version", process->version, "executable", process->executable, "env",
                     process->python, "restarts", (int)process->restart_count, "open_calls",
                     (int)process->call_count, "reason", is_up ? NULL : process->park_reason);
}

void
gh_route_node(struct gh_api *api, struct gh_request *request)
{
    json_t *processes = json_object();
    double uptime_s = (double)(uv_hrtime() - api->started_ns) / 1e9;

    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next)
        json_object_set_new(processes, p->name, process_facts(p));
    gh_reply_tree(request, 200,
                  json_pack("{s:s, s:i, s:f, s:b, s:s?, s:o}", "version", PACKAGE_VERSION, "pid",
                            (int)getpid(), "uptime_s", uptime_s, "is_draining", api->is_draining,
                            "unit", api->unit, "processes", processes));
}

/* ---- GET /_gatehouse/v1/runs ---- */

static void
add_run(void *context, const struct gh_run_facts *facts)
{
    bool is_active = facts->active_calls > 0;

    json_array_append_new(context,
                          json_pack("{s:s, s:b, s:i, s:I, s:o}", "run_name", facts->name,
                                    "is_active", is_active, "open_calls", (int)facts->active_calls,
                                    "bytes", (json_int_t)facts->bytes, "ended_s",
                                    is_active ? json_null() : json_real(facts->ended_s)));
}

void
gh_route_runs(struct gh_api *api, struct gh_request *request)
{
    json_t *list = json_array();

    gh_runs_each(api->runs, add_run, list);
    gh_reply_tree(request, 200, json_pack("{s:o}", "runs", list));
}

/* ---- GET /_gatehouse/v1/runs/{run_name} ---- */

void
gh_route_run(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf name GH_SCOPED(gh_buf_done) = {0}, out = {0};

    gh_url_decode(&name, request->url.segments[3],
                  false); /* escapes were checked with the target */
    struct gh_value value = {.is_given = true, .text = {(char *)name.bytes, name.len}};
    if (gh_run_name_check(request, "path", &value) != 0)
        return;
    if (gh_runs_kept(api->runs, value.text, &out))
        gh_reply_json(request, 200, &out);
    else
        gh_reply_detail(request, 404, "Run %.*s is not known, or its output is no longer kept.",
                        (int)name.len, (char *)name.bytes);
}
