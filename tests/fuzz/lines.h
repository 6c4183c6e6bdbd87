/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.h - inputs that are lines. */
#ifndef GH_FUZZ_LINES_H
#define GH_FUZZ_LINES_H

#include <string.h>

#include "wire/call.h"

/* The line at *CURSOR, without its newline; *CURSOR moves behind it, at most to END. */
static inline struct gh_slice
next_line(const char **cursor, const char *end)
{
    const char *start = *cursor;
    const char *newline = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
    const char *stop = newline ? newline : end;

    *cursor = newline ? newline + 1 : end;
    return (struct gh_slice){start, (size_t)(stop - start)};
}

#endif
