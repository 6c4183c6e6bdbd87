/* SPDX-License-Identifier: Apache-2.0
 *
 * api/node_routes.c - the node itself: /check, health, /settings. None of these waits for a
 * worker. Source: http-api.md section 3, cluster-config-and-lifecycle.md section 6. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/admit.h"
#include "api/fields.h"
#include "api/heartbeat.h"
#include "api/routes.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/rows.h"
#include "conf/settings.h"
#include "node/envmaker.h"
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
    const struct gh_made_env *env;
    struct gh_key *key, *next;

    if (api->is_draining) {
        gh_reply_busy(request, 1, "The node is stopping.");
        return;
    }
    for (size_t i = 0; (env = gh_envmaker_at(api->envs, i)); i++) {
        if (env->state != GH_MADE_ENV_READY) {
            gh_reply_busy(request, 1, "%s", env->text);
            return;
        }
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

/* ---- POST /settings ---- */

/* The configs that workers hand out hold the cluster's name. Calls sent after this see the new one;
 * nobody waits for a worker here. */
void
gh_api_tell_config(struct gh_api *api)
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

/* Returns false, having answered; or it is to be done again when Den has answered. */
static bool
switch_auth(struct gh_api *api, struct gh_request *request, bool is_on)
{
    struct gh_settings *settings = api->settings;
    struct gh_err err;

    if (is_on == settings->use_den_auth)
        return true;
    struct gh_slice none = {"", 0};
    if (!is_on &&
        gh_admit_for(api, request, GH_NEED_WRITE, none, gh_route_settings) != GH_ADMITTED)
        return false;
    if (!is_on && !settings->insecure && api->open_address) {
        gh_reply_detail(request, 400,
                        "den_auth cannot be switched off: the node listens on %s, which others can "
                        "reach, and was not started with --insecure.",
                        api->open_address);
        return false;
    }
    if (gh_row_set(settings, gh_row_find("use_den_auth"), is_on ? "true" : "false",
                   "POST /settings", &err) != GH_OK)
        return true; /* both are values that can be */
    gh_log(GH_LOG_INFO, "auth.switched", "den_auth=%s request_id=%s user=%s",
           is_on ? "true" : "false", request->id, gh_log_quote(request->user));
    if (is_on)
        gh_auth_announce(api->auth);
    gh_cluster_set(api->cluster, "den_auth", json_boolean(is_on));
    return true;
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
    if (values[DEN_AUTH].is_given && !switch_auth(api, request, values[DEN_AUTH].flag)) {
        gh_fields_done(values, COUNT);
        return;
    }
    if (values[FLUSH].flag && api->auth)
        gh_auth_flush(api->auth);
    if (values[NAME].is_given)
        gh_cluster_set(api->cluster, "name",
                       json_stringn(values[NAME].text.bytes, values[NAME].text.len));
    if (values[AUTOSTOP].number)
        gh_cluster_set(api->cluster, "autostop_mins", json_integer(values[AUTOSTOP].number));
    if (values[INTERVAL].number)
        gh_cluster_set(api->cluster, "status_check_interval",
                       json_integer(values[INTERVAL].number));
    if (values[INTERVAL].number && api->heartbeat)
        gh_heartbeat_start(api->heartbeat);
    gh_api_tell_config(api);
    gh_reply_success(request);
    gh_fields_done(values, COUNT);
}
