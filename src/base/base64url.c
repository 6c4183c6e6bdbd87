/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64url.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
gh_base64url_write(char *out, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    char *to = out;

    for (size_t at = 0; at < len; at += 3) {
        size_t count = len - at < 3 ? len - at : 3;
        uint32_t bits = (uint32_t)from[at] << 16;

        bits |= count > 1 ? (uint32_t)from[at + 1] << 8 : 0;
        bits |= count > 2 ? from[at + 2] : 0;
        for (size_t i = 0; i <= count; i++)
            *to++ = alphabet[bits >> (18 - 6 * i) & 63];
    }
    return (size_t)(to - out);
}

void
gh_base64url_add(struct gh_buf *out, const void *bytes, size_t len)
{
    char *room = (char *)gh_buf_reserve(out, GH_BASE64URL_TEXT_BYTES(len));

    out->len += gh_base64url_write(room, bytes, len);
}

int
gh_base64url_read(struct gh_buf *out, const char *text, size_t len)
{
    size_t before = out->len;
    uint32_t bits = 0;
    unsigned count = 0;

    while (len > 0 && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at) {
            out->len = before;
            return GH_E_INPUT;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        if (++count % 4 != 1)
            gh_buf_add_byte(out, (uint8_t)(bits >> (6 - 2 * ((count - 1) % 4)) & 255));
    }
    if (count % 4 == 1) { /* six bits are no byte */
        out->len = before;
        return GH_E_INPUT;
    }
    return GH_OK;
}
