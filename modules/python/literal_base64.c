/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/literal.h"

#include <string.h>

#define DIGIT 0x40u /* set for each of the 64 digits, whose value is in the bits below */
#define SPACE 0x80u

#define D(value) (DIGIT | (value))

static const uint8_t class_of[256] = {
    [' '] = SPACE,   ['\t'] = SPACE,  ['\r'] = SPACE,  ['\n'] = SPACE,  ['+'] = D(62),
    ['/'] = D(63),   ['0'] = D(52),   ['1'] = D(53),   ['2'] = D(54),   ['3'] = D(55),
    ['4'] = D(56),   ['5'] = D(57),   ['6'] = D(58),   ['7'] = D(59),   ['8'] = D(60),
    ['9'] = D(61),   ['A'] = D(0),    ['B'] = D(1),    ['C'] = D(2),    ['D'] = D(3),
    ['E'] = D(4),    ['F'] = D(5),    ['G'] = D(6),    ['H'] = D(7),    ['I'] = D(8),
    ['J'] = D(9),    ['K'] = D(10),   ['L'] = D(11),   ['M'] = D(12),   ['N'] = D(13),
    ['O'] = D(14),   ['P'] = D(15),   ['Q'] = D(16),   ['R'] = D(17),   ['S'] = D(18),
    ['T'] = D(19),   ['U'] = D(20),   ['V'] = D(21),   ['W'] = D(22),   ['X'] = D(23),
    ['Y'] = D(24),   ['Z'] = D(25),   ['a'] = D(26),   ['b'] = D(27),   ['c'] = D(28),
    ['d'] = D(29),   ['e'] = D(30),   ['f'] = D(31),   ['g'] = D(32),   ['h'] = D(33),
    ['i'] = D(34),   ['j'] = D(35),   ['k'] = D(36),   ['l'] = D(37),   ['m'] = D(38),
    ['n'] = D(39),   ['o'] = D(40),   ['p'] = D(41),   ['q'] = D(42),   ['r'] = D(43),
    ['s'] = D(44),   ['t'] = D(45),   ['u'] = D(46),   ['v'] = D(47),   ['w'] = D(48),
    ['x'] = D(49),   ['y'] = D(50),   ['z'] = D(51),
};

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decode groups of four plain digits; stop at the first group that has anything else in it. */
static const char *
decode_groups(const char *text, const char *end, uint8_t **out)
{
    const uint8_t *in = (const uint8_t *)text;
    uint8_t *cursor = *out;

    while ((const uint8_t *)end - in >= 4) {
        uint32_t a = class_of[in[0]], b = class_of[in[1]], c = class_of[in[2]], d = class_of[in[3]];
        if (!(a & b & c & d & DIGIT))
            break;
        uint32_t group = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
        cursor[0] = (uint8_t)(group >> 16);
        cursor[1] = (uint8_t)(group >> 8);
        cursor[2] = (uint8_t)group;
        cursor += 3;
        in += 4;
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
    uint8_t class = class_of[(uint8_t)c];

    if (class == SPACE)
        return NULL;
    if (c == '=') {
        if (group->digits < 2 || group->digits + group->pads >= 4)
            return "Excess padding in base64";
        group->pads++;
        return NULL;
    }
    if (!(class & DIGIT))
        return "character that is not base64";
    if (group->pads)
        return "Excess data after padding in base64";
    group->bits = group->bits << 6 | (class & 63);
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

static char *
encode_group(const uint8_t *bytes, char *out)
{
    uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

    out[0] = digits[group >> 18];
    out[1] = digits[group >> 12 & 63];
    out[2] = digits[group >> 6 & 63];
    out[3] = digits[group & 63];
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
