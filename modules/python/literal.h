/* SPDX-License-Identifier: Apache-2.0
 *
 * literal.h - JSON string literals, quotes included, read and written as bytes.
 *
 * The daemon passes the client's `data` on as it stood in the HTTP body, so the first thing a
 * worker does with a pickled argument is to read base64 out of a JSON string of many MiB. That is why the
 * base64 functions work on the literal itself: no unescaped copy is ever made.
 *
 * Pure functions that need only libc: no allocation, no I/O, any thread.
 * Source: RFC 8259 section 7; shared/protocol/serialization.md section 1 for the form of base64. */
#ifndef GH_LITERAL_H
#define GH_LITERAL_H

#include <stddef.h>
#include <stdint.h>

#define GH_BASE64_LINE_BYTES 57u /* bytes that become one line of 76 characters */

/* Move *TEXT and *END from around a literal to around what is between its quotes.
 * Returns NULL, or what is wrong in English, a static string. */
const char *gh_literal_open(const char **text, const char **end);

/* Read the literal TEXT into OUT, as UTF-8. OUT holds LEN bytes, which is always enough.
 * A lone surrogate is written as three bytes, which Python's json accepts back ("surrogatepass").
 * Returns NULL, or what is wrong in English, a static string; *out_len is set on success. */
const char *gh_literal_unquote(const char *text, size_t len, uint8_t *out, size_t *out_len);

/* Decode the base64 in the literal TEXT into OUT, which holds gh_literal_unbase64_max(LEN) bytes.
 * White space is skipped anywhere, raw or escaped; all else must be base64 with its padding.
 * Returns NULL, or what is wrong in English, a static string; *out_len is set on success. */
const char *gh_literal_unbase64(const char *text, size_t len, uint8_t *out, size_t *out_len);

static inline size_t
gh_literal_unbase64_max(size_t len)
{
    return len / 4 * 3 + 8;
}

/* The length of TEXT, which is UTF-8, as a literal; SIZE_MAX when it is not UTF-8.
 * Three-byte surrogates are taken and become \u escapes. */
size_t gh_literal_quoted_len(const char *text, size_t len);

/* Write TEXT as a literal; OUT holds gh_literal_quoted_len() bytes. Returns the end of it. */
char *gh_literal_quote(const char *text, size_t len, char *out);

/* The length of LEN bytes as a literal of base64: a \n escape after each 76 characters and at the
 * end, as Python's codecs.encode(.., "base64") makes it. */
size_t gh_literal_base64_len(size_t len);

/* Write the quotes and the lines. gh_literal_base64_lines leaves out the quotes, so that a long
 * value can be written in pieces of whole lines: all but the last piece must be a multiple of
 * GH_BASE64_LINE_BYTES. Both return the end of the output. */
char *gh_literal_base64(const uint8_t *bytes, size_t len, char *out);
char *gh_literal_base64_lines(const uint8_t *bytes, size_t len, char *out);

#endif
