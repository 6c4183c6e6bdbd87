/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - a body as a list of pieces that are written one after the other.
 *
 * A piece is either plain bytes or bytes that become a JSON string literal of base64 on the way
 * out, so that a pickle of many MiB never exists as text in memory. Any thread. */
#ifndef GH_PARTS_H
#define GH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gh_part {
    const void *bytes; /* borrowed */
    size_t len;        /* bytes before encoding */
    bool as_base64;
};

/* How long the pieces are when written. */
size_t gh_parts_len(const struct gh_part *parts, size_t count);

/* Write them to OUT, which holds gh_parts_len() bytes. Returns the end of the output. */
uint8_t *gh_parts_write(const struct gh_part *parts, size_t count, uint8_t *out);

/* Write them into a new sealed memfd. Returns its descriptor, or -1 with errno set. */
int gh_parts_to_memfd(const struct gh_part *parts, size_t count);

#endif
