/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Den answers about a caller: the question and the status in the first line, the body behind it. Rights
 * come of a 200 alone, and only the one that was asked about. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "auth/denword.h"
#include "base/alloc.h"
#include "tests/fuzz/lines.h"
#include "wire/tokentext.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(enum gh_den_question question, unsigned status, struct gh_slice body)
{
    struct gh_denask_word word = {.level = GH_LEVEL_NONE};
    struct gh_err err = {0};

    int rc = gh_denword_read(&word, question, status, body, &err);
    size_t user_len = strnlen(word.user, sizeof word.user);
    assert(rc == GH_OK || (rc == GH_E_INPUT && err.text[0]));
    assert(user_len < sizeof word.user);
    assert(user_len == 0 || gh_token_user_is_valid((struct gh_slice){word.user, user_len}));
    if (rc != GH_OK || status != 200 || question != GH_DEN_ASKS_USER)
        assert(user_len == 0);
    if (rc != GH_OK || status != 200 || question != GH_DEN_ASKS_LEVEL)
        assert(word.level == GH_LEVEL_NONE);
    if (rc != GH_OK || status != 200 || question != GH_DEN_ASKS_VALIDITY)
        assert(!word.is_valid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *cursor = (const char *)bytes, *end = cursor + len;
    struct gh_slice first = next_line(&cursor, end);
    char *line GH_SCOPED(gh_free) = gh_strndup(first.bytes, first.len);
    /* An allocation of its own: what is read past its end shows. */
    size_t body_len = (size_t)(end - cursor);
    char *body GH_SCOPED(gh_free) = gh_strndup(cursor, body_len);

    check((unsigned char)line[0] % GH_DEN_QUESTIONS,
          line[0] ? (unsigned)strtoul(line + 1, NULL, 10) : 0, (struct gh_slice){body, body_len});
    return 0;
}
