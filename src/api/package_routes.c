/* SPDX-License-Identifier: Apache-2.0
 *
 * api/package_routes.c - what is installed for the processes, and their import paths.
 * Source: http-api.md section 3, packages-and-processes.md section 1. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/fanout.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "node/installer.h"
#include "pool/pool.h"
#include "store/runs.h"
#include "wire/frame.h"
#include "wire/reply.h"

#define RETRY_AFTER_S 5 /* an install takes seconds to minutes */

/* A request whose package is being installed. The install goes on without it. */
struct waiting {
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left */
    struct gh_run *run;         /* gets what the tools print, for /logs; NULL without a run_name */
};

static void
add_path(struct gh_api *api, struct gh_fanout *fanout, const char *path)
{
    struct gh_buf json GH_SCOPED(gh_buf_done) = {0};

    gh_jsontext_quote(&json, path, strlen(path), GH_JSONTEXT_UTF8);
    gh_pool_add_path(api->pool, path);
    gh_fanout_send_all(fanout, api->pool, GH_FRAME_ADD_PATH, gh_buf_text(&json));
    gh_log(GH_LOG_INFO, "path.added", "path=%s", gh_log_quote(path));
}

/* Present workers look for what is new. Those of the node's own env are told its folders too: it may
 * have become another one since they were started (docs/decisions/0009). */
static void
tell_workers(struct gh_api *api, struct gh_fanout *fanout, const struct gh_install_result *result)
{
    const char *own = gh_installer_python(api->installer);

    for (struct gh_process *p = gh_pool_first(api->pool); p; p = p->next) {
        bool is_theirs = result->is_default_env && strcmp(p->python, own) == 0;
        gh_fanout_send(fanout, p, GH_FRAME_ADD_SITE, is_theirs ? result->site_folders : "[]");
    }
}

static void
on_installed(void *context, const struct gh_install_result *result)
{
    struct waiting *waiting = context;
    struct gh_api *api = waiting->api;
    struct gh_request *request = waiting->request;

    if (waiting->run)
        gh_run_end(waiting->run);
    free(waiting);
    if (request)
        gh_request_release(request);
    if (request && result->failure)
        gh_reply_exception(gh_take(request), result->failure_class, "%s", result->failure);

    /* Also after a failure: a venv may have been made for it, and is the env now. */
    struct gh_fanout *fanout = gh_fanout_new(request);
    if (result->python_before)
        gh_pool_change_python(api->pool, result->python_before, result->python_now);
    if (result->has_changed)
        tell_workers(api, fanout, result);
    if (result->add_path && !result->failure)
        add_path(api, fanout, result->add_path);
    gh_fanout_go(fanout);
}

static void
on_output(void *context, const char *line)
{
    struct waiting *waiting = context;
    char *text GH_SCOPED(gh_free) = gh_asprintf("%s\n", line);

    gh_run_write(waiting->run, GH_STREAM_STDOUT, text, strlen(text));
}

static void
refuse(struct gh_request *request, const struct gh_err *err)
{
    if (err->code == GH_E_NO_ROOM)
        gh_reply_busy(request, RETRY_AFTER_S, "%s", err->text);
    else
        gh_reply_exception(
            request, err->code == GH_E_NOT_FOUND ? GH_PY_FILE_NOT_FOUND_ERROR : GH_PY_VALUE_ERROR,
            "%s", err->text);
}

static void
install(struct waiting *waiting, struct gh_request *request, const struct gh_value *config,
        const struct gh_value *conda_env_name, const struct gh_value *venv_path,
        bool overrides_version)
{
    char *conda_env GH_SCOPED(gh_free) =
        gh_strndup(conda_env_name->text.bytes, conda_env_name->text.len);
    char *venv GH_SCOPED(gh_free) = gh_strndup(venv_path->text.bytes, venv_path->text.len);
    struct gh_install_order order = {
        .config = config->tree,
        .conda_env_name = conda_env,
        .venv_path = venv,
        .overrides_version = overrides_version,
        .variables = gh_pool_env(waiting->api->pool),
        .on_output = waiting->run ? on_output : NULL,
    };
    struct gh_installer *installer = waiting->api->installer;
    struct gh_err err;

    gh_request_hold(request, &waiting->request);
    if (gh_installer_submit(installer, &order, on_installed, waiting, &err) == GH_OK)
        return;
    gh_request_release(request);
    if (waiting->run)
        gh_run_end(waiting->run);
    free(waiting);
    refuse(request, &err);
}

void
gh_route_install_package(struct gh_api *api, struct gh_request *request)
{
    enum { CONFIG, CONDA_ENV, VENV, OVERRIDE, RUN_NAME, COUNT };
    static const struct gh_field fields[COUNT] = {
        [CONFIG] = {"package_config", GH_FIELD_OBJECT, true},
        [CONDA_ENV] = {"conda_env_name", GH_FIELD_TEXT, false},
        [VENV] = {"venv_path", GH_FIELD_TEXT, false},
        [OVERRIDE] = {"override_remote_version", GH_FIELD_BOOL, false},
        [RUN_NAME] = {"run_name", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    if (!values[RUN_NAME].is_given || gh_run_name_check(request, "body", &values[RUN_NAME]) == 0) {
        struct waiting *waiting = gh_alloc(sizeof *waiting);
        waiting->api = api;
        if (values[RUN_NAME].is_given)
            waiting->run = gh_run_begin(api->runs, values[RUN_NAME].text, (struct gh_slice){"", 0});
        install(waiting, request, &values[CONFIG], &values[CONDA_ENV], &values[VENV],
                values[OVERRIDE].flag);
    }
    gh_fields_done(values, COUNT);
}
