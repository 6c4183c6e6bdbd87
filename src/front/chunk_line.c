/* SPDX-License-Identifier: Apache-2.0 */
#include "front/chunk_line.h"

#include <ctype.h>
#include <string.h>

#include "wire/httptoken.h"

struct line {
    const char *at, *end;
};

static bool
take(struct line *line, char c)
{
    if (line->at == line->end || *line->at != c)
        return false;
    line->at++;
    return true;
}

static void
skip_blanks(struct line *line)
{
    while (take(line, ' ') || take(line, '\t'))
        continue;
}

/* Of one byte at least. */
static bool
take_token(struct line *line)
{
    const char *start = line->at;

    while (line->at < line->end && gh_http_is_token_byte(*line->at))
        line->at++;
    return line->at > start;
}

static bool
take_digits(struct line *line)
{
    const char *start = line->at;

    while (line->at < line->end && isxdigit((unsigned char)*line->at))
        line->at++;
    return line->at > start;
}

static bool
is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* Source: RFC 9110 section 5.6.4. */
static bool
take_quoted(struct line *line)
{
    if (!take(line, '"'))
        return false;
    while (line->at < line->end && is_text((unsigned char)*line->at)) {
        if (take(line, '"'))
            return true;
        if (*line->at++ == '\\' && (line->at == line->end || !is_text((unsigned char)*line->at++)))
            return false;
    }
    return false;
}

/* Blanks, ";", a name, and a value if there is "=". */
static bool
take_extension(struct line *line)
{
    skip_blanks(line);
    if (!take(line, ';'))
        return false;
    skip_blanks(line);
    if (!take_token(line))
        return false;
    struct line behind = *line;
    skip_blanks(&behind);
    if (!take(&behind, '='))
        return true;
    skip_blanks(&behind);
    *line = behind;
    return take_quoted(line) || take_token(line);
}

bool
gh_chunk_line_is_sound(const char *bytes, size_t len)
{
    size_t seen = len < GH_CHUNK_LINE_MAX_BYTES ? len : GH_CHUNK_LINE_MAX_BYTES;
    const char *feed = memchr(bytes, '\n', seen);
    struct line line = {bytes, feed};

    if (!feed)
        return len < GH_CHUNK_LINE_MAX_BYTES;
    if (feed == bytes || feed[-1] != '\r')
        return false;
    line.end--;
    bool is_sound = take_digits(&line);
    while (is_sound && line.at < line.end)
        is_sound = take_extension(&line);
    return is_sound;
}
