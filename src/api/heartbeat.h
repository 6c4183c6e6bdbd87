/* SPDX-License-Identifier: Apache-2.0
 *
 * api/heartbeat.h - tell Den how this node does: at the start and then every status_check_interval seconds
 * (a member of the cluster config, 60; -1: never), so that `runhouse cluster list` shows it.
 *
 * Only where the node's name has a folder and a Den is named, and ~/.rh/config.yaml has a token for it: that one is
 * read for each beat and let go of at once. Its own Den the node tells without. What the daemon logs is never
 * sent.
 * Source: cluster-config-and-lifecycle.md section 7. Loop thread only. */
#ifndef GH_API_HEARTBEAT_H
#define GH_API_HEARTBEAT_H

#include <jansson.h>

struct gh_api;
struct gh_heartbeat;
struct gh_net;

struct gh_heartbeat *gh_heartbeat_new(struct gh_api *api, struct gh_net *net);

/* Beat now, and then by the interval; also when that has changed. */
void gh_heartbeat_start(struct gh_heartbeat *heartbeat);

/* Den answered with CODE of HTTP; 0: it did not answer, or is not to be told. */
typedef void gh_heartbeat_done(void *context, unsigned code);

/* Send STATUS, the first member of /status, now. DONE is called once: in here when nothing is to be sent, else
 * in a later turn of the loop. */
void gh_heartbeat_post(struct gh_heartbeat *heartbeat, const json_t *status,
                       gh_heartbeat_done *done, void *context);

/* No more beats. Posts under way are told 0. It is freed when the loop has closed its handles. */
void gh_heartbeat_stop(struct gh_heartbeat **heartbeat_of);

#endif
