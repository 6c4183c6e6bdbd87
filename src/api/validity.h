/* SPDX-License-Identifier: Apache-2.0
 *
 * api/validity.h - what the routes about tokens share: how long one is good, which one, and the answer that
 * shows a new one. Loop thread only. */
#ifndef GH_API_VALIDITY_H
#define GH_API_VALIDITY_H

#include "api/fields.h"

/* Until when a new token is good, by the fields expires_s (Unix seconds) or valid_for_s, 0 for ever.
 * Returns 0; or -1, having answered 422. */
int gh_validity_take(struct gh_request *request, const struct gh_value *expires,
                     const struct gh_value *valid_for, int64_t *expires_s_out);

/* The number of the token in the URL, whose segment the route calls {id}. Returns 0; or -1, having answered
 * 422. */
int gh_validity_take_id(struct gh_request *request, int64_t *id_out);

/* As gh_reply_tree, with 200, for what nobody else is to see. */
void gh_reply_secret(struct gh_request *request, json_t *tree);

#endif
