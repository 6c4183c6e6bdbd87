/* SPDX-License-Identifier: Apache-2.0
 *
 * api/config_routes.c - /_gatehouse/v1/config: the configuration and where each value comes from, and
 * its change while the daemon runs. On the control socket only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "conf/change.h"
#include "conf/settings.h"
#include "conf/show.h"
#include "node/envmaker.h"
#include "pool/pool.h"
#include "wire/reply.h"

#define NOTE                                                                                       \
    "Changes hold until the daemon reads its configuration again: at SIGHUP and at its start."

void
gh_api_settings_changed(struct gh_api *api)
{
    gh_change_apply_log(api->settings);
    gh_api_reopen_audit(api);
    gh_pool_settings_changed(api->pool);
    if (api->auth)
        gh_auth_flush(api->auth);
}

static void
add_states(const struct gh_envmaker *maker, json_t *envs)
{
    const struct gh_made_env *made;
    const char *name;
    json_t *env;

    json_object_foreach(envs, name, env)
    {
        made = gh_envmaker_find(maker, name);
        json_object_set_new(env, "state", json_string(gh_made_env_state_name(made->state)));
        json_object_set_new(env, "text", json_string(made->text));
        if (made->python)
            json_object_set_new(env, "folder", json_string(made->python));
    }
}

static json_t *
show(struct gh_api *api)
{
    json_t *tree = gh_show_settings(api->settings);

    add_states(api->envs, json_object_get(tree, "envs"));
    json_object_set_new(tree, "note", json_string(NOTE));
    return tree;
}

void
gh_route_config_get(struct gh_api *api, struct gh_request *request)
{
    gh_reply_tree(request, 200, show(api));
}

/* 422 with one entry for each fault, in the form of all others. */
static void
refuse(struct gh_request *request, const struct gh_faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->texts.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:[s], s:s}", "type", "setting_error", "loc",
                                              "body", "msg", faults->texts.list[i]));
    if (faults->omitted > 0)
        json_array_append_new(list, json_pack("{s:s, s:[s], s:s}", "type", "setting_error", "loc",
                                              "body", "msg", "and more"));
    gh_reply_tree(request, 422, json_pack("{s:o, s:s}", "detail", list, "request_id", request->id));
}

void
gh_route_config_patch(struct gh_api *api, struct gh_request *request)
{
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
    json_error_t where;
    json_t *wanted =
        json_loadb(request->body.bytes, request->body.len, JSON_REJECT_DUPLICATES, &where);

    if (!json_is_object(wanted))
        gh_faults_add(&faults, "the body must be a JSON object of settings and values%s%s",
                      wanted ? "" : ": ", wanted ? "" : where.text);
    else if (gh_change_apply(api->settings, wanted, &faults) == GH_OK)
        gh_api_settings_changed(api);
    json_decref(wanted);
    if (gh_faults_count(&faults) > 0)
        refuse(request, &faults);
    else
        gh_reply_tree(request, 200, show(api));
}
