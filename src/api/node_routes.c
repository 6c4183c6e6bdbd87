/* SPDX-License-Identifier: Apache-2.0
 *
 * api/node_routes.c - the node itself: /check, health, /status, /settings. None of these waits for a
 * worker. Source: http-api.md section 3, cluster-config-and-lifecycle.md section 6. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/settings.h"
#include "node/usage.h"
#include "pool/pool.h"
#include "store/cluster.h"
#include "store/keys.h"
#include "wire/frame.h"
#include "wire/reply.h"

void
gh_route_check(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"rh_version\":");
    gh_jsontext_quote(&out, api->settings->rh_version, strlen(api->settings->rh_version),
                      GH_JSONTEXT_UTF8);
    gh_buf_add_byte(&out, '}');
    gh_reply_json(request, 200, &out);
}

/* ---- health ---- */

void
gh_route_livez(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf out = {0};

    (void)api;
    gh_buf_add_text(&out, "{\"status\":\"ok\"}");
    gh_reply_json(request, 200, &out);
}

void
gh_route_readyz(struct gh_api *api, struct gh_request *request)
{
    struct gh_key *key, *next;

    if (api->is_draining) {
        gh_reply_busy(request, 1, "The node is stopping.");
        return;
    }
    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next) {
        if (p->state != GH_PROCESS_READY) {
            gh_reply_busy(request, 1, "Process %s is not ready%s%s.", p->name,
                          p->park_reason ? ": " : "", p->park_reason ? p->park_reason : "");
            return;
        }
    }
    HASH_ITER(hh, api->keys->by_name, key, next)
    {
        if (key->is_pending) {
            gh_reply_busy(request, 1, "Module %s is being loaded.", key->name);
            return;
        }
        if (key->problem) {
            gh_reply_busy(request, 1, "Module %s could not be built: %s", key->name, key->problem);
            return;
        }
    }
    gh_route_livez(api, request);
}

/* ---- GET /status ---- */

static json_t *
cpu_usage(struct gh_api *api)
{
    struct gh_memory memory;

    gh_usage_memory(&memory);
    return json_pack("{s:I, s:f, s:I, s:I, s:f}", "free_memory", (json_int_t)memory.available_bytes,
                     "used_memory_percent", memory.used_percent, "total_memory",
                     (json_int_t)memory.total_bytes, "used_memory",
                     (json_int_t)(memory.total_bytes - memory.available_bytes),
                     "utilization_percent", gh_usage_cpu(api->usage));
}

static json_t *
active_calls(const struct gh_process *process, const char *key)
{
    json_t *list = json_array();

    for (const struct gh_call *call = process->calls; call; call = call->next) {
        if (call->kind != GH_FRAME_CALL || strcmp(call->key, key) != 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:s}", "key", call->key,
                                              "method_name", call->method, "request_id",
                                              call->request_id, "start_time", call->started_unix_s,
                                              "run_name", call->run_name));
    }
    return list;
}

static json_t *
process_status(struct gh_api *api, const struct gh_process *process)
{
    struct gh_process_usage usage;
    struct gh_memory memory;
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
    gh_usage_memory(&memory);
    gh_usage_process(process->worker ? process->worker->pid : 0, &usage);
    return json_pack(
        "{s:s, s:s, s:i, s:{s:I, s:f, s:I, s:f}, s:i, s:o}", "node_ip", gh_cluster_ip(api->cluster),
        "node_name", "worker_0", "node_index", 0, "process_cpu_usage", "used_memory",
        (json_int_t)usage.used_bytes, "utilization_percent", usage.cpu_percent, "total_memory",
        (json_int_t)memory.total_bytes, "used_memory_percent", usage.used_percent, "pid",
        process->worker ? process->worker->pid : 0, "process_resource_mapping", keys);
}

void
gh_route_status(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"send_to_den", GH_FIELD_BOOL, false};
    struct gh_value value;
    struct gh_buf out = {0};
    json_t *processes = json_object();

    if (gh_fields_query(request, &field, 1, &value) != 0) {
        json_decref(processes);
        return;
    }
    gh_fields_done(&value, 1);

    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next)
        json_object_set_new(processes, p->name, process_status(api, p));
    json_t *server = cpu_usage(api);
    json_t *status = json_pack(
        "[{s:O, s:[{s:s, s:O}], s:O, s:o, s:i, s:s, s:b}, n]", "cluster_config",
        api->cluster->config, "workers", "ip", gh_cluster_ip(api->cluster), "server_cpu_usage",
        server, "server_cpu_usage", server, "processes", processes, "server_pid", (int)getpid(),
        "runhouse_version", api->settings->rh_version, "is_multinode", 0);
    json_decref(server);

    char *text GH_SCOPED(gh_free) = json_dumps(status, JSON_COMPACT);
    json_decref(status);
    gh_buf_add_text(&out, text ? text : "[null,null]");
    gh_reply_json(request, 200, &out);
}

/* ---- POST /settings ---- */

/* The configs that workers hand out hold the cluster's name. Calls sent after this see the new one;
 * nobody waits for a worker here. */
static void
tell_workers(struct gh_api *api)
{
    char *config GH_SCOPED(gh_free) = json_dumps(api->cluster->config, JSON_COMPACT);
    struct gh_call_order order = {
        .kind = GH_FRAME_SET_CONFIG,
        .head = {.data = (const uint8_t *)config, .data_len = strlen(config)},
        .fd = -1,
    };
    struct gh_err err;

    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next)
        if (gh_pool_call(p, &order, NULL, &err) != GH_OK)
            gh_log(GH_LOG_WARN, "process.old_config", "process=%s reason=%s", gh_log_quote(p->name),
                   gh_log_quote(err.text));
}

void
gh_route_settings(struct gh_api *api, struct gh_request *request)
{
    enum { NAME, DEN_AUTH, FLUSH, AUTOSTOP, INTERVAL, COUNT };
    static const struct gh_field fields[COUNT] = {
        [NAME] = {"cluster_name", GH_FIELD_TEXT, false},
        [DEN_AUTH] = {"den_auth", GH_FIELD_BOOL, false},
        [FLUSH] = {"flush_auth_cache", GH_FIELD_BOOL, false},
        [AUTOSTOP] = {"autostop_mins", GH_FIELD_INT, false},
        [INTERVAL] = {"status_check_interval", GH_FIELD_INT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    if (values[DEN_AUTH].flag) {
        gh_reply_detail(request, 400,
                        "den_auth cannot be switched on: this version does not check callers.");
        gh_fields_done(values, COUNT);
        return;
    }
    if (values[NAME].is_given)
        gh_cluster_set(api->cluster, "name",
                       json_stringn(values[NAME].text.bytes, values[NAME].text.len));
    if (values[AUTOSTOP].number)
        gh_cluster_set(api->cluster, "autostop_mins", json_integer(values[AUTOSTOP].number));
    if (values[INTERVAL].number)
        gh_cluster_set(api->cluster, "status_check_interval",
                       json_integer(values[INTERVAL].number));
    tell_workers(api);
    gh_reply_success(request);
    gh_fields_done(values, COUNT);
}
