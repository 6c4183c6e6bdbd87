/* SPDX-License-Identifier: Apache-2.0
 *
 * api/process_routes.c - processes and their environment variables.
 * Source: http-api.md section 3, packages-and-processes.md. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/fanout.h"
#include "api/fields.h"
#include "api/routes.h"
#include "api/targets.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "node/installer.h"
#include "pool/pool.h"
#include "wire/frame.h"
#include "wire/reply.h"

/* ---- GET /processes ---- */

void
gh_route_processes(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf list GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    /* JSON in JSON, with the inner separators of Python's json.dumps. */
    gh_buf_add_byte(&list, '{');
    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next) {
        gh_buf_add_text(&list, list.len > 1 ? ", " : "");
        gh_jsontext_quote(&list, p->name, strlen(p->name), GH_JSONTEXT_ASCII);
        gh_buf_add_text(&list, ": {\"name\": ");
        gh_jsontext_quote(&list, p->name, strlen(p->name), GH_JSONTEXT_ASCII);
        gh_buf_addf(&list, ", \"compute\": %s, \"runtime_env\": %s, \"env_vars\": %s}", p->compute,
                    p->runtime_env, p->env_vars);
    }
    gh_buf_add_byte(&list, '}');
    gh_jsontext_quote(&text, (char *)list.bytes, list.len, GH_JSONTEXT_UTF8);
    gh_reply_result(request, (char *)text.bytes, text.len, "json");
}

/* ---- POST /kill_process ---- */

void
gh_route_kill_process(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"process_name", GH_FIELD_NAME, true};
    struct gh_value value;
    struct gh_buf null = {0};

    if (gh_fields_body(request, &field, 1, &value) != 0)
        return;
    char *name GH_SCOPED(gh_free) = gh_strndup(value.text.bytes, value.text.len);
    struct gh_process *process = gh_pool_find(api->pool, name);
    if (!process) {
        gh_reply_exception(request, GH_PY_KEY_ERROR, "%s", name);
    } else {
        gh_pool_remove(process);
        gh_buf_add_text(&null, "null"); /* no envelope: http-api.md quirk 5 */
        gh_reply_json(request, 200, &null);
    }
    gh_fields_done(&value, 1);
}

/* ---- POST /env_vars ---- */

/* A process's own variables outlive its worker. /processes shows those it was created with. */
static void
remember_env(struct gh_process *process, json_t *added)
{
    json_t *later = json_loads(process->env_later, 0, NULL);

    json_object_update(later, added);
    free(process->env_later);
    process->env_later = json_dumps(later, JSON_COMPACT);
    json_decref(later);
}

void
gh_route_env_vars(struct gh_api *api, struct gh_request *request)
{
    enum { PROCESS, ENV_VARS, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PROCESS] = {"process_name", GH_FIELD_NAME, false},
        [ENV_VARS] = {"env_vars", GH_FIELD_VARIABLES, true},
    };
    struct gh_value values[COUNT];
    const char *name;
    json_t *value;

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    char *text GH_SCOPED(gh_free) = json_dumps(values[ENV_VARS].tree, JSON_COMPACT);
    struct gh_process *process =
        values[PROCESS].is_given ? gh_target_process(api, &values[PROCESS]) : NULL;

    if (values[PROCESS].is_given && !process) {
        gh_target_refuse(api, request, &values[PROCESS]);
        gh_fields_done(values, COUNT);
        return;
    }

    struct gh_fanout *fanout = gh_fanout_new(request);
    if (process) {
        remember_env(process, values[ENV_VARS].tree);
        gh_fanout_send(fanout, process, GH_FRAME_SET_ENV, text);
    } else {
        json_object_foreach(values[ENV_VARS].tree, name, value)
            gh_pool_set_env(api->pool, name, json_string_value(value));
        gh_fanout_send_all(fanout, api->pool, GH_FRAME_SET_ENV, text);
    }
    gh_fanout_go(fanout);
    gh_fields_done(values, COUNT);
}
