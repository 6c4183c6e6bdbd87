/* SPDX-License-Identifier: Apache-2.0
 *
 * den/resources.h - what users saved: the config of each resource as the client sent it, and its earlier
 * versions. */
#ifndef GH_DEN_RESOURCES_H
#define GH_DEN_RESOURCES_H

#include "base/buf.h"
#include "den/den_inner.h"

/* The resource at URI, or NULL. */
struct gh_den_resource *gh_den_resource_find(const struct gh_den *den, struct gh_slice uri);

/* What is to be saved. All borrowed. */
struct gh_den_config {
    struct gh_slice uri; /* valid */
    struct gh_slice type;
    struct gh_slice text; /* JSON, as it was sent */
    bool is_public;
};

/* Save CONFIG, by USER, over what is there or as a new resource. The same text again changes nothing.
 * Errors: GH_E_INPUT the folder is no user's; GH_E_NO_ROOM GH_DEN_RESOURCES_MAX are in it; GH_E_SYSTEM. */
int gh_den_resource_save(struct gh_den *den, const struct gh_den_user *user,
                         const struct gh_den_config *config, struct gh_err *err) GH_MUST_USE;

/* Delete it with its grants, versions, posts and secret. Errors: GH_E_SYSTEM. */
int gh_den_resource_delete(struct gh_den *den, struct gh_den_resource *resource, struct gh_err *err)
    GH_MUST_USE;

/* Append the config of RESOURCE to OUT. */
int gh_den_resource_config(struct gh_den *den, const struct gh_den_resource *resource,
                           struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

/* Append CONFIG, a JSON object as it was sent, to OUT, with MORE ("\"a\":1") last among its members, so that
 * none that was sent wins over them. */
void gh_den_config_add(struct gh_buf *out, struct gh_slice config, const char *more);

/* Append [{"user", "at_s", "config"}], the present version first, LIMIT at most. */
int gh_den_resource_history(struct gh_den *den, const struct gh_den_resource *resource,
                            unsigned limit, struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

#endif
