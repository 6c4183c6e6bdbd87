/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tail.h"

#include <string.h>

#define LINE_NEAR_BYTES 4096u

static void
drop(struct gh_tail *tail, size_t count)
{
    gh_buf_drop(&tail->kept, count);
    tail->dropped += count;
}

void
gh_tail_add(struct gh_tail *tail, const void *bytes, size_t len, size_t max)
{
    const uint8_t *newest = bytes;

    if (len > max) {
        tail->dropped += len - max;
        newest += len - max;
        len = max;
    }
    /* Moving what is kept costs as much as MAX bytes, so it is done once in so many. */
    if (tail->kept.len + len > 2 * max)
        drop(tail, tail->kept.len + len - max);
    gh_buf_add(&tail->kept, newest, len);
}

/* The first byte from AT on where a line begins, or else a character. */
static size_t
clean_cut(const struct gh_buf *buf, size_t at)
{
    size_t left = buf->len - at;
    const uint8_t *start = buf->bytes + at;
    const uint8_t *newline = memchr(start, '\n', left < LINE_NEAR_BYTES ? left : LINE_NEAR_BYTES);

    if (newline && newline + 1 < buf->bytes + buf->len)
        return (size_t)(newline - buf->bytes) + 1;
    while (at < buf->len && (buf->bytes[at] & 0xC0) == 0x80)
        at++;
    return at;
}

void
gh_tail_finish(struct gh_tail *tail, size_t max)
{
    if (tail->kept.len > max)
        drop(tail, tail->kept.len - max);
    if (tail->dropped == 0)
        return;
    drop(tail, clean_cut(&tail->kept, 0));

    struct gh_buf whole = {0};
    gh_buf_addf(&whole, "[gatehouse: %zu bytes of output left out here]\n", tail->dropped);
    gh_buf_add(&whole, tail->kept.bytes, tail->kept.len);
    gh_buf_done(&tail->kept);
    tail->kept = whole;
}

void
gh_tail_done(struct gh_tail *tail)
{
    gh_buf_done(&tail->kept);
    tail->dropped = 0;
}
