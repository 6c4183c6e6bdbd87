/* SPDX-License-Identifier: Apache-2.0
 *
 * api/routes.h - the table of every URL, and the functions behind it. A new URL is one row here and
 * one function. Each function answers its request, now or later, exactly once. */
#ifndef GH_API_ROUTES_H
#define GH_API_ROUTES_H

#include <jansson.h>

#include "api/api.h"
#include "auth/access.h"

struct gh_call;
struct gh_key;
struct gh_value;

struct gh_route {
    enum gh_method method;
    const char *path; /* "/a/{b}": {b} is any segment. The first row that fits wins */
    enum gh_need
        need; /* a request that is not on the control socket is asked for it (api/admit.h) */
    void (*handle)(struct gh_api *api, struct gh_request *request);
};

/* The route of REQUEST, or NULL: then *STATUS_OUT is 404, or 405 with request->allow set. */
const struct gh_route *gh_route_find(const struct gh_api *api, struct gh_request *request,
                                     unsigned *status_out);

/* Which segment of URLs of ROUTE it calls NAME ("{key}"); -1 when none is. */
int gh_route_segment(const struct gh_route *route, const char *name);

/* The call whose code asks: its worker names it. NULL when none is named, it is over, or REQUEST did not
 * come by the control socket, where alone that is believed. */
struct gh_call *gh_api_outer_call(struct gh_api *api, struct gh_request *request);

/* Does URL have the form of a route of the daemon's own, one that begins with no {key}? Whatever the
 * method: no module gets between. */
bool gh_route_is_ours(const struct gh_api *api, const struct gh_url *url);

/* Does URL have the form of PATH: the same segments, where "{name}" is any that is not empty? */
bool gh_route_fits(const char *path, const struct gh_url *url);

/* node_routes.c */
void gh_route_check(struct gh_api *api, struct gh_request *request);
void gh_route_livez(struct gh_api *api, struct gh_request *request);
void gh_route_readyz(struct gh_api *api, struct gh_request *request);
void gh_route_settings(struct gh_api *api, struct gh_request *request);

/* status_routes.c */
/* The first member of /status, by the newest census (node/census.h). The caller's. */
json_t *gh_api_status_json(struct gh_api *api);
void gh_route_status(struct gh_api *api, struct gh_request *request);

/* create_routes.c */
void gh_route_create_process(struct gh_api *api, struct gh_request *request);

/* process_routes.c */
void gh_route_processes(struct gh_api *api, struct gh_request *request);
void gh_route_kill_process(struct gh_api *api, struct gh_request *request);
void gh_route_env_vars(struct gh_api *api, struct gh_request *request);

/* package_routes.c */
void gh_route_install_package(struct gh_api *api, struct gh_request *request);

/* config_routes.c */
void gh_route_config_get(struct gh_api *api, struct gh_request *request);
void gh_route_config_patch(struct gh_api *api, struct gh_request *request);

/* token_routes.c */
void gh_route_tokens_list(struct gh_api *api, struct gh_request *request);
void gh_route_tokens_create(struct gh_api *api, struct gh_request *request);
void gh_route_tokens_revoke(struct gh_api *api, struct gh_request *request);
void gh_route_caller(struct gh_api *api, struct gh_request *request);

/* den_user_routes.c */
void gh_route_den_user(struct gh_api *api, struct gh_request *request);
void gh_route_den_user_config(struct gh_api *api, struct gh_request *request);
void gh_route_den_cluster_token(struct gh_api *api, struct gh_request *request);
void gh_route_den_cluster_token_check(struct gh_api *api, struct gh_request *request);

/* den_secret_routes.c */
void gh_route_den_secrets(struct gh_api *api, struct gh_request *request);
void gh_route_den_secret_get(struct gh_api *api, struct gh_request *request);
void gh_route_den_secret_put(struct gh_api *api, struct gh_request *request);
void gh_route_den_secret_delete(struct gh_api *api, struct gh_request *request);

/* den_resource_routes.c */
void gh_route_den_list(struct gh_api *api, struct gh_request *request);
void gh_route_den_get(struct gh_api *api, struct gh_request *request);
void gh_route_den_put(struct gh_api *api, struct gh_request *request);
void gh_route_den_create(struct gh_api *api, struct gh_request *request);
void gh_route_den_delete(struct gh_api *api, struct gh_request *request);
void gh_route_den_history(struct gh_api *api, struct gh_request *request);

/* den_share_routes.c */
void gh_route_den_share(struct gh_api *api, struct gh_request *request);

/* den_post_routes.c */
void gh_route_den_status_get(struct gh_api *api, struct gh_request *request);
void gh_route_den_status_post(struct gh_api *api, struct gh_request *request);
void gh_route_den_logs_get(struct gh_api *api, struct gh_request *request);
void gh_route_den_logs_post(struct gh_api *api, struct gh_request *request);
void gh_route_den_logs_link(struct gh_api *api, struct gh_request *request);
void gh_route_den_logs_file(struct gh_api *api, struct gh_request *request);
void gh_route_den_launch(struct gh_api *api, struct gh_request *request);

/* den_own_users.c */
void gh_route_den_own_users(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_user_add(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_user_remove(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_tokens(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_token_create(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_token_revoke(struct gh_api *api, struct gh_request *request);

/* den_own_resources.c */
void gh_route_den_own_resources(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_resource(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_resource_remove(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_grants(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_grant_add(struct gh_api *api, struct gh_request *request);
void gh_route_den_own_grant_revoke(struct gh_api *api, struct gh_request *request);

/* shell_routes.c */
void gh_route_run_bash(struct gh_api *api, struct gh_request *request);

/* cert_routes.c */
void gh_route_cert(struct gh_api *api, struct gh_request *request);
void gh_route_certs(struct gh_api *api, struct gh_request *request);

/* acme_routes.c */
void gh_route_acme_challenge(struct gh_api *api, struct gh_request *request);

/* folder_routes.c */
void gh_route_folder_ls(struct gh_api *api, struct gh_request *request);
void gh_route_folder_mkdir(struct gh_api *api, struct gh_request *request);
void gh_route_folder_get(struct gh_api *api, struct gh_request *request);
void gh_route_folder_put(struct gh_api *api, struct gh_request *request);
void gh_route_folder_rm(struct gh_api *api, struct gh_request *request);
void gh_route_folder_mv(struct gh_api *api, struct gh_request *request);
void gh_route_folder_exists(struct gh_api *api, struct gh_request *request);

/* object_routes.c */
void gh_route_put_resource(struct gh_api *api, struct gh_request *request);
void gh_route_put_object(struct gh_api *api, struct gh_request *request);
void gh_route_get_object(struct gh_api *api, struct gh_request *request);
void gh_route_rename(struct gh_api *api, struct gh_request *request);
void gh_route_delete_object(struct gh_api *api, struct gh_request *request);
void gh_route_keys(struct gh_api *api, struct gh_request *request);

/* call_routes.c */
void gh_route_call_post(struct gh_api *api, struct gh_request *request);
void gh_route_call_get(struct gh_api *api, struct gh_request *request);

/* call_routes.c: is NAME one that a run may have? Never a path. */
bool gh_run_name_is_valid(struct gh_slice name);
/* Returns 0; or -1, having answered 422, when VALUE from WHERE ("body", "query") is none (http-api.md
 * quirk 12). */
int gh_run_name_check(struct gh_request *request, const char *where, const struct gh_value *value);

/* doc_routes.c */
void gh_route_node_openapi(struct gh_api *api, struct gh_request *request);
void gh_route_node_docs(struct gh_api *api, struct gh_request *request);
void gh_route_node_redoc(struct gh_api *api, struct gh_request *request);
void gh_route_module_openapi(struct gh_api *api, struct gh_request *request);
void gh_route_module_docs(struct gh_api *api, struct gh_request *request);
void gh_route_module_redoc(struct gh_api *api, struct gh_request *request);
void gh_route_asset(struct gh_api *api, struct gh_request *request);

/* app_routes.c: the app that the path of URL begins with, or NULL. */
struct gh_key *gh_app_of(struct gh_api *api, const struct gh_url *url);
/* Hand a request for an app to its process, from its head on. */
void gh_app_open(struct gh_api *api, struct gh_request *request);
void gh_route_app_end(struct gh_api *api, struct gh_request *request);

/* own_routes.c */
void gh_route_node(struct gh_api *api, struct gh_request *request);
void gh_route_runs(struct gh_api *api, struct gh_request *request);
void gh_route_run(struct gh_api *api, struct gh_request *request);

/* restart_routes.c */
void gh_route_restart_process(struct gh_api *api, struct gh_request *request);

/* log_routes.c */
void gh_route_logs(struct gh_api *api, struct gh_request *request);
void gh_route_logs_get(struct gh_api *api, struct gh_request *request);

#endif
