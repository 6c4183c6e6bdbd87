/* SPDX-License-Identifier: Apache-2.0
 *
 * front/chunk_line.h - the line in front of each chunk of a body, by its grammar. Pure, any thread.
 *
 * libmicrohttpd reads the size and passes over all else up to the end of the line. Others that read the same
 * bytes may see another end, or none, in what is not in the form. Source: RFC 9112 section 7.1.1. */
#ifndef GH_FRONT_CHUNK_LINE_H
#define GH_FRONT_CHUNK_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define GH_CHUNK_LINE_MAX_BYTES 4096u /* with its end */

/* May BYTES, what has come of a body from the size of a chunk on, go on like this? True of a whole line that is in
 * the form, with or without more behind it, and of the beginning of one that may still become one. */
bool gh_chunk_line_is_sound(const char *bytes, size_t len);

#endif
