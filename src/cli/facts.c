/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/facts.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"

double
gh_facts_number(const json_t *object, const char *member)
{
    return json_number_value(json_object_get(object, member));
}

const char *
gh_facts_text(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static int
strange(const struct gh_client *client, const char *path, struct gh_err *err)
{
    return gh_err_set(err, GH_EXIT_FAILED, "%s: its %s is of an unknown form; is it a gatehouse?",
                      gh_client_place(client), path);
}

int
gh_facts_status(struct gh_client *client, json_t **status_out, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_get(client, "/status", &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_t *status = json_array_get(answer, 0);
    if (!json_is_object(status) || !json_is_object(json_object_get(status, "processes")))
        return strange(client, "/status", err);
    *status_out = json_incref(status);
    return GH_EXIT_OK;
}

int
gh_facts_node(struct gh_client *client, json_t **node_out, struct gh_err *err)
{
    int rc = gh_client_get(client, "/_gatehouse/v1/node", node_out, err);

    if (rc != GH_EXIT_NOT_FOUND)
        return rc;
    *node_out = json_null();
    return GH_EXIT_OK;
}

int
gh_facts_processes(struct gh_client *client, json_t **processes_out, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_get(client, "/processes", &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    const char *text = gh_facts_text(answer, "data"); /* JSON in JSON */
    json_t *processes = text ? json_loads(text, 0, NULL) : NULL;
    if (!processes)
        return strange(client, "/processes", err);
    *processes_out = processes;
    return GH_EXIT_OK;
}

/* ---- keys ---- */

static json_t *
fact_of_key(json_t *processes, const char *key)
{
    const char *name;
    json_t *process;

    json_object_foreach(processes, name, process)
    {
        json_t *entry = json_object_get(json_object_get(process, "process_resource_mapping"), key);
        if (entry)
            return json_pack("{s:s?, s:s, s:i}", "type", gh_facts_text(entry, "resource_type"),
                             "process", name, "calls",
                             (int)json_array_size(json_object_get(entry, "active_function_calls")));
    }
    return json_pack("{s:n, s:n, s:i}", "type", "process", "calls", 0);
}

int
gh_facts_keys(struct gh_client *client, json_t **keys_out, struct gh_err *err)
{
    json_t *status GH_SCOPED(gh_json_drop) = NULL, *list GH_SCOPED(gh_json_drop) = NULL;
    size_t i;
    json_t *name;

    int rc = gh_facts_status(client, &status, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_get(client, "/keys", &list, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_t *keys = json_object();
    json_array_foreach(json_object_get(list, "data"), i, name) json_object_set_new(
        keys, json_string_value(name),
        fact_of_key(json_object_get(status, "processes"), json_string_value(name)));
    *keys_out = keys;
    return GH_EXIT_OK;
}

int
gh_facts_runs(struct gh_client *client, json_t **runs_out, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_get(client, "/_gatehouse/v1/runs", &answer, err);
    if (rc == GH_EXIT_OK)
        *runs_out = json_incref(json_object_get(answer, "runs"));
    return rc;
}
