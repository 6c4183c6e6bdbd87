/* SPDX-License-Identifier: Apache-2.0
 *
 * api/api.h - one request, one operation. front/ calls gh_api_begin with a head and gh_api_handle
 * with the whole body; the answer goes back through the request's sink. Loop thread only. */
#ifndef GH_API_API_H
#define GH_API_API_H

#include <stdbool.h>
#include <uv.h>

#include "wire/request.h"

struct gh_auth;
struct gh_audit;
struct gh_acme;
struct gh_den;
struct gh_heartbeat;
struct gh_settings;
struct gh_pool;
struct gh_keys;
struct gh_runs;
struct gh_cluster;
struct gh_node;
struct gh_installer;
struct gh_envmaker;
struct gh_shells;
struct gh_certs;

/* What the operations work on; all owned by gatehoused.c. */
struct gh_api {
    uv_loop_t *loop;
    struct gh_settings *settings;   /* changed by config_routes.c and /settings only */
    struct gh_auth *auth;           /* NULL: no caller is checked, whatever the settings say */
    struct gh_audit *audit;         /* NULL: nothing is audited */
    struct gh_heartbeat *heartbeat; /* NULL: no Den is told of this node */
    struct gh_den *den;             /* NULL: this node is no Den */
    struct gh_pool *pool;
    struct gh_keys *keys;
    struct gh_runs *runs;
    struct gh_cluster *cluster;
    struct gh_node *node;
    struct gh_installer *installer;
    struct gh_envmaker *envs; /* that are declared */
    struct gh_shells *shells;
    struct gh_acme *acme;     /* NULL: no certificates are ordered */
    const char *asset_dir;    /* of the files that api/assets.c serves */
    const char *unit;         /* of systemd that we are run as, or NULL */
    const char *open_address; /* one that others than this machine reach us at, or NULL */
    struct gh_certs *certs;   /* NULL where no port speaks HTTPS */
    uint64_t started_ns;      /* uv_hrtime */
    bool is_draining;
};

/* Is REQUEST, whose url is set, for an app that a module serves? Then it is the app's business which
 * pages may send it what. */
bool gh_api_is_for_app(struct gh_api *api, const struct gh_request *request);

/* Find the route of REQUEST; answer 404 or 405 when there is none. When it is not answered, the body
 * follows; through on_body if that is set now. False: whether it may go on takes time; no body is to be
 * taken until the sink is told to read on, or to answer. */
bool gh_api_begin(struct gh_api *api, struct gh_request *request);

/* The body of REQUEST is whole: do what its route says. */
void gh_api_handle(struct gh_api *api, struct gh_request *request);

/* REQUEST has been answered with STATUS, or its client left first: 0. For the audit log; once. */
void gh_api_answered(struct gh_api *api, struct gh_request *request, unsigned status);

/* Open the audit log that the settings name, again if it is open. Errors: GH_E_SYSTEM. */
int gh_api_open_audit(struct gh_api *api, struct gh_err *err) GH_MUST_USE;

/* The same while it runs: what is wrong is logged, and what was open stays so. */
void gh_api_reopen_audit(struct gh_api *api);

/* Settings have changed: tell those that do not look at them whenever they need them. */
void gh_api_settings_changed(struct gh_api *api);

/* The cluster config has changed: tell all workers, waiting for none. */
void gh_api_tell_config(struct gh_api *api);

#endif
