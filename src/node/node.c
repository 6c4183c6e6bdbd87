/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "node/capacity.h"
#include "node/census.h"
#include "node/gpu.h"
#include "node/ledger.h"

/* A driver that is loaded answers within a few ms, a missing library at once; waking a driver takes up
 * to some seconds, and for that nobody waits. */
#define GPU_GRACE_MS 50u

static void
on_counted(void *context)
{
    struct gh_node *node = context;
    const struct gh_gpu_sample *sample = gh_gpus_sample(node->gpus);
    const char *names[GH_GPUS_MAX];

    for (unsigned i = 0; i < sample->gpu_count; i++)
        names[i] = sample->gpus[i].name;
    gh_ledger_set_gpus(node->ledger, names, sample->gpu_count);
    if (node->was_started)
        node->on_gpus(node->context);
}

int
gh_node_start(struct gh_node *node, uv_loop_t *loop, const struct gh_settings *settings,
              const char *ip, void (*on_gpus)(void *context), void *context, struct gh_err *err)
{
    struct gh_capacity capacity;

    node->settings = settings;
    node->on_gpus = on_gpus;
    node->context = context;
    gh_capacity_read("", &capacity);
    int rc = gh_ledger_new(&capacity, ip, settings->resources, &node->ledger, err);
    if (rc != GH_OK)
        return rc;

    node->census = gh_census_new(loop);
    node->gpus = gh_gpus_start(loop, settings->gpu_library, getenv("CUDA_VISIBLE_DEVICES"),
                               on_counted, node);
    gh_gpus_wait(node->gpus, GPU_GRACE_MS);
    node->was_started = true;
    return GH_OK;
}

void
gh_node_stop(struct gh_node *node)
{
    gh_gpus_stop(&node->gpus);
}

void
gh_node_done(struct gh_node *node)
{
    gh_census_free(&node->census);
    gh_ledger_free(&node->ledger);
}

unsigned
gh_node_gpu_count(const struct gh_node *node)
{
    return gh_gpus_sample(node->gpus)->gpu_count;
}

void
gh_node_add_environment(const struct gh_node *node, const char *process, json_t *variables)
{
    struct gh_buf list GH_SCOPED(gh_buf_done) = {0};
    unsigned held = 0;

    if (!node->gpus || !gh_gpus_are_counted(node->gpus))
        return;
    if (!node->settings->all_gpus_visible)
        held = gh_ledger_add_gpus_of(node->ledger, process, &list);
    if (held == 0 && gh_node_gpu_count(node) == 0 && gh_gpus_may_be_others())
        return; /* GPUs that NVML does not know: nothing is hidden */
    if (held == 0)
        gh_ledger_add_all_gpus(node->ledger, &list);
    json_object_set_new(variables, "CUDA_VISIBLE_DEVICES", json_string(gh_buf_text(&list)));

    /* Our numbers are NVML's, which go by the bus; CUDA's own order is by speed. */
    if (held > 0 && !getenv("CUDA_DEVICE_ORDER"))
        json_object_set_new(variables, "CUDA_DEVICE_ORDER", json_string("PCI_BUS_ID"));
}
