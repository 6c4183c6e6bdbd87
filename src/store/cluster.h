/* SPDX-License-Identifier: Apache-2.0
 *
 * store/cluster.h - the cluster config: who this node is to the client. Read from
 * ~/.rh/cluster_config.json, which the client writes over ssh; a missing file is all defaults.
 * Source: cluster-config-and-lifecycle.md section 2. Loop thread only. */
#ifndef GH_STORE_CLUSTER_H
#define GH_STORE_CLUSTER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct gh_settings;

struct gh_cluster {
    json_t *config; /* without credentials */
};

/* Errors: GH_E_INPUT the file is no JSON object. */
int gh_cluster_load(struct gh_cluster *cluster, const struct gh_settings *settings, unsigned port,
                    struct gh_err *err) GH_MUST_USE;
void gh_cluster_done(struct gh_cluster *cluster);

/* Set one member; VALUE's reference is taken. */
void gh_cluster_set(struct gh_cluster *cluster, const char *name, json_t *value);

/* Append ,"cluster_config":{...} for HELLO. For struct gh_pool_events; CONTEXT is the cluster. */
void gh_cluster_add_hello(void *context, struct gh_buf *out);

/* What Den knows this node by, "/alice/gpu"; NULL when its name has no folder. Borrowed. */
const char *gh_cluster_address(const struct gh_cluster *cluster);

/* The node's first address, "127.0.0.1" when none is configured. Borrowed. */
const char *gh_cluster_ip(const struct gh_cluster *cluster);

#endif
