/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/httptoken.h"

#include <ctype.h>
#include <string.h>

bool
gh_http_is_token_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool
gh_http_is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!gh_http_is_token_byte(text[i]))
            return false;
    return len > 0;
}
