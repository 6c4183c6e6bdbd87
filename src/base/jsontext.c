/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsontext.h"

#include <string.h>

#define REPLACEMENT 0xFFFDu

static void
add_utf8(struct gh_buf *out, unsigned point)
{
    if (point < 0x80) {
        gh_buf_add_byte(out, (uint8_t)point);
    } else if (point < 0x800) {
        gh_buf_add_byte(out, (uint8_t)(0xC0 | point >> 6));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
        gh_buf_add_byte(out, (uint8_t)(0xE0 | point >> 12));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point & 0x3F)));
    } else {
        gh_buf_add_byte(out, (uint8_t)(0xF0 | point >> 18));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point >> 12 & 0x3F)));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
        gh_buf_add_byte(out, (uint8_t)(0x80 | (point & 0x3F)));
    }
}

/* Decode one code point at TEXT; *used_out is how many bytes it took. What is not UTF-8 by
 * RFC 3629 (overlong, surrogate, above U+10FFFF, cut short) is one replacement of one byte. */
static unsigned
read_utf8(const unsigned char *text, size_t len, size_t *used_out)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = text[0];
    size_t size = first < 0x80   ? 1
                  : first < 0xC2 ? 0
                  : first < 0xE0 ? 2
                  : first < 0xF0 ? 3
                  : first < 0xF5 ? 4
                                 : 0;

    *used_out = 1;
    if (size == 1)
        return first;
    if (size == 0 || size > len)
        return REPLACEMENT;

    unsigned point = first & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        point = point << 6 | (text[i] & 0x3F);
    }
    if (point < smallest[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return REPLACEMENT;

    *used_out = size;
    return point;
}

/* By hand: a binary output is nothing but these, and printf takes many times as long. */
static void
add_hex4(struct gh_buf *out, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\',
                    'u',
                    digits[unit >> 12 & 15],
                    digits[unit >> 8 & 15],
                    digits[unit >> 4 & 15],
                    digits[unit & 15]};

    gh_buf_add(out, text, sizeof text);
}

static void
add_escaped(struct gh_buf *out, unsigned point, enum gh_jsontext_style style)
{
    switch (point) {
    case '"':
        gh_buf_add_text(out, "\\\"");
        return;
    case '\\':
        gh_buf_add_text(out, "\\\\");
        return;
    case '\n':
        gh_buf_add_text(out, "\\n");
        return;
    case '\r':
        gh_buf_add_text(out, "\\r");
        return;
    case '\t':
        gh_buf_add_text(out, "\\t");
        return;
    case '\b':
        gh_buf_add_text(out, "\\b");
        return;
    case '\f':
        gh_buf_add_text(out, "\\f");
        return;
    default:
        break;
    }
    if (point < 0x20 || (style == GH_JSONTEXT_ASCII && point > 0x7E && point < 0x10000)) {
        add_hex4(out, point);
    } else if (style == GH_JSONTEXT_ASCII && point >= 0x10000) {
        add_hex4(out, 0xD800 + ((point - 0x10000) >> 10));
        add_hex4(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
        add_utf8(out, point);
    }
}

void
gh_jsontext_quote(struct gh_buf *out, const char *text, size_t len, enum gh_jsontext_style style)
{
    const unsigned char *cursor = (const unsigned char *)text;
    const unsigned char *end = len ? cursor + len : cursor; /* TEXT may be NULL then */

    gh_buf_add_byte(out, '"');
    while (cursor < end) {
        const unsigned char *plain = cursor;
        while (cursor < end && *cursor >= 0x20 && *cursor < 0x7F && *cursor != '"' &&
               *cursor != '\\')
            cursor++;
        gh_buf_add(out, plain, (size_t)(cursor - plain));
        if (cursor == end)
            break;

        size_t used;
        unsigned point = read_utf8(cursor, (size_t)(end - cursor), &used);
        add_escaped(out, point, style);
        cursor += used;
    }
    gh_buf_add_byte(out, '"');
}

/* Four hex digits at TEXT, or -1. */
static int
read_hex4(const char *text, const char *end)
{
    int value = 0;

    if (end - text < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Read the escape whose backslash is before *CURSOR; move *CURSOR behind it. Returns the code
 * point, or -1. */
static int
read_escape(const char **cursor, const char *end)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";

    if (*cursor == end)
        return -1;
    char name = *(*cursor)++;
    const char *found = name ? strchr(names, name) : NULL;
    if (found)
        return (unsigned char)values[found - names];
    if (name != 'u')
        return -1;

    int high = read_hex4(*cursor, end);
    if (high < 0)
        return -1;
    *cursor += 4;
    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || end - *cursor < 6 || (*cursor)[0] != '\\' || (*cursor)[1] != 'u')
        return -1;

    int low = read_hex4(*cursor + 2, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *cursor += 6;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Append the escape or the character above ASCII at *CURSOR. */
static int
unquote_special(struct gh_buf *out, const char **cursor, const char *end)
{
    if (**cursor == '\\') {
        ++*cursor;
        int point = read_escape(cursor, end);
        if (point < 0)
            return -1;
        add_utf8(out, (unsigned)point);
        return 0;
    }

    size_t used;
    if ((unsigned char)**cursor < 0x80)
        return -1;
    unsigned point = read_utf8((const unsigned char *)*cursor, (size_t)(end - *cursor), &used);
    if (point == REPLACEMENT && used == 1)
        return -1;
    gh_buf_add(out, *cursor, used);
    *cursor += used;
    return 0;
}

int
gh_jsontext_unquote_part(struct gh_buf *out, const char **cursor, const char *end, size_t max)
{
    const char *stop = (size_t)(end - *cursor) > max ? *cursor + max : end;

    while (*cursor < stop) {
        const char *plain = *cursor;
        while (*cursor < stop && **cursor != '\\' && **cursor != '"' &&
               (unsigned char)**cursor >= 0x20 && (unsigned char)**cursor < 0x80)
            ++*cursor;
        gh_buf_add(out, plain, (size_t)(*cursor - plain));
        if (*cursor < stop && unquote_special(out, cursor, end) != 0)
            return -1;
    }
    return 0;
}

int
gh_jsontext_unquote(struct gh_buf *out, const char *literal, size_t len)
{
    if (len < 2 || literal[0] != '"' || literal[len - 1] != '"')
        return -1;

    const char *cursor = literal + 1;
    return gh_jsontext_unquote_part(out, &cursor, literal + len - 1, len);
}

size_t
gh_jsontext_utf8_len(const char *text, size_t len)
{
    size_t used;
    unsigned point = read_utf8((const unsigned char *)text, len, &used);

    return point == REPLACEMENT && used == 1 ? 0 : used;
}

size_t
gh_jsontext_control_len(const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)text;

    if (bytes[0] < 0x20 || bytes[0] == 0x7F)
        return 1;
    return len > 1 && bytes[0] == 0xC2 && (bytes[1] & 0xE0) == 0x80 ? 2 : 0;
}

void
gh_jsontext_add_clean(struct gh_buf *out, const char *text, size_t len, size_t max)
{
    const unsigned char *cursor = (const unsigned char *)text;

    while (len > 0 && out->len + 4 < max) {
        size_t used;
        add_utf8(out, read_utf8(cursor, len, &used));
        cursor += used;
        len -= used;
    }
}
