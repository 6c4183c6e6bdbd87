/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/shm.h - memory shared with a worker: a memfd written once, sealed, then only read.
 *
 * Bodies are write()n in as they arrive: cheaper than mapping and copying, and the daemon's own
 * memory stays flat (measured: design-notes section 2). Any thread. */
#ifndef GH_POOL_SHM_H
#define GH_POOL_SHM_H

#include <stddef.h>

#include "base/err.h"

/* A new, empty memfd, close-on-exec; -1 with ERR filled. */
int gh_shm_open(struct gh_err *err);

/* Append LEN bytes, all of them or none. Errors: GH_E_SYSTEM, no memory left. */
int gh_shm_write(int fd, const void *bytes, size_t len, struct gh_err *err) GH_MUST_USE;

/* No one can write, shrink or grow FD any more. */
int gh_shm_seal(int fd, struct gh_err *err) GH_MUST_USE;

/* Is FD a memfd that its maker can no longer change, of *LEN_OUT bytes? Asked of what a worker
 * sends: an unsealed one could be cut while we send it. */
int gh_shm_check(int fd, size_t *len_out, struct gh_err *err) GH_MUST_USE;

/* Map LEN bytes for reading; NULL with ERR filled. Unmap with gh_shm_unmap. */
const char *gh_shm_map(int fd, size_t len, struct gh_err *err);
void gh_shm_unmap(const char *bytes, size_t len);

#endif
