/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pickle.h"

#include <string.h>

#include "base/alloc.h"
#include "wire/le.h"

#define LINE_BYTES 57u /* become 76 characters, as MIME has it */

static void
add_base64_literal(struct gh_buf *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    gh_buf_add_byte(out, '"');
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes[i + 2] : 0;

        char quad[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        left > 1 ? digits[bits >> 6 & 63] : '=',
                        left > 2 ? digits[bits & 63] : '='};
        gh_buf_add(out, quad, sizeof quad);
        if ((i + 3) % LINE_BYTES == 0 || left <= 3)
            gh_buf_add_text(out, "\\n");
    }
    gh_buf_add_byte(out, '"');
}

static void
add_unicode(struct gh_buf *pickle, const char *text, size_t len)
{
    uint8_t length[4];

    gh_store_u32(length, (uint32_t)len);
    gh_buf_add_byte(pickle, 'X'); /* BINUNICODE */
    gh_buf_add(pickle, length, sizeof length);
    gh_buf_add(pickle, text, len);
}

static void
add_bytes(struct gh_buf *pickle, const void *bytes, size_t len)
{
    uint8_t length[4];

    gh_store_u32(length, (uint32_t)len);
    gh_buf_add_byte(pickle, 'B'); /* BINBYTES */
    gh_buf_add(pickle, length, sizeof length);
    gh_buf_add(pickle, bytes, len);
}

void
gh_pickle_add_bytes(struct gh_buf *out, const void *bytes, size_t len)
{
    struct gh_buf pickle GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add(&pickle, "\x80\x04", 2);
    add_bytes(&pickle, bytes, len);
    gh_buf_add_byte(&pickle, '.');
    add_base64_literal(out, pickle.bytes, pickle.len);
}

void
gh_pickle_add_decode_error(struct gh_buf *out, const char *encoding, uint8_t bad,
                           const char *reason)
{
    struct gh_buf pickle GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add(&pickle, "\x80\x04", 2);
    gh_buf_add_text(&pickle, "cbuiltins\nUnicodeDecodeError\n("); /* GLOBAL, MARK */
    add_unicode(&pickle, encoding, strlen(encoding));
    add_bytes(&pickle, &bad, 1);
    gh_buf_add(&pickle, "K\0K\1", 4); /* BININT1 twice: from where to where */
    add_unicode(&pickle, reason, strlen(reason));
    gh_buf_add_text(&pickle, "tR."); /* TUPLE, REDUCE, STOP */
    add_base64_literal(out, pickle.bytes, pickle.len);
}

void
gh_pickle_add_string(struct gh_buf *out, const char *text, size_t len)
{
    struct gh_buf pickle GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add(&pickle, "\x80\x04", 2);
    add_unicode(&pickle, text, len);
    gh_buf_add_byte(&pickle, '.');
    add_base64_literal(out, pickle.bytes, pickle.len);
}

void
gh_pickle_add_exception(struct gh_buf *out, const char *module, const char *name, const char *text)
{
    struct gh_buf pickle GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add(&pickle, "\x80\x04", 2);
    gh_buf_addf(&pickle, "c%s\n%s\n", module, name); /* GLOBAL */
    add_unicode(&pickle, text, strlen(text));
    gh_buf_add_text(&pickle, "\x85R."); /* TUPLE1, REDUCE, STOP */
    add_base64_literal(out, pickle.bytes, pickle.len);
}
