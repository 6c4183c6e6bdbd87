/* SPDX-License-Identifier: Apache-2.0
 *
 * node/node.h - what there is of this machine and how it is handed out: GPUs, the ledger, the census.
 * One per daemon. Loop thread only. */
#ifndef GH_NODE_NODE_H
#define GH_NODE_NODE_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "node/usage.h"

struct gh_census;
struct gh_gpus;
struct gh_ledger;
struct gh_settings;
struct json_t;

struct gh_node {
    struct gh_gpus *gpus;
    struct gh_ledger *ledger;
    struct gh_census *census;
    struct gh_usage usage;
    const struct gh_settings *settings;
    bool was_started; /* GPUs that are counted later than this are news */
    void (*on_gpus)(void *context);
    void *context;
};

/* Find out what the machine has. GPUs are waited for a moment only; when they are counted later, or
 * otherwise than at first, ON_GPUS is called.
 * Errors: GH_E_INPUT the setting resources cannot be read. */
int gh_node_start(struct gh_node *node, uv_loop_t *loop, const struct gh_settings *settings,
                  const char *ip, void (*on_gpus)(void *context), void *context, struct gh_err *err)
    GH_MUST_USE;

/* In the loop's last turns; then, when the loop has ended, gh_node_done. */
void gh_node_stop(struct gh_node *node);
void gh_node_done(struct gh_node *node);

unsigned gh_node_gpu_count(const struct gh_node *node);

/* What a worker of PROCESS is to find in its environment: CUDA_VISIBLE_DEVICES, the devices that it
 * holds, or all. Nothing while GPUs are not counted: then it inherits ours. */
void gh_node_add_environment(const struct gh_node *node, const char *process,
                             struct json_t *variables);

#endif
