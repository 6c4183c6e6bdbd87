/* SPDX-License-Identifier: Apache-2.0
 *
 * node/usage.h - memory and CPU of this machine and of its worker processes, from /proc. Cheap reads
 * that do not wait for any process. Loop thread only. */
#ifndef GH_NODE_USAGE_H
#define GH_NODE_USAGE_H

#include <stdint.h>

struct gh_memory {
    uint64_t total_bytes, available_bytes;
    double used_percent;
};

struct gh_process_usage {
    uint64_t used_bytes; /* resident and not shared */
    double used_percent; /* of the machine's memory */
    double cpu_percent;  /* of one CPU, over the life of the process */
};

struct gh_usage {
    uint64_t busy_ticks, all_ticks; /* of all CPUs, at the last look */
};

void gh_usage_memory(struct gh_memory *out);

/* Busy share of all CPUs since the last call, 0 to 100; since boot the first time. */
double gh_usage_cpu(struct gh_usage *usage);

/* All zero when PID is gone. */
void gh_usage_process(int pid, struct gh_process_usage *out);

#endif
