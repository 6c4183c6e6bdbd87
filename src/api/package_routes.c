/* SPDX-License-Identifier: Apache-2.0
 *
 * api/package_routes.c - what is installed for the processes, and their import paths.
 * Source: http-api.md section 3, packages-and-processes.md section 1. */
#include <jansson.h>
#include <string.h>

#include "api/fanout.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "node/packages.h"
#include "pool/pool.h"
#include "wire/frame.h"
#include "wire/reply.h"

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
