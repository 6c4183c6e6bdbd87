/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines: split by the shell's quoting rules, and shown without passwords. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* WORDS in single quotes, as a command line that means them. */
static char *
quote(const struct gh_words *words)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < words->count; i++) {
        gh_buf_add_text(&out, i ? " '" : "'");
        for (const char *c = words->list[i]; *c; c++) {
            if (*c == '\'')
                gh_buf_add_text(&out, "'\\''");
            else
                gh_buf_add_byte(&out, (uint8_t)*c);
        }
        gh_buf_add_byte(&out, '\'');
    }
    return gh_strdup(gh_buf_text(&out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text GH_SCOPED(gh_free) = gh_strndup((const char *)bytes, len);
    struct gh_words words GH_SCOPED(gh_words_done) = {0};
    struct gh_words again GH_SCOPED(gh_words_done) = {0};
    struct gh_err err;
    size_t total = 0;

    char *hidden GH_SCOPED(gh_free) = gh_words_hide_secrets(text);
    char *twice GH_SCOPED(gh_free) = gh_words_hide_secrets(hidden);
    assert(strcmp(hidden, twice) == 0);

    if (gh_words_split(&words, text, &err) != GH_OK) {
        assert(words.count == 0);
        return 0;
    }
    for (size_t i = 0; i < words.count; i++)
        total += strlen(words.list[i]);
    assert(total <= strlen(text));

    /* Quoted again, they are the same words. */
    char *quoted GH_SCOPED(gh_free) = quote(&words);
    assert(gh_words_split(&again, quoted, &err) == GH_OK);
    assert(again.count == words.count);
    for (size_t i = 0; i < words.count; i++)
        assert(strcmp(words.list[i], again.list[i]) == 0);
    return 0;
}
