/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.h - bytes that grow. A zeroed struct gh_buf is empty and valid; gh_buf_done frees it
 * and leaves it empty. Not terminated unless gh_buf_text is asked. One owner, one thread. */
#ifndef GH_BASE_BUF_H
#define GH_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gh_buf {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
};

void gh_buf_done(struct gh_buf *buf);

/* Room for MORE bytes behind len; returns where they go. The caller adds to len what it wrote. */
uint8_t *gh_buf_reserve(struct gh_buf *buf, size_t more);

void gh_buf_add(struct gh_buf *buf, const void *bytes, size_t len);
void gh_buf_add_text(struct gh_buf *buf, const char *text);
void gh_buf_add_byte(struct gh_buf *buf, uint8_t byte);
void gh_buf_addf(struct gh_buf *buf, const char *format, ...) GH_PRINTF(2, 3);
void gh_buf_addv(struct gh_buf *buf, const char *format, va_list args) GH_PRINTF(2, 0);

/* Forget the first LEN bytes and move the rest to the front. */
void gh_buf_drop(struct gh_buf *buf, size_t len);

/* The content as a C string: adds a terminator behind len, not counted. Valid until the next add. */
const char *gh_buf_text(struct gh_buf *buf);

/* Give the bytes away (to be freed with free()); BUF is empty afterwards. */
uint8_t *gh_buf_steal(struct gh_buf *buf, size_t *len_out);

#endif
