/* SPDX-License-Identifier: Apache-2.0
 *
 * den/users.h - who is known to the Den. A user's name is also the folder of what it saves. */
#ifndef GH_DEN_USERS_H
#define GH_DEN_USERS_H

#include "base/buf.h"
#include "den/den_inner.h"

/* The user of that name or, when there is an '@' in it, e-mail address; or NULL. */
struct gh_den_user *gh_den_user_find(const struct gh_den *den, struct gh_slice name);

/* Add a user; EMAIL may be empty. Errors: GH_E_INPUT the name or the address is none, or is taken;
 * GH_E_NO_ROOM GH_DEN_USERS_MAX are there; GH_E_SYSTEM. */
int gh_den_user_add(struct gh_den *den, struct gh_slice name, struct gh_slice email,
                    const struct gh_den_user **user_out, struct gh_err *err) GH_MUST_USE;

/* Remove USER and all that is its own: tokens, resources, secrets; and what others let it use.
 * Errors: GH_E_SYSTEM. */
int gh_den_user_remove(struct gh_den *den, const struct gh_den_user *user, struct gh_err *err)
    GH_MUST_USE;

/* What the user keeps of its client's settings: JSON text, nothing appended when it has none. */
int gh_den_user_config(struct gh_den *den, const struct gh_den_user *user, struct gh_buf *out,
                       struct gh_err *err) GH_MUST_USE;
int gh_den_user_set_config(struct gh_den *den, const struct gh_den_user *user,
                           struct gh_slice config, struct gh_err *err) GH_MUST_USE;

#endif
