/* SPDX-License-Identifier: Apache-2.0
 *
 * den/posts.h - what nodes report about the clusters that they are: the last status, and lines of their logs,
 * of which the last GH_DEN_LOGS_MAX_BYTES are kept, in GH_DEN_LOGS_MAX_COUNT posts at most. Written, but not synced
 * to the disk: a machine that goes down may lose them. */
#ifndef GH_DEN_POSTS_H
#define GH_DEN_POSTS_H

#include "base/buf.h"
#include "den/den_inner.h"

/* Keep STATUS (JSON text) as the last one. STATE is the word in it for whether the node runs; may be empty. */
int gh_den_status_post(struct gh_den *den, const struct gh_den_resource *resource,
                       struct gh_slice status, struct gh_slice state, struct gh_err *err)
    GH_MUST_USE;

/* Append the last status to OUT: nothing when there is none. */
int gh_den_status_read(struct gh_den *den, const struct gh_den_resource *resource,
                       struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

struct gh_den_lines {
    struct gh_slice file_name, text;
    int64_t start_line, end_line;
};

/* Keep LINES, of which no more than GH_DEN_LOGS_MAX_BYTES, the last, are taken. */
int gh_den_logs_post(struct gh_den *den, const struct gh_den_resource *resource,
                     const struct gh_den_lines *lines, struct gh_err *err) GH_MUST_USE;

/* Append to OUT what was posted in the last SINCE_S seconds (0: ever), in order. *IS_ANY_OUT: was anything
 * posted at all? */
int gh_den_logs_read(struct gh_den *den, const struct gh_den_resource *resource, int64_t since_s,
                     struct gh_buf *out, bool *is_any_out, struct gh_err *err) GH_MUST_USE;

#endif
