/* SPDX-License-Identifier: Apache-2.0
 *
 * node/usage.h - memory and CPU of this machine, from /proc. Cheap reads that wait for nothing.
 * Of its processes: node/census.h. Loop thread only. */
#ifndef GH_NODE_USAGE_H
#define GH_NODE_USAGE_H

#include <stdint.h>

struct gh_memory {
    uint64_t total_bytes, available_bytes;
    double used_percent;
};

struct gh_usage {
    uint64_t busy_ticks, all_ticks; /* of all CPUs, at the last look */
};

void gh_usage_memory(struct gh_memory *out);

/* The same by the file PATH, which has the form of /proc/meminfo; all 0 when it cannot be read. */
void gh_usage_read_memory(const char *path, struct gh_memory *out);

/* Busy share of all CPUs since the last call, 0 to 100; since boot the first time. */
double gh_usage_cpu(struct gh_usage *usage);

#endif
