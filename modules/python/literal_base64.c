/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/literal.h"

#include <endian.h>
#include <string.h>

/* For each place in a group of four characters: the bits that a digit stands for, already where
 * they belong, and a bit over them that says it is a digit. A group is good when all four of those
 * bits are set. */
#define V(value, P) (1u << (24 + (P)) | (uint32_t)(value) << (18 - 6 * (P)))
#define ALL_DIGITS 0xfu
#define DIGITS(P)                                                                                  \
    {                                                                                              \
        ['+'] = V(62, P), ['/'] = V(63, P), ['0'] = V(52, P), ['1'] = V(53, P), ['2'] = V(54, P),  \
        ['3'] = V(55, P), ['4'] = V(56, P), ['5'] = V(57, P), ['6'] = V(58, P), ['7'] = V(59, P),  \
        ['8'] = V(60, P), ['9'] = V(61, P), ['A'] = V(0, P), ['B'] = V(1, P), ['C'] = V(2, P),     \
        ['D'] = V(3, P), ['E'] = V(4, P), ['F'] = V(5, P), ['G'] = V(6, P), ['H'] = V(7, P),       \
        ['I'] = V(8, P), ['J'] = V(9, P), ['K'] = V(10, P), ['L'] = V(11, P), ['M'] = V(12, P),    \
        ['N'] = V(13, P), ['O'] = V(14, P), ['P'] = V(15, P), ['Q'] = V(16, P), ['R'] = V(17, P),  \
        ['S'] = V(18, P), ['T'] = V(19, P), ['U'] = V(20, P), ['V'] = V(21, P), ['W'] = V(22, P),  \
        ['X'] = V(23, P), ['Y'] = V(24, P), ['Z'] = V(25, P), ['a'] = V(26, P), ['b'] = V(27, P),  \
        ['c'] = V(28, P), ['d'] = V(29, P), ['e'] = V(30, P), ['f'] = V(31, P), ['g'] = V(32, P),  \
        ['h'] = V(33, P), ['i'] = V(34, P), ['j'] = V(35, P), ['k'] = V(36, P), ['l'] = V(37, P),  \
        ['m'] = V(38, P), ['n'] = V(39, P), ['o'] = V(40, P), ['p'] = V(41, P), ['q'] = V(42, P),  \
        ['r'] = V(43, P), ['s'] = V(44, P), ['t'] = V(45, P), ['u'] = V(46, P), ['v'] = V(47, P),  \
        ['w'] = V(48, P), ['x'] = V(49, P), ['y'] = V(50, P), ['z'] = V(51, P),                    \
    }

static const uint32_t place[4][256] = {DIGITS(0), DIGITS(1), DIGITS(2), DIGITS(3)};

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decode groups of four plain digits; stop at the first group that has anything else in it. Writes
 * up to one byte more than it decodes. */
static const char *
decode_groups(const char *text, const char *end, uint8_t **out)
{
    const uint8_t *in = (const uint8_t *)text;
    const uint8_t *stop = (const uint8_t *)end - 3;
    uint8_t *cursor = *out;

    if (end - text < 4)
        return text;
    for (; in < stop; in += 4, cursor += 3) {
        uint32_t group = place[0][in[0]] | place[1][in[1]] | place[2][in[2]] | place[3][in[3]];
        if (group >> 24 != ALL_DIGITS)
            break;
        uint32_t bytes = htobe32(group << 8);
        memcpy(cursor, &bytes, sizeof bytes);
    }

    *out = cursor;
    return (const char *)in;
}

/* Some encoders write each character outside the letters and digits as \u00xx. */
static int
next_unicode_escape(const char **text, const char *end, const char **problem)
{
    char literal[8] = "\"\\u0000\"";
    uint8_t utf8[8];
    size_t utf8_len;

    if (end - *text < 4) {
        *problem = "JSON string with a bad \\u escape";
        return -1;
    }
    memcpy(literal + 3, *text, 4);
    *text += 4;
    *problem = gh_literal_unquote(literal, sizeof literal, utf8, &utf8_len);
    if (*problem)
        return -1;
    return utf8_len == 1 ? utf8[0] : 0; /* NUL is no digit either */
}

/* The next character that the literal stands for, or -1 with *problem set. */
static int
next_char(const char **text, const char *end, const char **problem)
{
    static const char escapes[] = "nrt/";
    static const char values[] = "\n\r\t/";

    char c = *(*text)++;
    if (c == '"')
        *problem = "text after the end of the JSON string";
    else if ((uint8_t)c < 0x20)
        *problem = "control character in a JSON string";
    if (*problem)
        return -1;
    if (c != '\\')
        return (uint8_t)c;

    if (*text == end) {
        *problem = "JSON string ends inside an escape";
        return -1;
    }
    char name = *(*text)++;
    const char *found = name ? strchr(escapes, name) : NULL;
    if (found)
        return values[found - escapes];

    if (name == 'u')
        return next_unicode_escape(text, end, problem);
    *problem = "JSON string with an escape that is not base64";
    return -1;
}

/* A group that is not four plain digits: line ends, escapes, padding, or a mistake. */
struct group {
    uint32_t bits;
    unsigned digits;
    unsigned pads;
};

static const char *
add_char(struct group *group, int c)
{
    uint32_t digit = place[3][(uint8_t)c];

    if (c && strchr(" \t\r\n", c))
        return NULL;
    if (c == '=') {
        if (group->digits < 2 || group->digits + group->pads >= 4)
            return "Excess padding in base64";
        group->pads++;
        return NULL;
    }
    if (!digit)
        return "character that is not base64";
    if (group->pads)
        return "Excess data after padding in base64";
    group->bits = group->bits << 6 | (digit & 63);
    group->digits++;
    return NULL;
}

static uint8_t *
write_group(const struct group *group, uint8_t *out)
{
    uint32_t bits = group->bits << 6 * (4 - group->digits);

    if (group->digits > 1)
        *out++ = (uint8_t)(bits >> 16);
    if (group->digits > 2)
        *out++ = (uint8_t)(bits >> 8);
    if (group->digits > 3)
        *out++ = (uint8_t)bits;
    return out;
}

static const char *
decode_lines(const char *text, const char *end, uint8_t **out)
{
    struct group group = {0};
    const char *problem = NULL;

    while (text < end) {
        if (group.digits == 0) {
            text = decode_groups(text, end, out);
            /* The usual end of a line, worth knowing: everything else may be slow. */
            if (end - text >= 2 && text[0] == '\\' && text[1] == 'n') {
                text += 2;
                continue;
            }
            if (text == end)
                break;
        }
        int c = next_char(&text, end, &problem);
        if (!problem)
            problem = add_char(&group, c);
        if (problem)
            return problem;
        if (group.digits == 4) {
            *out = write_group(&group, *out);
            group = (struct group){0};
        }
    }

    if (group.digits == 1)
        return "Invalid base64: one character more than a multiple of 4";
    if (group.digits && group.digits + group.pads != 4)
        return "Incorrect padding";
    *out = write_group(&group, *out);
    return NULL;
}

const char *
gh_literal_unbase64(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    const char *end = text + len;
    uint8_t *cursor = out;
    const char *problem = gh_literal_open(&text, &end);

    if (!problem)
        problem = decode_lines(text, end, &cursor);
    if (!problem)
        *out_len = (size_t)(cursor - out);
    return problem;
}

size_t
gh_literal_base64_len(size_t len)
{
    size_t lines = (len + GH_BASE64_LINE_BYTES - 1) / GH_BASE64_LINE_BYTES;

    return 2 + (len + 2) / 3 * 4 + 2 * lines;
}

/* The two characters of each 12 bits, filled in when this library is loaded. */
static char pairs[4096][2];

__attribute__((constructor)) static void
fill_pairs(void)
{
    for (unsigned bits = 0; bits < 4096; bits++) {
        pairs[bits][0] = digits[bits >> 6];
        pairs[bits][1] = digits[bits & 63];
    }
}

static inline char *
encode_group(const uint8_t *bytes, char *out)
{
    uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

    memcpy(out, pairs[group >> 12], 2);
    memcpy(out + 2, pairs[group & 0xfff], 2);
    return out + 4;
}

static char *
encode_line(const uint8_t *bytes, size_t len, char *out)
{
    for (; len >= 3; len -= 3, bytes += 3)
        out = encode_group(bytes, out);
    if (len) {
        uint8_t last[3] = {bytes[0], len > 1 ? bytes[1] : 0, 0};
        out = encode_group(last, out);
        out[-1] = '=';
        if (len == 1)
            out[-2] = '=';
    }
    *out++ = '\\';
    *out++ = 'n';
    return out;
}

char *
gh_literal_base64_lines(const uint8_t *bytes, size_t len, char *out)
{
    for (; len > GH_BASE64_LINE_BYTES; len -= GH_BASE64_LINE_BYTES) {
        out = encode_line(bytes, GH_BASE64_LINE_BYTES, out);
        bytes += GH_BASE64_LINE_BYTES;
    }
    return len ? encode_line(bytes, len, out) : out;
}

char *
gh_literal_base64(const uint8_t *bytes, size_t len, char *out)
{
    *out++ = '"';
    out = gh_literal_base64_lines(bytes, len, out);
    *out++ = '"';
    return out;
}
