/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's decoders of JSON string literals and of the base64 in them, into buffers of exactly the
 * size that they ask for. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsontext.h"
#include "modules/python/literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Halves of a pair in a row, which become one character once they are escapes; as in Python's json. */
static bool
has_surrogates(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if ((uint8_t)text[i] == 0xED && (uint8_t)text[i + 1] >= 0xA0)
            return true;
    return false;
}

/* Text that was decoded, quoted again: as long as was said, and the same when read once more. */
static void
quote_again(const char *text, size_t len)
{
    size_t quoted_len = gh_literal_quoted_len(text, len);
    size_t back_len;

    if (quoted_len == SIZE_MAX)
        return;
    char *quoted = gh_alloc(quoted_len);
    uint8_t *back = gh_alloc(quoted_len);
    assert(gh_literal_quote(text, len, quoted) == quoted + quoted_len);
    assert(gh_literal_unquote(quoted, quoted_len, back, &back_len) == NULL);
    assert(back_len == len || has_surrogates(text, len));
    assert(memcmp(back, text, len) == 0 || has_surrogates(text, len));
    free(quoted);
    free(back);
}

static void
unquote(const char *text, size_t len)
{
    uint8_t *out = gh_alloc(len);
    struct gh_buf daemons = {0};
    size_t out_len = 0;

    const char *problem = gh_literal_unquote(text, len, out, &out_len);
    if (!problem) {
        assert(out_len <= len);
        quote_again((char *)out, out_len);
    }
    /* What the daemon reads, the worker reads the same; it takes more: blanks around, lone halves. */
    if (gh_jsontext_unquote(&daemons, text, len) == 0)
        assert(!problem && out_len == daemons.len &&
               (out_len == 0 || memcmp(out, daemons.bytes, out_len) == 0));
    gh_buf_done(&daemons);
    free(out);
}

static void
encode_and_decode(const uint8_t *bytes, size_t len)
{
    size_t text_len = gh_literal_base64_len(len), back_len;
    char *text = gh_alloc(text_len);
    uint8_t *back = gh_alloc(gh_literal_unbase64_max(text_len));

    assert(gh_literal_base64(bytes, len, text) == text + text_len);
    assert(gh_literal_unbase64(text, text_len, back, &back_len) == NULL);
    assert(back_len == len && memcmp(back, bytes, len) == 0);
    free(text);
    free(back);
}

static void
unbase64(const char *text, size_t len)
{
    size_t max = gh_literal_unbase64_max(len), out_len = 0;
    uint8_t *out = gh_alloc(max);

    if (!gh_literal_unbase64(text, len, out, &out_len)) {
        assert(out_len <= max);
        encode_and_decode(out, out_len);
    }
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    unquote((const char *)bytes, len);
    unbase64((const char *)bytes, len);
    encode_and_decode(bytes, len);
    quote_again((const char *)bytes, len);
    return 0;
}
