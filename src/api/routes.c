/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/admit.h"
#include "api/den_ask.h"
#include "api/too_old.h"
#include "auth/audit.h"
#include "base/alloc.h"
#include "pool/pool.h"
#include "store/keys.h"
#include "wire/reply.h"

#define GH_OUTER_CALL "X-Gatehouse-Call"

static const struct gh_route routes[] = {
    /* clang-format off */
    {GH_GET,  "/check",           GH_NEED_NOTHING, gh_route_check},
    {GH_GET,  "/livez",           GH_NEED_NOTHING, gh_route_livez},
    {GH_GET,  "/readyz",          GH_NEED_NOTHING, gh_route_readyz},
    {GH_GET,  "/status",          GH_NEED_CLUSTER, gh_route_status},
    {GH_POST, "/settings",        GH_NEED_CLUSTER, gh_route_settings},
    {GH_GET,  "/processes",       GH_NEED_CLUSTER, gh_route_processes},
    {GH_POST, "/create_process",  GH_NEED_CLUSTER, gh_route_create_process},
    {GH_POST, "/kill_process",    GH_NEED_CLUSTER, gh_route_kill_process},
    {GH_POST, "/env_vars",        GH_NEED_CLUSTER, gh_route_env_vars},
    {GH_POST, "/process_env_vars", GH_NEED_CLUSTER, gh_route_env_vars}, /* up to 0.0.38 */
    {GH_POST, "/install_package", GH_NEED_CLUSTER, gh_route_install_package},
    {GH_POST, "/run_bash",        GH_NEED_CLUSTER, gh_route_run_bash},
    {GH_GET,  "/cert",            GH_NEED_NOTHING, gh_route_cert},
    {GH_GET,  "/.well-known/acme-challenge/{token}", GH_NEED_NOTHING, gh_route_acme_challenge},
    {GH_POST, "/folder/method/ls",     GH_NEED_WRITE, gh_route_folder_ls},
    {GH_POST, "/folder/method/mkdir",  GH_NEED_WRITE, gh_route_folder_mkdir},
    {GH_POST, "/folder/method/get",    GH_NEED_WRITE, gh_route_folder_get},
    {GH_POST, "/folder/method/put",    GH_NEED_WRITE, gh_route_folder_put},
    {GH_POST, "/folder/method/rm",     GH_NEED_WRITE, gh_route_folder_rm},
    {GH_POST, "/folder/method/mv",     GH_NEED_WRITE, gh_route_folder_mv},
    {GH_POST, "/folder/method/exists", GH_NEED_WRITE, gh_route_folder_exists},
    {GH_POST, "/resource",        GH_NEED_DEN,     gh_route_den_create}, /* see is_for() */
    {GH_POST, "/resource",        GH_NEED_CLUSTER, gh_route_put_resource},
    {GH_POST, "/object",          GH_NEED_CLUSTER, gh_route_put_object},
    {GH_GET,  "/object",          GH_NEED_CLUSTER, gh_route_get_object},
    {GH_POST, "/rename",          GH_NEED_CLUSTER, gh_route_rename},
    {GH_POST, "/delete_object",   GH_NEED_CLUSTER, gh_route_delete_object},
    {GH_GET,  "/keys",            GH_NEED_CLUSTER, gh_route_keys},
    {GH_POST, "/logs",            GH_NEED_OBJECT,  gh_route_logs},
    {GH_GET,  "/logs/{key}/{run_name}/{serialization}", GH_NEED_OBJECT, gh_route_logs_get},
    {GH_GET,  "/openapi.json",    GH_NEED_NOTHING, gh_route_node_openapi},
    {GH_GET,  "/docs",            GH_NEED_NOTHING, gh_route_node_docs},
    {GH_GET,  "/redoc",           GH_NEED_NOTHING, gh_route_node_redoc},
    {GH_GET,  "/_gatehouse/assets/{name}", GH_NEED_NOTHING, gh_route_asset},
    {GH_GET,  "/_gatehouse/v1/node",           GH_NEED_CLUSTER, gh_route_node},
    {GH_GET,  "/_gatehouse/v1/runs",           GH_NEED_CLUSTER, gh_route_runs},
    {GH_GET,  "/_gatehouse/v1/runs/{run_name}", GH_NEED_CLUSTER, gh_route_run},
    {GH_POST, "/_gatehouse/v1/restart_process", GH_NEED_CLUSTER, gh_route_restart_process},
    {GH_GET,   "/_gatehouse/v1/config", GH_NEED_LOCAL, gh_route_config_get},
    {GH_PATCH, "/_gatehouse/v1/config", GH_NEED_LOCAL, gh_route_config_patch},
    {GH_GET,   "/_gatehouse/v1/tokens", GH_NEED_LOCAL, gh_route_tokens_list},
    {GH_POST,  "/_gatehouse/v1/tokens", GH_NEED_LOCAL, gh_route_tokens_create},
    {GH_DELETE, "/_gatehouse/v1/tokens/{id}", GH_NEED_LOCAL, gh_route_tokens_revoke},
    {GH_GET,   "/_gatehouse/v1/caller", GH_NEED_LOCAL, gh_route_caller},
    /* The embedded Den, where there is one. */
    {GH_GET,    "/user",               GH_NEED_DEN, gh_route_den_user},
    {GH_PUT,    "/user/config",        GH_NEED_DEN, gh_route_den_user_config},
    {GH_GET,    "/user/secret",        GH_NEED_DEN, gh_route_den_secrets},
    {GH_GET,    "/user/secret/{uri}",  GH_NEED_DEN, gh_route_den_secret_get},
    {GH_PUT,    "/user/secret/{uri}",  GH_NEED_DEN, gh_route_den_secret_put},
    {GH_DELETE, "/user/secret/{uri}",  GH_NEED_DEN, gh_route_den_secret_delete},
    {GH_POST,   "/auth/token/cluster", GH_NEED_DEN, gh_route_den_cluster_token},
    {GH_GET,    "/auth/token/cluster/{uri}", GH_NEED_DEN, gh_route_den_cluster_token_check},
    {GH_GET,    "/resource",           GH_NEED_DEN, gh_route_den_list},
    {GH_GET,    "/resource/{uri}",     GH_NEED_DEN, gh_route_den_get},
    {GH_PUT,    "/resource/{uri}",     GH_NEED_DEN, gh_route_den_put},
    {GH_DELETE, "/resource/{uri}",     GH_NEED_DEN, gh_route_den_delete},
    {GH_PUT,    "/resource/{uri}/users/access", GH_NEED_DEN, gh_route_den_share},
    {GH_GET,    "/resource/history/{uri}", GH_NEED_DEN, gh_route_den_history},
    {GH_GET,    "/resource/{uri}/cluster/status", GH_NEED_DEN, gh_route_den_status_get},
    {GH_POST,   "/resource/{uri}/cluster/status", GH_NEED_DEN, gh_route_den_status_post},
    {GH_GET,    "/resource/{uri}/logs", GH_NEED_DEN, gh_route_den_logs_get},
    {GH_POST,   "/resource/{uri}/logs", GH_NEED_DEN, gh_route_den_logs_post},
    {GH_GET,    "/resource/{uri}/logs/file", GH_NEED_DEN, gh_route_den_logs_link},
    {GH_POST,   "/cluster/up",         GH_NEED_DEN, gh_route_den_launch},
    {GH_POST,   "/cluster/teardown",   GH_NEED_DEN, gh_route_den_launch},
    {GH_POST,   "/cluster/autostop",   GH_NEED_DEN, gh_route_den_launch},
    {GH_GET,    "/_gatehouse/den/logs/{uri}/{ticket}", GH_NEED_NOTHING, gh_route_den_logs_file},
    {GH_GET,    "/_gatehouse/v1/den/users", GH_NEED_LOCAL, gh_route_den_own_users},
    {GH_POST,   "/_gatehouse/v1/den/users", GH_NEED_LOCAL, gh_route_den_own_user_add},
    {GH_DELETE, "/_gatehouse/v1/den/users/{name}", GH_NEED_LOCAL, gh_route_den_own_user_remove},
    {GH_GET,    "/_gatehouse/v1/den/tokens", GH_NEED_LOCAL, gh_route_den_own_tokens},
    {GH_POST,   "/_gatehouse/v1/den/tokens", GH_NEED_LOCAL, gh_route_den_own_token_create},
    {GH_DELETE, "/_gatehouse/v1/den/tokens/{id}", GH_NEED_LOCAL, gh_route_den_own_token_revoke},
    {GH_GET,    "/_gatehouse/v1/den/resources", GH_NEED_LOCAL, gh_route_den_own_resources},
    {GH_GET,    "/_gatehouse/v1/den/resources/{uri}", GH_NEED_LOCAL, gh_route_den_own_resource},
    {GH_DELETE, "/_gatehouse/v1/den/resources/{uri}", GH_NEED_LOCAL, gh_route_den_own_resource_remove},
    {GH_GET,    "/_gatehouse/v1/den/grants", GH_NEED_LOCAL, gh_route_den_own_grants},
    {GH_POST,   "/_gatehouse/v1/den/grants", GH_NEED_LOCAL, gh_route_den_own_grant_add},
    {GH_DELETE, "/_gatehouse/v1/den/grants/{uri}/{name}", GH_NEED_LOCAL, gh_route_den_own_grant_revoke},
    {GH_GET,   "/_gatehouse/v1/certs", GH_NEED_LOCAL, gh_route_certs},
    /* These three win over methods of such names. */
    {GH_GET,  "/{key}/openapi.json", GH_NEED_DOCUMENT, gh_route_module_openapi},
    {GH_GET,  "/{key}/docs",      GH_NEED_DOCUMENT, gh_route_module_docs},
    {GH_GET,  "/{key}/redoc",     GH_NEED_DOCUMENT, gh_route_module_redoc},
    {GH_POST, "/{key}/{method}",  GH_NEED_OBJECT,  gh_route_call_post},
    {GH_GET,  "/{key}/{method}",  GH_NEED_OBJECT,  gh_route_call_get},
    /* clang-format on */
};

/* What is below the key of an app; not in the table, since only the keys tell. */
static const struct gh_route app_route = {GH_OTHER, "/{key}/...", GH_NEED_OBJECT, gh_route_app_end};

#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

bool
gh_route_fits(const char *path, const struct gh_url *url)
{
    for (size_t i = 0; i < url->segment_count && i < GH_URL_SEGMENTS_MAX; i++) {
        struct gh_slice segment = url->segments[i];
        if (*path++ != '/')
            return false;
        size_t len = strcspn(path, "/");
        bool is_any = path[0] == '{';
        if (is_any ? segment.len == 0 : segment.len != len || memcmp(segment.bytes, path, len) != 0)
            return false;
        path += len;
    }
    return *path == '\0' && url->segment_count > 0;
}

int
gh_route_segment(const struct gh_route *route, const char *name)
{
    size_t len = strlen(name);
    int segment = -1;

    for (const char *at = route->path; *at; at++) {
        if (*at == '/')
            segment++;
        else if (strncmp(at, name, len) == 0)
            return segment;
    }
    return -1;
}

/* Rows of the Den count where there is one. */
static bool
is_served(const struct gh_api *api, const struct gh_route *route)
{
    return route->need != GH_NEED_DEN || api->den;
}

bool
gh_route_is_ours(const struct gh_api *api, const struct gh_url *url)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (is_served(api, &routes[i]) && gh_route_fits(routes[i].path, url))
            return routes[i].path[1] != '{';
    return false;
}

/* POST /resource is a call to the Den, or one to the node: the client marks the latter's body as JSON, and
 * the former's as nothing. Source: den-api.md, and recorded. Other programs may mark both: of JSON that a user of
 * the Den sends, the body tells (gh_route_put_resource). */
static bool
is_json(struct gh_request *request)
{
    const char *type = request->sink->header(request, "Content-Type");
    return type && strncasecmp(type, GH_JSON, strlen(GH_JSON)) == 0;
}

static bool
is_for(const struct gh_api *api, const struct gh_route *route, struct gh_request *request)
{
    return is_served(api, route) && (route->need != GH_NEED_LOCAL || request->is_local) &&
           gh_route_fits(route->path, &request->url) &&
           (route->handle != gh_route_den_create || !is_json(request));
}

/* The methods that the path of URL has, first row first, in a static buffer. Source: RFC 9110 section
 * 10.2.1. */
static const char *
methods_of(const struct gh_api *api, const struct gh_url *url)
{
    static const char *const names[GH_OTHER] = {[GH_GET] = "GET, HEAD",
                                                [GH_POST] = "POST",
                                                [GH_PUT] = "PUT",
                                                [GH_PATCH] = "PATCH",
                                                [GH_DELETE] = "DELETE"};
    static char text[sizeof "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"];
    bool has[GH_OTHER] = {false};

    text[0] = '\0';
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct gh_route *route = &routes[i];
        if (has[route->method] || !is_served(api, route) || !gh_route_fits(route->path, url))
            continue;
        has[route->method] = true;
        strcat(strcat(text, text[0] ? ", " : ""), names[route->method]);
    }
    strcat(text, ", OPTIONS");
    return text;
}

const struct gh_route *
gh_route_find(const struct gh_api *api, struct gh_request *request, unsigned *status_out)
{
    enum gh_method method = request->method == GH_HEAD ? GH_GET : request->method;
    const struct gh_route *other = NULL;

    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!is_for(api, &routes[i], request))
            continue;
        if (routes[i].method == method)
            return &routes[i];
        if (!other)
            other = &routes[i];
    }
    if (other)
        request->allow = methods_of(api, &request->url);
    *status_out = other ? 405 : 404;
    return NULL;
}

struct gh_call *
gh_api_outer_call(struct gh_api *api, struct gh_request *request)
{
    const char *outer = request->is_local ? request->sink->header(request, GH_OUTER_CALL) : NULL;
    return outer ? gh_pool_find_call(api->pool, strtoull(outer, NULL, 10)) : NULL;
}

/* What the code of a call asks of its own node goes by the request id of that call, which its worker
 * knows by the call's id alone. */
static void
adopt_outer_id(struct gh_api *api, struct gh_request *request)
{
    const struct gh_call *call = gh_api_outer_call(api, request);

    if (call && call->request_id[0])
        snprintf(request->id, sizeof request->id, "%s", call->request_id);
}

/* The module at the head of URL when it was never up yet, so that nobody knows whether it is an app. */
static struct gh_key *
loading_key(struct gh_api *api, const struct gh_url *url)
{
    struct gh_buf scratch GH_SCOPED(gh_buf_done) = {0};
    struct gh_key *key = NULL;

    if (url->segment_count > 0)
        key = gh_keys_find(api->keys, gh_url_plain(url->segments[0], &scratch));
    return key && key->is_pending ? key : NULL;
}

static void
refuse_loading(struct gh_request *request, const struct gh_key *key)
{
    const struct gh_process *process = key->process;

    if (process->state == GH_PROCESS_HELD)
        gh_reply_busy(request, 1, "Process %s of module %s has not started: %s", process->name,
                      key->name, process->park_reason);
    else
        gh_reply_busy(request, 1, "Module %s is being loaded.", key->name);
}

/* What needs something; but not what the node asks itself about itself. */
static bool
is_audited(const struct gh_route *route)
{
    return route->need != GH_NEED_NOTHING &&
           (route->need != GH_NEED_LOCAL || route->method != GH_GET);
}

/* The route of REQUEST, or NULL, having answered. *LOADING_OUT: the module that may turn out to be an app. */
static const struct gh_route *
find_route(struct gh_api *api, struct gh_request *request, const struct gh_key **loading_out)
{
    unsigned status;

    *loading_out = NULL;
    if (gh_api_is_for_app(api, request))
        return &app_route;
    const struct gh_route *route = gh_route_find(api, request, &status);
    if (route)
        return route;
    *loading_out = loading_key(api, &request->url);
    if (*loading_out)
        return &app_route; /* who may not call it hears nothing of it */
    if (status == 405 && request->method == GH_OPTIONS)
        request->sink->reply(request, 204, NULL, NULL, 0); /* with Allow: RFC 9110 section 9.3.7 */
    else if (gh_too_old_is_route(request))
        gh_too_old_refuse(request, status);
    else
        gh_reply_detail(request, status, status == 404 ? "Not Found" : "Method Not Allowed");
    return NULL;
}

static enum gh_admission begin(struct gh_api *api, struct gh_request *request);

/* It had to wait. Meanwhile its route may have changed. */
static void
begin_again(struct gh_api *api, struct gh_request *request)
{
    if (begin(api, request) == GH_ADMITTED)
        request->sink->read_on(request);
}

static enum gh_admission
admit(struct gh_api *api, struct gh_request *request)
{
    if (request->route->handle == gh_route_put_resource && gh_den_may_save(api, request))
        return GH_ADMITTED; /* as far as the body; the route asks again */
    if (request->route->need != GH_NEED_DEN)
        return gh_admit(api, request, begin_again);
    return gh_den_admit(api, request) ? GH_ADMITTED : GH_REFUSED;
}

static enum gh_admission
begin(struct gh_api *api, struct gh_request *request)
{
    const struct gh_key *loading;

    request->route = find_route(api, request, &loading);
    if (!request->route)
        return GH_REFUSED;
    if (request->begun_ns == 0 && gh_audit_is_on(api->audit) && is_audited(request->route))
        request->begun_ns = uv_hrtime();
    enum gh_admission admission = admit(api, request);
    if (admission != GH_ADMITTED)
        return admission;
    if (loading) {
        refuse_loading(request, loading);
        return GH_REFUSED;
    }
    if (request->route == &app_route)
        gh_app_open(api, request);
    return GH_ADMITTED;
}

bool
gh_api_begin(struct gh_api *api, struct gh_request *request)
{
    adopt_outer_id(api, request);
    return begin(api, request) != GH_ADMISSION_WAITS;
}

void
gh_api_handle(struct gh_api *api, struct gh_request *request)
{
    request->route->handle(api, request);
}
