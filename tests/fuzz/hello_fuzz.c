/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client sends first: looked at whole, and at every length that the reader asked for on the way. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char name[GH_CERTS_NAME_BYTES], again[GH_CERTS_NAME_BYTES];
    size_t at = 0, needed;

    while ((needed = gh_hello_name(bytes, at, name)) > 0 && needed <= len) {
        assert(needed > at && needed <= GH_HELLO_RECORD_MAX_BYTES);
        at = needed;
    }
    assert(strlen(name) < sizeof name);
    for (const char *c = name; *c; c++)
        assert(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *c));
    if (len > 9 &&
        gh_hello_has_ecdsa_cipher(bytes + 9, len - 9)) /* behind the heads of record and message */
        assert(len - 9 >= 2 + 32 + 1 + 2 + 2);
    if (needed == 0) { /* what comes behind the record changes nothing */
        assert(gh_hello_name(bytes, len, again) == 0);
        assert(strcmp(name, again) == 0);
    }
    return 0;
}
