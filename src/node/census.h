/* SPDX-License-Identifier: Apache-2.0
 *
 * node/census.h - all processes of this machine at one moment, and what those of one worker, its
 * children and theirs, use together.
 *
 * A census reads /proc from end to end in libuv's thread pool; requests that come meanwhile share it.
 * No process is asked and none is waited for: statm and stat take no lock that a process could hold
 * (smaps_rollup, which would tell the unique set exactly, does). Loop thread only. */
#ifndef GH_NODE_CENSUS_H
#define GH_NODE_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct gh_census;

struct gh_family_usage {
    uint64_t used_bytes;
    double cpu_percent; /* of one CPU, since about a second or more ago; 0 of a family just born */
    unsigned process_count;
};

/* One that waits for a census; borrowed until on_taken, which always comes. */
struct gh_census_waiter {
    struct gh_census_waiter *prev, *next;
    void (*on_taken)(void *context);
    void *context;
};

struct gh_census *gh_census_new(uv_loop_t *loop);
/* None may be in the taking: call it when the loop has ended. */
void gh_census_free(struct gh_census **census_of);

/* Take one, or share the one that is being taken. on_taken is called in a later turn. */
void gh_census_take(struct gh_census *census, struct gh_census_waiter *waiter);

/* What the newest census says of ROOT and all below it; all zero when ROOT was not there. */
void gh_census_family(const struct gh_census *census, int root, struct gh_family_usage *out);

/* Was PID, in the newest census, ROOT or below it? */
bool gh_census_is_family(const struct gh_census *census, int root, int pid);

#endif
