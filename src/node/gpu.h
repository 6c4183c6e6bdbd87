/* SPDX-License-Identifier: Apache-2.0
 *
 * node/gpu.h - the GPUs of this node, looked at every five seconds by a thread of its own.
 *
 * The thread alone calls NVML (node/nvml.h), which may block for long. The loop sees finished samples
 * only, and never waits for one, but for the short grace at the start that gh_gpus_wait gives. A
 * library that does not answer within GH_GPUS_KNOWN_MS counts as no GPUs until it does. Not libuv's
 * thread pool: the program could not end while a call there hangs.
 *
 * All functions are for the loop's thread. */
#ifndef GH_NODE_GPU_H
#define GH_NODE_GPU_H

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "node/nvml.h"

#define GH_GPUS_SAMPLE_MS 5000u
#define GH_GPUS_KNOWN_MS 10000u

struct gh_gpus;

/* Begin. LIBRARY and VISIBLE as gh_nvml_open has them. ON_COUNTED is called when it is first known
 * which GPUs there are, also when there are none; again if a late library corrects that. */
struct gh_gpus *gh_gpus_start(uv_loop_t *loop, const char *library, const char *visible,
                              void (*on_counted)(void *context), void *context);

/* Ends the thread, or leaves it behind when it hangs in the library. */
void gh_gpus_stop(struct gh_gpus **gpus_of);

/* Wait up to TIMEOUT_MS for the count; for the start of the daemon, while nothing is served yet. */
void gh_gpus_wait(struct gh_gpus *gpus, unsigned timeout_ms);

/* Is it known which GPUs there are? */
bool gh_gpus_are_counted(const struct gh_gpus *gpus);

/* The newest sample, empty before the first; valid until the loop's next turn. */
const struct gh_gpu_sample *gh_gpus_sample(const struct gh_gpus *gpus);

/* Call ON_COUNTED with CONTEXT once the GPUs are counted, at once when they are, or gh_gpus_stop is
 * called. WAITER is borrowed until then. */
struct gh_gpus_waiter {
    struct gh_gpus_waiter *prev, *next;
    void (*on_counted)(void *context);
    void *context;
};
void gh_gpus_when_counted(struct gh_gpus *gpus, struct gh_gpus_waiter *waiter);

/* May a machine without NVML still have GPUs, of which CUDA or ROCm know? */
bool gh_gpus_may_be_others(void);

#endif
