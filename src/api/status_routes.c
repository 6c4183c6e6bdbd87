/* SPDX-License-Identifier: Apache-2.0
 *
 * api/status_routes.c - GET /status: the node, its processes, what they use and what they run.
 *
 * No worker is asked: what it runs is known here, what it uses is read from /proc in the thread pool
 * (node/census.h), what it has on GPUs comes from the last sample (node/gpu.h). So a worker that hangs
 * is shown like any other; one that does not run is {}.
 * Source: cluster-config-and-lifecycle.md section 6; the schema is that of runhouse 0.0.42
 * servers/cluster_servlet.py, astatus, and utils.py, parse_gpu_usage. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/fields.h"
#include "api/heartbeat.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "conf/settings.h"
#include "node/census.h"
#include "node/gpu.h"
#include "node/node.h"
#include "pool/pool.h"
#include "store/cluster.h"
#include "store/keys.h"
#include "wire/reply.h"

/* One request that waits for its census. */
struct look {
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left */
    struct gh_census_waiter waiter;
    bool is_for_den;
    json_t *status;
};

static double
percent(double part, double whole)
{
    return whole > 0 ? round(10000 * part / whole) / 100 : 0;
}

/* ---- the node ---- */

static json_t *
node_cpu_usage(struct gh_node *node, const struct gh_memory *memory)
{
    return json_pack("{s:I, s:f, s:I, s:I, s:f}", "free_memory",
                     (json_int_t)memory->available_bytes, "used_memory_percent",
                     memory->used_percent, "total_memory", (json_int_t)memory->total_bytes,
                     "used_memory", (json_int_t)(memory->total_bytes - memory->available_bytes),
                     "utilization_percent", gh_usage_cpu(&node->usage));
}

/* Averages over the GPUs; NULL on a node without. */
static json_t *
node_gpu_usage(const struct gh_node *node)
{
    const struct gh_gpu_sample *sample = gh_gpus_sample(node->gpus);
    double total = 0, used = 0, free = 0, utilization = 0;
    unsigned count = sample->gpu_count;

    if (count == 0)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        total += (double)sample->gpus[i].total_bytes;
        used += (double)sample->gpus[i].used_bytes;
        free += (double)sample->gpus[i].free_bytes;
        utilization += sample->gpus[i].utilization_percent;
    }
    return json_pack("{s:I, s:I, s:f, s:I, s:i, s:f}", "total_memory", (json_int_t)(total / count),
                     "used_memory", (json_int_t)(used / count), "used_memory_percent",
                     percent(used, total), "free_memory", (json_int_t)(free / count), "gpu_count",
                     (int)count, "utilization_percent", round(100 * utilization / count) / 100);
}

/* ---- processes ---- */

static json_t *
active_calls(const struct gh_process *process, const char *key)
{
    json_t *list = json_array();

    for (const struct gh_call *call = process->calls; call; call = call->next) {
        bool is_run = call->kind == GH_FRAME_CALL || call->kind == GH_FRAME_HTTP_REQUEST;
        if (!is_run || strcmp(call->key, key) != 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:s}", "key", call->key,
                                              "method_name", call->method, "request_id",
                                              call->request_id, "start_time", call->started_unix_s,
                                              "run_name", call->run_name));
    }
    return list;
}

static json_t *
keys_of(const struct gh_api *api, const struct gh_process *process)
{
    struct gh_key *key, *next;
    json_t *keys = json_object();

    HASH_ITER(hh, api->keys->by_name, key, next)
    {
        if (key->process == process)
            json_object_set_new(keys, key->name,
                                json_pack("{s:s?, s:o}", "resource_type", key->type,
                                          "active_function_calls",
                                          active_calls(process, key->name)));
    }
    return keys;
}

static json_t *
process_cpu_usage(const struct gh_node *node, const struct gh_memory *memory, int pid)
{
    struct gh_family_usage usage;

    gh_census_family(node->census, pid, &usage);
    return json_pack("{s:I, s:f, s:I, s:f}", "used_memory", (json_int_t)usage.used_bytes,
                     "utilization_percent", usage.cpu_percent, "total_memory",
                     (json_int_t)memory->total_bytes, "used_memory_percent",
                     percent((double)usage.used_bytes, (double)memory->total_bytes));
}

/* Over the GPUs on which the worker, its children or theirs have memory; NULL when there is none. */
static json_t *
process_gpu_usage(const struct gh_node *node, int pid)
{
    const struct gh_gpu_sample *sample = gh_gpus_sample(node->gpus);
    bool is_used[GH_GPUS_MAX] = {false};
    double total = 0, used = 0;

    for (unsigned i = 0; i < sample->use_count; i++) {
        const struct gh_gpu_use *use = &sample->uses[i];
        if (!gh_census_is_family(node->census, pid, use->pid))
            continue;
        used += (double)use->used_bytes;
        if (!is_used[use->gpu])
            total += (double)sample->gpus[use->gpu].total_bytes;
        is_used[use->gpu] = true;
    }
    if (total <= 0)
        return NULL;
    return json_pack("{s:I, s:I, s:f}", "total_memory", (json_int_t)total, "used_memory",
                     (json_int_t)used, "used_memory_percent", percent(used, total));
}

static json_t *
process_status(const struct gh_api *api, const struct gh_memory *memory,
               const struct gh_process *process)
{
    if (!process->worker)
        return json_object();

    int pid = process->worker->pid;
    json_t *status = json_pack("{s:s, s:s, s:i, s:o, s:i, s:o}", "node_ip",
                               gh_cluster_ip(api->cluster), "node_name", "worker_0", "node_index",
                               0, "process_cpu_usage", process_cpu_usage(api->node, memory, pid),
                               "pid", pid, "process_resource_mapping", keys_of(api, process));
    json_t *gpu = process_gpu_usage(api->node, pid);
    if (gpu)
        json_object_set_new(status, "process_gpu_usage", gpu);
    return status;
}

/* ---- GET /status ---- */

json_t *
gh_api_status_json(struct gh_api *api)
{
    struct gh_memory memory;

    gh_usage_memory(&memory);
    json_t *processes = json_object();
    json_t *cpu = node_cpu_usage(api->node, &memory);
    json_t *gpu = node_gpu_usage(api->node);
    json_t *worker =
        json_pack("{s:s, s:O}", "ip", gh_cluster_ip(api->cluster), "server_cpu_usage", cpu);

    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next)
        json_object_set_new(processes, p->name, process_status(api, &memory, p));
    if (gpu)
        json_object_set(worker, "server_gpu_usage", gpu);

    json_t *status =
        json_pack("{s:O, s:[o], s:o, s:o, s:i, s:s, s:b}", "cluster_config", api->cluster->config,
                  "workers", worker, "server_cpu_usage", cpu, "processes", processes, "server_pid",
                  (int)getpid(), "runhouse_version", api->settings->rh_version, "is_multinode", 0);
    if (gpu)
        json_object_set_new(status, "server_gpu_usage", gpu);
    return status;
}

/* DEN_CODE: what Den answered to the status; 0 is null. */
static void
answer(void *context, unsigned den_code)
{
    struct look *look = context;
    struct gh_buf out = {0};

    if (look->request) {
        json_t *code = den_code ? json_integer(den_code) : json_null();
        json_t *pair = json_pack("[O, o]", look->status, code);
        char *text GH_SCOPED(gh_free) = json_dumps(pair, JSON_COMPACT);
        json_decref(pair);
        gh_buf_add_text(&out, text ? text : "[null,null]");
        gh_reply_json(look->request, 200, &out);
    }
    json_decref(look->status);
    free(look);
}

static void
on_taken(void *context)
{
    struct look *look = context;

    look->status = gh_api_status_json(look->api);
    if (look->is_for_den && look->api->heartbeat)
        gh_heartbeat_post(look->api->heartbeat, look->status, answer, look);
    else
        answer(look, 0);
}

void
gh_route_status(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"send_to_den", GH_FIELD_BOOL, false};
    struct gh_value value;

    if (gh_fields_query(request, &field, 1, &value) != 0)
        return;
    bool is_for_den = value.flag;
    gh_fields_done(&value, 1);

    struct look *look = gh_alloc(sizeof *look);
    look->api = api;
    look->is_for_den = is_for_den;
    look->waiter.on_taken = on_taken;
    look->waiter.context = look;
    gh_request_hold(request, &look->request);
    gh_census_take(api->node->census, &look->waiter);
}
