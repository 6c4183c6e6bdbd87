/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON string literals of the daemon: any bytes can be quoted and come back, a literal that is read is
 * what jansson reads, and the worker's decoder reads it too. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "modules/python/literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_worker_reads(const struct gh_buf *literal, const struct gh_buf *text)
{
    uint8_t *out = gh_alloc(literal->len);
    size_t out_len;

    const char *problem =
        gh_literal_unquote((const char *)literal->bytes, literal->len, out, &out_len);
    assert(!problem && out_len == text->len);
    assert(out_len == 0 || memcmp(out, text->bytes, out_len) == 0);
    free(out);
}

static void
quote_and_back(const char *text, size_t len, enum gh_jsontext_style style)
{
    struct gh_buf literal = {0}, plain = {0}, again = {0};

    gh_jsontext_quote(&literal, text, len, style);
    int rc = gh_jsontext_unquote(&plain, (char *)literal.bytes, literal.len);
    assert(rc == 0);
    check_worker_reads(&literal, &plain);
    if (style == GH_JSONTEXT_ASCII)
        for (size_t i = 0; i < literal.len; i++)
            assert(literal.bytes[i] >= 0x20 && literal.bytes[i] < 0x7F);

    /* What came back is UTF-8 now and does not change any more. */
    gh_jsontext_quote(&again, (char *)plain.bytes, plain.len, style);
    assert(again.len == literal.len && memcmp(again.bytes, literal.bytes, again.len) == 0);
    gh_buf_done(&literal);
    gh_buf_done(&plain);
    gh_buf_done(&again);
}

static void
unquote(const char *literal, size_t len)
{
    struct gh_buf plain = {0};
    json_t *tree = len && literal[0] == '"' && literal[len - 1] == '"'
                       ? json_loadb(literal, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                       : NULL;

    int rc = gh_jsontext_unquote(&plain, literal, len);
    assert((rc == 0) == (tree != NULL));
    if (tree)
        assert(json_string_length(tree) == plain.len &&
               (plain.len == 0 || memcmp(json_string_value(tree), plain.bytes, plain.len) == 0));
    json_decref(tree);
    gh_buf_done(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;

    quote_and_back(text, len, GH_JSONTEXT_UTF8);
    quote_and_back(text, len, GH_JSONTEXT_ASCII);
    unquote(text, len);
    return 0;
}
