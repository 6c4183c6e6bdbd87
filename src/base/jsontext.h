/* SPDX-License-Identifier: Apache-2.0
 *
 * base/jsontext.h - JSON string literals, written and read without a tree. Everything else about
 * JSON is jansson's. Pure functions, any thread. Source: RFC 8259 section 7. */
#ifndef GH_BASE_JSONTEXT_H
#define GH_BASE_JSONTEXT_H

#include <stddef.h>

#include "base/buf.h"

enum gh_jsontext_style {
    GH_JSONTEXT_UTF8, /* as the client's server writes answers: only what JSON demands is escaped */
    GH_JSONTEXT_ASCII, /* as it writes log lines: all above 0x7e and all controls are escaped */
};

/* Append TEXT, LEN bytes of UTF-8, as a JSON string literal with its quotes. Bytes that are not
 * UTF-8 become U+FFFD. */
void gh_jsontext_quote(struct gh_buf *out, const char *text, size_t len,
                       enum gh_jsontext_style style);

/* Append the text that the literal LITERAL (LEN bytes, quotes included) stands for, as UTF-8.
 * Returns 0, or -1 when it is no valid literal (OUT then holds a part). A lone surrogate is
 * refused: it has no UTF-8. */
int gh_jsontext_unquote(struct gh_buf *out, const char *literal, size_t len);

/* The same in pieces: append what stands from *CURSOR on, at least one character and not much more than
 * MAX bytes, and move *CURSOR behind it. It starts behind the opening quote; END is at the closing one.
 * Returns 0 or -1 as above. */
int gh_jsontext_unquote_part(struct gh_buf *out, const char **cursor, const char *end, size_t max);

/* How many bytes the code point at TEXT takes in UTF-8; 0 when it is none. LEN is at least 1. */
size_t gh_jsontext_utf8_len(const char *text, size_t len);

/* How many bytes the control character at TEXT takes, C0, DEL or C1 (in UTF-8: C2 80 to C2 9F), what a terminal
 * might obey; 0 when it is none. LEN is at least 1. */
size_t gh_jsontext_control_len(const char *text, size_t len);

/* Append TEXT with U+FFFD for each byte that is not UTF-8; as many characters as surely leave OUT below
 * MAX bytes. */
void gh_jsontext_add_clean(struct gh_buf *out, const char *text, size_t len, size_t max);

#endif
