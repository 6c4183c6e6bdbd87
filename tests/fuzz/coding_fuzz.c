/* SPDX-License-Identifier: Apache-2.0
 *
 * A value of Accept-Encoding. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "front/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = gh_strndup((const char *)bytes, len);
    enum gh_coding coding = gh_coding_choose(text);

    assert(coding <= GH_CODING_DEFLATE);
    assert(coding == GH_CODING_IDENTITY || *text); /* who says nothing gets it plain */
    (void)gh_coding_is_for(text);
    free(text);
    return 0;
}
