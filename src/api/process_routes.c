/* SPDX-License-Identifier: Apache-2.0
 *
 * api/process_routes.c - processes, their environment variables and import paths.
 * Source: http-api.md section 3, packages-and-processes.md. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/fanout.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/settings.h"
#include "node/packages.h"
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
    char *process_name GH_SCOPED(gh_free) =
        gh_strndup(values[PROCESS].text.bytes, values[PROCESS].text.len);
    struct gh_process *process =
        values[PROCESS].is_given ? gh_pool_find(api->pool, process_name) : NULL;

    if (values[PROCESS].is_given && !process) {
        gh_reply_exception(request, GH_PY_OBJ_STORE_ERROR, "Got None servlet for servlet_name %s.",
                           process_name);
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

/* ---- POST /install_package ---- */

static void
add_path(struct gh_api *api, struct gh_request *request, const char *path)
{
    struct gh_buf json GH_SCOPED(gh_buf_done) = {0};
    struct gh_fanout *fanout = gh_fanout_new(request);

    gh_jsontext_quote(&json, path, strlen(path), GH_JSONTEXT_UTF8);
    gh_pool_add_path(api->pool, path);
    gh_fanout_send_all(fanout, api->pool, GH_FRAME_ADD_PATH, gh_buf_text(&json));
    gh_log(GH_LOG_INFO, "path.added", "path=%s", gh_log_quote(path));
    gh_fanout_go(fanout);
}

void
gh_route_install_package(struct gh_api *api, struct gh_request *request)
{
    enum { CONFIG, CONDA_ENV, VENV, OVERRIDE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [CONFIG] = {"package_config", GH_FIELD_OBJECT, true},
        [CONDA_ENV] = {"conda_env_name", GH_FIELD_TEXT, false},
        [VENV] = {"venv_path", GH_FIELD_TEXT, false},
        [OVERRIDE] = {"override_remote_version", GH_FIELD_BOOL, false},
    };
    struct gh_value values[COUNT];
    char *path GH_SCOPED(gh_free) = NULL;
    struct gh_err err;

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    switch (gh_packages_plan(values[CONFIG].tree, &path, &err)) {
    case GH_PACKAGE_PATH:
        add_path(api, request, path);
        break;
    case GH_PACKAGE_NO_PATH:
        gh_reply_exception(request, GH_PY_FILE_NOT_FOUND_ERROR, "%s", err.text);
        break;
    case GH_PACKAGE_BAD:
    default:
        gh_reply_exception(request, GH_PY_VALUE_ERROR, "%s", err.text);
        break;
    }
    gh_fields_done(values, COUNT);
}
