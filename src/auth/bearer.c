/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/bearer.h"

#include <string.h>
#include <strings.h>

#define SCHEME "Bearer"

static struct gh_slice
trim(const char *from, const char *end)
{
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct gh_slice){from, (size_t)(end - from)};
}

struct gh_slice
gh_bearer_token(const char *value)
{
    size_t len = value ? strlen(value) : 0, scheme_len = strlen(SCHEME);
    const char *from = value;

    if (len == 0)
        return (struct gh_slice){"", 0};
    struct gh_slice whole = trim(value, value + len);
    if (whole.len == scheme_len && strncasecmp(whole.bytes, SCHEME, scheme_len) == 0)
        return (struct gh_slice){"", 0};
    for (const char *at = value; at + scheme_len < value + len; at++)
        if ((*at == 'B' || *at == 'b') && strncasecmp(at, SCHEME " ", scheme_len + 1) == 0)
            from = at + scheme_len;
    return trim(from, value + len);
}
