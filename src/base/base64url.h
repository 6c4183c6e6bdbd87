/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64url.h - bytes as text that URLs and file names take, without padding. Source: RFC 4648
 * section 5. Pure functions, any thread. */
#ifndef GH_BASE_BASE64URL_H
#define GH_BASE_BASE64URL_H

#include <stddef.h>

#include "base/buf.h"

#define GH_BASE64URL_TEXT_BYTES(len) (((len)*4 + 2) / 3) /* that LEN bytes take as text */

/* Write LEN bytes at BYTES as text to OUT, which has room for it. Returns its length; nothing is behind it. */
size_t gh_base64url_write(char *out, const void *bytes, size_t len);

/* Append LEN bytes at BYTES as text. */
void gh_base64url_add(struct gh_buf *out, const void *bytes, size_t len);

/* Append the bytes that TEXT, LEN characters, stands for; padding at its end is left out. Returns GH_OK, or
 * GH_E_INPUT where TEXT is none of it, and OUT is as it was. */
int gh_base64url_read(struct gh_buf *out, const char *text, size_t len) GH_MUST_USE;

#endif
