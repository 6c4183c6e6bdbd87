/* SPDX-License-Identifier: Apache-2.0
 *
 * node/capacity.h - how much CPU and memory this node has for us: the CPUs we may run on, and the
 * machine's memory, or less where a control group (a container's, a systemd unit's) allows less.
 *
 * Reads small files of the kernel only; any thread. Sources: sched_getaffinity(2); cpu.max and
 * memory.max of cgroup v2; cpu.cfs_quota_us and memory.limit_in_bytes of v1. */
#ifndef GH_NODE_CAPACITY_H
#define GH_NODE_CAPACITY_H

#include <stdint.h>

struct gh_capacity {
    double cpus; /* a quota may leave a part of one; more than 0 */
    uint64_t memory_bytes;
};

/* ROOT stands for "/" in tests; "" otherwise. Limits that cannot be read are none. */
void gh_capacity_read(const char *root, struct gh_capacity *out);

#endif
