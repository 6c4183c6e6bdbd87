/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tokentext.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64url.h"

void
gh_tokentext_write(const char *prefix, const uint8_t bytes[GH_TOKEN_RANDOM_BYTES],
                   char out[GH_TOKEN_TEXT_BYTES])
{
    size_t at = strlen(prefix);

    assert(at <= GH_TOKEN_PREFIX_MAX_BYTES);
    memcpy(out, prefix, at);
    at += gh_base64url_write(out + at, bytes, GH_TOKEN_RANDOM_BYTES);
    out[at] = '\0';
}

void
gh_tokentext_make(const char *prefix, char out[GH_TOKEN_TEXT_BYTES])
{
    uint8_t bytes[GH_TOKEN_RANDOM_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        abort(); /* cannot happen for so few bytes once the pool is ready, for which it waits */
    gh_tokentext_write(prefix, bytes, out);
    explicit_bzero(bytes, sizeof bytes);
}

bool
gh_token_user_is_valid(struct gh_slice user)
{
    if (user.len == 0 || user.len > GH_TOKEN_USER_MAX_BYTES)
        return false;
    for (size_t i = 0; i < user.len; i++)
        if (user.bytes[i] <= ' ' || user.bytes[i] > '~' || strchr("\"\\,;", user.bytes[i]))
            return false;
    return true;
}
