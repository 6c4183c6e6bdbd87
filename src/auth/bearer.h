/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/bearer.h - the token in an Authorization header. Pure function, any thread. */
#ifndef GH_AUTH_BEARER_H
#define GH_AUTH_BEARER_H

#include "wire/call.h"

/* The token of VALUE, borrowed from it: what follows the last "Bearer ", in any case, or all of it
 * when there is none (clients up to 0.0.19 send the token alone). Empty when there is no token, or VALUE
 * is NULL. Source: auth.md section 2, RFC 6750 section 2.1. */
struct gh_slice gh_bearer_token(const char *value);

#endif
