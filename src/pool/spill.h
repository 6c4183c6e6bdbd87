/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/spill.h - an answer's body that grows: in memory while it is small, in shared memory from
 * GH_FRAME_INLINE_MAX_BYTES on, so that the daemon's own memory stays flat. One owner, any one thread.
 *
 *     struct gh_spill spill = GH_SPILL_INIT;
 *     if (gh_spill_add(&spill, bytes, len, err) == GH_OK && gh_spill_seal(&spill, err) == GH_OK)
 *         ... spill.fd >= 0 ? spill.fd : spill.buf ...
 *     gh_spill_done(&spill); */
#ifndef GH_POOL_SPILL_H
#define GH_POOL_SPILL_H

#include "base/buf.h"

struct gh_spill {
    struct gh_buf buf; /* what is not in FD */
    int fd;            /* memfd, or -1 */
    size_t len;        /* bytes in all */
};

#define GH_SPILL_INIT                                                                              \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Append LEN bytes. Errors: GH_E_SYSTEM no shared memory left. */
int gh_spill_add(struct gh_spill *spill, const void *bytes, size_t len, struct gh_err *err)
    GH_MUST_USE;

/* Nothing more follows: all is in BUF, or all is in FD, which is sealed. */
int gh_spill_seal(struct gh_spill *spill, struct gh_err *err) GH_MUST_USE;

/* Empty again, for another body; what was not taken is freed. */
void gh_spill_done(struct gh_spill *spill);

#endif
