/* SPDX-License-Identifier: Apache-2.0
 *
 * node/scratch.h - folders for work in progress, which never outlive it for long.
 *
 * A scratch folder is locked (flock) while the daemon that made it lives, however that ends. One that
 * can be locked by another is left over, and gh_scratch_find_stale lists it. Loop thread only. */
#ifndef GH_NODE_SCRATCH_H
#define GH_NODE_SCRATCH_H

#include <uv.h>

#include "base/err.h"
#include "base/words.h"

struct gh_scratch {
    char *path; /* NULL when there is none */
    int fd;     /* holds the lock */
};

/* Make one in the folder PARENT. Errors: GH_E_SYSTEM. */
int gh_scratch_make(struct gh_scratch *scratch, const char *parent, struct gh_err *err) GH_MUST_USE;

/* Remove it and all that is in it; what takes long is left to a program, rm. Nothing to do when there
 * is none. */
void gh_scratch_drop(struct gh_scratch *scratch, uv_loop_t *loop);

/* Make it the folder PATH, which must not exist, on the same file system. Errors: GH_E_SYSTEM, and it
 * is as it was. */
int gh_scratch_become(struct gh_scratch *scratch, const char *path, struct gh_err *err) GH_MUST_USE;

/* Append the stale ones in PARENT. */
void gh_scratch_find_stale(const char *parent, struct gh_words *paths);

/* Remove the folders PATHS with all that is in them, without waiting for it. */
void gh_scratch_remove(const struct gh_words *paths, uv_loop_t *loop);

#endif
