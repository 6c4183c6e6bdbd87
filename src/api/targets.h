/* SPDX-License-Identifier: Apache-2.0
 *
 * api/targets.h - which process or node the fields of a request name. Loop thread only.
 *
 * Clients up to 0.0.36 call a process an env, in `env_name`, and have other names for the one that is
 * always there. Source: versions.md section 3. */
#ifndef GH_API_TARGETS_H
#define GH_API_TARGETS_H

#include "api/api.h"
#include "api/fields.h"
#include "pool/pool.h"

#define GH_DEFAULT_PROCESS "default_process"

#define GH_DEFAULT_ENV "_cluster_default_env"

/* The name that VALUE gives, by default the default process's; the caller frees it. */
char *gh_target_name(struct gh_api *api, const struct gh_value *value);

/* The process of that name, or NULL. */
struct gh_process *gh_target_process(struct gh_api *api, const struct gh_value *value);

/* Answer that there is no process of the name that VALUE gives. */
void gh_target_refuse(struct gh_api *api, struct gh_request *request, const struct gh_value *value);

/* The process that answers calls of KEY when nothing is stored under it: the default env of clients up
 * to 0.0.36, which they call without having put it. NULL for any other key. */
struct gh_process *gh_target_default_env(struct gh_api *api, struct gh_slice key);

/* Is the node that VALUE names, by index or by address, this one? Returns 0; or -1, having answered
 * with the client's server's exception. */
int gh_target_node(struct gh_api *api, struct gh_request *request, const struct gh_value *value);

#endif
