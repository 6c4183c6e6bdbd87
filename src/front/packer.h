/* SPDX-License-Identifier: Apache-2.0
 *
 * front/packer.h - bytes in, compressed bytes out, a piece at a time: gzip and deflate by zlib, zstd by
 * libzstd. Each piece is small, so that the loop goes on with others between two.
 *
 * A packer has up to GH_PACKER_BYTES of tables; there are GH_PACKERS_MAX at most at a time. Loop thread only. */
#ifndef GH_FRONT_PACKER_H
#define GH_FRONT_PACKER_H

#include <stdbool.h>
#include <stddef.h>

#include "front/coding.h"
#include "wire/call.h"

#define GH_PACKERS_MAX 64u
#define GH_PACKER_BYTES (1u << 20)

struct gh_packer;

/* LEVEL 1 (fast) to 9. NULL when there are too many, or no memory. */
struct gh_packer *gh_packer_new(enum gh_coding coding, unsigned level);
void gh_packer_free(struct gh_packer **packer_of);

/* Pack from *IN, which is moved behind what was taken, into ROOM. IS_LAST: nothing follows it. Returns how many
 * bytes are in ROOM; *IS_DONE_OUT once the last of them all is. None although IN is used up: more is needed. -1: it
 * failed. */
long gh_packer_run(struct gh_packer *packer, struct gh_slice *in, bool is_last, void *room,
                   size_t room_len, bool *is_done_out);

#endif
