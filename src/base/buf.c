/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SMALLEST_BYTES 256u

void
gh_buf_done(struct gh_buf *buf)
{
    free(buf->bytes);
    *buf = (struct gh_buf){0};
}

uint8_t *
gh_buf_reserve(struct gh_buf *buf, size_t more)
{
    if (buf->capacity - buf->len < more) {
        size_t capacity = buf->capacity ? buf->capacity : SMALLEST_BYTES;
        while (capacity - buf->len < more)
            capacity *= 2;
        buf->bytes = gh_realloc(buf->bytes, capacity);
        buf->capacity = capacity;
    }
    return buf->bytes + buf->len;
}

void
gh_buf_add(struct gh_buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    memcpy(gh_buf_reserve(buf, len), bytes, len);
    buf->len += len;
}

void
gh_buf_add_text(struct gh_buf *buf, const char *text)
{
    gh_buf_add(buf, text, strlen(text));
}

void
gh_buf_add_byte(struct gh_buf *buf, uint8_t byte)
{
    *gh_buf_reserve(buf, 1) = byte;
    buf->len++;
}

void
gh_buf_addv(struct gh_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);

    if (len > 0) {
        uint8_t *at = gh_buf_reserve(buf, (size_t)len + 1);
        vsnprintf((char *)at, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void
gh_buf_addf(struct gh_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    gh_buf_addv(buf, format, args);
    va_end(args);
}

void
gh_buf_drop(struct gh_buf *buf, size_t len)
{
    if (len == 0)
        return;
    buf->len -= len;
    memmove(buf->bytes, buf->bytes + len, buf->len);
}

const char *
gh_buf_text(struct gh_buf *buf)
{
    *gh_buf_reserve(buf, 1) = '\0';
    return (const char *)buf->bytes;
}

uint8_t *
gh_buf_steal(struct gh_buf *buf, size_t *len_out)
{
    uint8_t *bytes = buf->bytes;
    *len_out = buf->len;
    *buf = (struct gh_buf){0};
    return bytes;
}
