/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_own.h - what the routes of `gatehouse den` share, on the control socket. */
#ifndef GH_API_DEN_OWN_H
#define GH_API_DEN_OWN_H

#include "api/fields.h"
#include "den/den_inner.h"

struct gh_api;

/* Does this node have a Den? False: it has been answered, with 404. */
bool gh_den_own_is_on(struct gh_api *api, struct gh_request *request);

/* The user whom the URL calls {name}. NULL: it has been answered, with 404. */
struct gh_den_user *gh_den_own_user(struct gh_api *api, struct gh_request *request);

/* The user whom FIELD of the body names. NULL: it has been answered, with 422. */
struct gh_den_user *gh_den_own_user_of(struct gh_api *api, struct gh_request *request,
                                       const struct gh_field *field, const struct gh_value *value);

#endif
