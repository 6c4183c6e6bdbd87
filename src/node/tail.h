/* SPDX-License-Identifier: Apache-2.0
 *
 * node/tail.h - the end of an output that may be longer than what is kept of it. A zeroed struct gh_tail
 * is empty and valid. One owner, one thread. */
#ifndef GH_NODE_TAIL_H
#define GH_NODE_TAIL_H

#include "base/buf.h"

struct gh_tail {
    struct gh_buf kept;
    size_t dropped; /* bytes, from the front */
};

/* Append LEN bytes, of which at least the newest MAX are kept, and never more than twice as many. */
void gh_tail_add(struct gh_tail *tail, const void *bytes, size_t len, size_t max);

/* No more follows: cut to MAX bytes, at a line's begin when one is near, and put a line before them
 * that says how many bytes are missing. */
void gh_tail_finish(struct gh_tail *tail, size_t max);

void gh_tail_done(struct gh_tail *tail);

#endif
