/* SPDX-License-Identifier: Apache-2.0
 *
 * den/listing.h - which resources somebody has, or may use: what the client's `cluster list` asks for. */
#ifndef GH_DEN_LISTING_H
#define GH_DEN_LISTING_H

#include "base/buf.h"
#include "den/den_inner.h"

#define GH_DEN_LIST_MAX 200u /* in one answer. Source: the client's documentation of Cluster.list */

/* Empty and 0: any. */
struct gh_den_filter {
    const struct gh_den_user *user; /* who asks, and sees what it may read */
    bool is_owned;                  /* of the user's own folder alone */
    struct gh_slice type, state;
    int64_t since_s; /* a node reported so recently */
    const char *
        running_uri; /* of the cluster that this node is, which runs as it does not report; or NULL */
};

/* Append to OUT a list of the configs that fit, oldest first, each with "access_level", "cluster_status" and
 * "cluster_status_last_checked" (UTC). */
int gh_den_list(struct gh_den *den, const struct gh_den_filter *filter, struct gh_buf *out,
                struct gh_err *err) GH_MUST_USE;

#endif
