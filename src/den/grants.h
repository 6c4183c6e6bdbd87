/* SPDX-License-Identifier: Apache-2.0
 *
 * den/grants.h - who may use what others saved. The owner of a resource, whose name its folder is, may write;
 * others what they were granted; and what is public everybody may read. */
#ifndef GH_DEN_GRANTS_H
#define GH_DEN_GRANTS_H

#include "den/den_inner.h"

/* Is URI in USER's folder? */
bool gh_den_owns(const struct gh_den_user *user, struct gh_slice uri);

/* What USER may do with what is saved, or is to be, at URI. */
enum gh_level gh_den_level(const struct gh_den *den, const struct gh_den_user *user,
                           struct gh_slice uri);

/* USERS, COUNT of them, may use RESOURCE at LEVEL from now on, GH_LEVEL_NONE: no more, all of them or none.
 * IS_NOTIFIED is kept beside it: the Den sends no mail. Its owner among them stays what he is.
 * Errors: GH_E_NO_ROOM GH_DEN_GRANTS_MAX may already; GH_E_SYSTEM. */
int gh_den_grant(struct gh_den *den, struct gh_den_resource *resource,
                 struct gh_den_user *const *users, size_t count, enum gh_level level,
                 bool is_notified, struct gh_err *err) GH_MUST_USE;

/* Nobody but its owner may use RESOURCE from now on. Errors: GH_E_SYSTEM. */
int gh_den_revoke_all(struct gh_den *den, struct gh_den_resource *resource, struct gh_err *err)
    GH_MUST_USE;

#endif
