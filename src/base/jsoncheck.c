/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsoncheck.h"

#include <string.h>

#include "base/jsontext.h"

#define DEPTH_MAX 512

struct cursor {
    const char *at, *end;
};

static void
skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static bool
take(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool
take_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return false;
    c->at += len;
    return true;
}

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
take_escape(struct cursor *c)
{
    if (c->at == c->end)
        return false;
    char name = *c->at++;
    if (name != 'u')
        return name != '\0' && strchr("\"\\/bfnrt", name);
    for (int i = 0; i < 4; i++, c->at++)
        if (c->at == c->end || !is_hex(*c->at))
            return false;
    return true;
}

static bool
take_string(struct cursor *c)
{
    if (!take(c, '"'))
        return false;
    while (c->at < c->end && *c->at != '"') {
        unsigned char byte = (unsigned char)*c->at;
        if (byte == '\\') {
            c->at++;
            if (!take_escape(c))
                return false;
        } else if (byte < 0x20) {
            return false;
        } else if (byte < 0x80) {
            c->at++;
        } else {
            size_t used = gh_jsontext_utf8_len(c->at, (size_t)(c->end - c->at));
            if (used == 0)
                return false;
            c->at += used;
        }
    }
    return take(c, '"');
}

static bool
take_digits(struct cursor *c)
{
    const char *start = c->at;

    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > start;
}

static bool
take_number(struct cursor *c)
{
    take(c, '-');
    if (take_word(c, "Infinity"))
        return true;
    if (!take(c, '0') && !take_digits(c))
        return false;
    if (take(c, '.') && !take_digits(c))
        return false;
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+'))
            take(c, '-');
        return take_digits(c);
    }
    return true;
}

static bool
take_scalar(struct cursor *c)
{
    if (c->at < c->end && *c->at == '"')
        return take_string(c);
    return take_word(c, "true") || take_word(c, "false") || take_word(c, "null") ||
           take_word(c, "NaN") || take_number(c);
}

/* "name": in an object; nothing in an array. */
static bool
take_name(struct cursor *c, char closer)
{
    if (closer == ']')
        return true;
    if (!take_string(c))
        return false;
    skip_blanks(c);
    if (!take(c, ':'))
        return false;
    skip_blanks(c);
    return true;
}

bool
gh_jsoncheck(const char *text, size_t len)
{
    struct cursor c = {text, text + len};
    char closers[DEPTH_MAX];
    size_t depth = 0;

    skip_blanks(&c);
    for (;;) {
        /* A value starts here: one that opens goes a level down, unless it is empty. */
        char opener = c.at < c.end ? *c.at : '\0';
        if (opener == '{' || opener == '[') {
            if (depth == DEPTH_MAX)
                return false;
            closers[depth++] = opener == '{' ? '}' : ']';
            c.at++;
            skip_blanks(&c);
            if (!take(&c, closers[depth - 1])) {
                if (!take_name(&c, closers[depth - 1]))
                    return false;
                continue;
            }
            depth--;
        } else if (!take_scalar(&c)) {
            return false;
        }

        /* A value ended: close what ends with it, or go on to the next one. */
        skip_blanks(&c);
        while (depth > 0 && take(&c, closers[depth - 1])) {
            depth--;
            skip_blanks(&c);
        }
        if (depth == 0)
            return c.at == c.end;
        if (!take(&c, ','))
            return false;
        skip_blanks(&c);
        if (!take_name(&c, closers[depth - 1]))
            return false;
    }
}
