/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/literal.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static const char not_a_string[] = "expected a JSON string";
static const char cut_off[] = "JSON string ends inside an escape";

const char *
gh_literal_open(const char **text, const char **end)
{
    while (*text < *end && strchr(" \t\r\n", **text) && **text)
        ++*text;
    while (*text < *end && strchr(" \t\r\n", (*end)[-1]) && (*end)[-1])
        --*end;
    if (*end - *text < 2 || **text != '"' || (*end)[-1] != '"')
        return not_a_string;
    ++*text;
    --*end;
    return NULL;
}

/* The high bit of each of 8 bytes that is a control character, a quote or a backslash. Only the
 * lowest bit set is to be trusted: a borrow may set ones above it. */
static inline uint64_t
special_bytes(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"');
    uint64_t slash = word ^ (ONES * '\\');

    return (((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) |
            ((slash - ONES) & ~slash)) &
           HIGHS;
}

static inline uint64_t
load_word(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return le64toh(word);
}

static inline const char *
skip_plain(const char *text, const char *end)
{
    for (; end - text >= 8; text += 8) {
        uint64_t special = special_bytes(load_word(text));
        if (special)
            return text + __builtin_ctzll(special) / 8;
    }
    while (text < end && (uint8_t)*text >= 0x20 && *text != '"' && *text != '\\')
        ++text;
    return text;
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static long
read_hex4(const char *text, const char *end)
{
    long value = 0;

    if (end - text < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(text[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Read one escape, *text behind its backslash, and leave *text behind the escape. */
static const char *
read_escape(const char **text, const char *end, uint32_t *code_out)
{
    static const char value_of[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };

    if (*text >= end)
        return cut_off;
    char name = *(*text)++;
    if (value_of[(uint8_t)name]) {
        *code_out = (uint8_t)value_of[(uint8_t)name];
        return NULL;
    }
    if (name != 'u')
        return "JSON string with an unknown escape";

    long high = read_hex4(*text, end);
    if (high < 0)
        return "JSON string with a bad \\u escape";
    *text += 4;
    *code_out = (uint32_t)high;
    if (high < 0xd800 || high > 0xdbff || end - *text < 6 || (*text)[0] != '\\' ||
        (*text)[1] != 'u')
        return NULL;

    long low = read_hex4(*text + 2, end);
    if (low >= 0xdc00 && low <= 0xdfff) {
        *code_out = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
        *text += 6;
    }
    return NULL;
}

static uint8_t *
write_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (uint8_t)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (uint8_t)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *out++ = (uint8_t)(0xf0 | code >> 18);
            *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (uint8_t)(0x80 | (code & 0x3f));
    return out;
}

const char *
gh_literal_unquote(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    const char *end = text + len;
    uint8_t *cursor = out;
    const char *problem = gh_literal_open(&text, &end);

    if (problem)
        return problem;

    while (text < end) {
        const char *run = text;
        text = skip_plain(text, end);
        memcpy(cursor, run, (size_t)(text - run));
        cursor += text - run;
        if (text == end)
            break;

        if (*text == '"')
            return "text after the end of the JSON string";
        if (*text != '\\')
            return "control character in a JSON string";
        ++text;
        uint32_t code;
        problem = read_escape(&text, end, &code);
        if (problem)
            return problem;
        cursor = write_utf8(cursor, code);
    }

    *out_len = (size_t)(cursor - out);
    return NULL;
}

/* The length of the UTF-8 sequence at TEXT, whose first byte is over 0x7f; 0 when it is none. */
static size_t
utf8_sequence(const uint8_t *text, size_t left)
{
    uint8_t lead = text[0];
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

    if (lead < 0xc2 || lead > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xf0 && text[1] < 0x90) ||
        (lead == 0xf4 && text[1] > 0x8f))
        return 0;
    return len;
}

static inline int
is_surrogate(const char *text)
{
    return (uint8_t)text[0] == 0xed && (uint8_t)text[1] >= 0xa0;
}

/* What stands behind the backslash for a byte that is escaped; the rest of them is \u. */
static const char escape_of[128] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

/* Like skip_plain, and goes over whole UTF-8 sequences too. NULL when a sequence is broken. */
static const char *
skip_unescaped(const char *text, const char *end)
{
    while (text < end) {
        if (end - text >= 8) {
            uint64_t word = load_word(text);
            uint64_t stops = special_bytes(word) | (word & HIGHS);
            text += stops ? __builtin_ctzll(stops) / 8 : 8;
            if (!stops)
                continue;
        }
        uint8_t byte = (uint8_t)*text;
        if (byte < 0x20 || byte == '"' || byte == '\\')
            return text;
        if (byte < 0x80) {
            ++text;
            continue;
        }
        size_t sequence = utf8_sequence((const uint8_t *)text, (size_t)(end - text));
        if (sequence == 0)
            return NULL;
        if (is_surrogate(text))
            return text;
        text += sequence;
    }
    return text;
}

size_t
gh_literal_quoted_len(const char *text, size_t len)
{
    const char *end = text + len;
    size_t quoted = 2;

    while (text < end) {
        const char *run = text;
        text = skip_unescaped(text, end);
        if (!text)
            return SIZE_MAX;
        quoted += (size_t)(text - run);
        if (text == end)
            break;
        bool is_wide = (uint8_t)*text >= 0x80;
        quoted += is_wide || !escape_of[(uint8_t)*text] ? 6 : 2;
        text += is_wide ? 3 : 1;
    }
    return quoted;
}

static char *
write_escape(char *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = (const uint8_t *)text;
    unsigned code = bytes[0];

    *out++ = '\\';
    if (code < 0x80 && escape_of[code]) {
        *out++ = escape_of[code];
        return out;
    }
    if (code >= 0x80)
        code = (code & 0xfu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
    *out++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *out++ = digits[code >> shift & 0xf];
    return out;
}

char *
gh_literal_quote(const char *text, size_t len, char *out)
{
    const char *end = text + len;

    *out++ = '"';
    while (text < end) {
        const char *run = text;
        text = skip_unescaped(text, end);
        memcpy(out, run, (size_t)(text - run));
        out += text - run;
        if (text == end)
            break;
        out = write_escape(out, text);
        text += (uint8_t)*text >= 0x80 ? 3 : 1;
    }
    *out++ = '"';
    return out;
}
