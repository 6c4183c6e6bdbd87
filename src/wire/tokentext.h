/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/tokentext.h - the texts of new tokens, and the names of those whom they are for. Any thread. */
#ifndef GH_WIRE_TOKENTEXT_H
#define GH_WIRE_TOKENTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/call.h"

#define GH_TOKEN_PREFIX_MAX_BYTES 4u
#define GH_TOKEN_RANDOM_BYTES 32u
#define GH_TOKEN_TEXT_BYTES 48u /* the longest prefix, 32 bytes as base64url, the terminator */
#define GH_TOKEN_USER_MAX_BYTES 64u

/* A new token: PREFIX, which tells people what it is, and 32 random bytes. */
void gh_tokentext_make(const char *prefix, char out[GH_TOKEN_TEXT_BYTES]);

/* PREFIX and BYTES as base64url without padding. Source: RFC 4648 section 5. */
void gh_tokentext_write(const char *prefix, const uint8_t bytes[GH_TOKEN_RANDOM_BYTES],
                        char out[GH_TOKEN_TEXT_BYTES]);

/* Can USER be somebody's name? It goes to logs, listings and headers: 1 to GH_TOKEN_USER_MAX_BYTES of visible
 * ASCII without what these would have to quote. */
bool gh_token_user_is_valid(struct gh_slice user);

#endif
