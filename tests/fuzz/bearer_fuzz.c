/* SPDX-License-Identifier: Apache-2.0
 *
 * The Authorization header: whatever it holds, the token lies in it, and has no blanks around it. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "auth/bearer.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *value GH_SCOPED(gh_free) = gh_strndup((const char *)bytes, len);
    struct gh_slice token = gh_bearer_token(value);

    if (token.len == 0)
        return 0;
    assert(token.bytes >= value && token.bytes + token.len <= value + strlen(value));
    assert(!strchr(" \t", token.bytes[0]) && !strchr(" \t", token.bytes[token.len - 1]));

    /* Sent alone, as the oldest clients do, it is the same token; but for the scheme's own word. */
    char *alone GH_SCOPED(gh_free) = gh_strndup(token.bytes, token.len);
    struct gh_slice again = gh_bearer_token(alone);
    if (again.len == 0)
        assert(strcasecmp(alone, "Bearer") == 0);
    else
        assert(again.len == token.len && memcmp(again.bytes, token.bytes, token.len) == 0);
    return 0;
}
