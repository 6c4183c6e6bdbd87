/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of a command line as arguments of a call: whatever they are, the text is JSON. Words end at a
 * zero byte. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsoncheck.h"
#include "cli/arguments.h"
#include "cli/cli.h"

#define WORDS_MAX 16
#define LEN_MAX 500 /* values nested deeper than the check goes are none of ours */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > LEN_MAX)
        return 0;
    char *text GH_SCOPED(gh_free) = gh_alloc(len + 1);
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0}, object GH_SCOPED(gh_buf_done) = {0};
    const char *words[WORDS_MAX];
    size_t count = 0;

    if (len)
        memcpy(text, bytes, len);
    for (size_t at = 0; at < len && count < WORDS_MAX; at += strlen(text + at) + 1)
        words[count++] = text + at;

    if (gh_arguments_add(&out, words, count, NULL) == GH_EXIT_OK)
        assert(gh_jsoncheck((char *)out.bytes, out.len));
    if (gh_arguments_add_object(&object, text, len, NULL) == GH_EXIT_OK)
        assert(gh_jsoncheck((char *)object.bytes, object.len));
    return 0;
}
