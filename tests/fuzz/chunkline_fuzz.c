/* SPDX-License-Identifier: Apache-2.0
 *
 * The line in front of a chunk, as it comes: what is sound at its end was so all the way. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "front/chunk_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* In memory that ends where they end. */
static bool
is_sound(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len + 1);

    assert(copy);
    memcpy(copy + 1, bytes, len);
    bool is_sound = gh_chunk_line_is_sound(copy + 1, len);
    free(copy);
    return is_sound;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!is_sound(bytes, len))
        return 0;
    for (size_t part = 0; part < len; part++)
        assert(is_sound(bytes, part));
    const uint8_t *feed = memchr(bytes, '\n', len);
    assert(!feed || (feed - bytes >= 2 && feed[-1] == '\r' && isxdigit(bytes[0])));
    return 0;
}
