/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/jsonscan.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 512

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum gh_jsonscan_result
broken(struct gh_jsonscan *scan, size_t offset, const char *problem)
{
    scan->offset = offset;
    scan->problem = problem;
    return GH_JSONSCAN_BROKEN;
}

static void
skip_blanks(struct gh_jsonscan *scan)
{
    while (scan->offset < scan->len && is_blank(scan->bytes[scan->offset]))
        scan->offset++;
}

/* The offset behind the string that opens at OFFSET; 0 when it never closes. */
static size_t
string_end(const struct gh_jsonscan *scan, size_t offset)
{
    size_t from = offset + 1;

    while (from < scan->len) {
        const char *quote = memchr(scan->bytes + from, '"', scan->len - from);
        if (!quote)
            return 0;
        size_t at = (size_t)(quote - scan->bytes);
        size_t backslashes = 0;
        while (at - backslashes > offset + 1 && scan->bytes[at - backslashes - 1] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            return at + 1;
        from = at + 1;
    }
    return 0;
}

/* The offset behind the array or object that opens at OFFSET; 0 when it is not closed or too deep.
 * Brackets must pair up in kind; commas and the like are left to the decoder. */
static size_t
container_end(const struct gh_jsonscan *scan, size_t offset)
{
    char closers[DEPTH_MAX];
    size_t depth = 0;

    for (size_t at = offset; at < scan->len; at++) {
        char c = scan->bytes[at];
        if (c == '"') {
            size_t end = string_end(scan, at);
            if (end == 0)
                return 0;
            at = end - 1;
        } else if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return 0;
            closers[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (closers[--depth] != c)
                return 0;
            if (depth == 0)
                return at + 1;
        }
    }
    return 0;
}

static bool
is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.';
}

/* Numbers, true, false, null, and NaN and Infinity as Python writes them. */
static size_t
word_end(const struct gh_jsonscan *scan, size_t offset)
{
    while (offset < scan->len && is_word_byte(scan->bytes[offset]))
        offset++;
    return offset;
}

static enum gh_jsonscan_result
scan_value(struct gh_jsonscan *scan, struct gh_slice *value_out)
{
    size_t start = scan->offset;

    if (start == scan->len)
        return broken(scan, start, "Expecting value");

    char c = scan->bytes[start];
    bool is_string = c == '"', is_container = c == '{' || c == '[';
    size_t end = is_string      ? string_end(scan, start)
                 : is_container ? container_end(scan, start)
                                : word_end(scan, start);
    if (is_string && end == 0)
        return broken(scan, start, "Unterminated string starting at");
    if (is_container && end == 0)
        return broken(scan, start, "Unbalanced or too deeply nested value starting at");
    if (end == start)
        return broken(scan, start, "Expecting value");

    *value_out = (struct gh_slice){scan->bytes + start, end - start};
    scan->offset = end;
    return GH_JSONSCAN_MEMBER;
}

static enum gh_jsonscan_result
expect_end(struct gh_jsonscan *scan, enum gh_jsonscan_result result)
{
    skip_blanks(scan);
    if (scan->offset < scan->len)
        return broken(scan, scan->offset, "Extra data");
    return result;
}

void
gh_jsonscan_start(struct gh_jsonscan *scan, const char *bytes, size_t len)
{
    *scan = (struct gh_jsonscan){.bytes = bytes, .len = len};
}

/* The opening of the document: 1 when a member may follow, else the final result in *result_out. */
static bool
open_object(struct gh_jsonscan *scan, enum gh_jsonscan_result *result_out)
{
    struct gh_slice whole;

    scan->is_started = 1;
    skip_blanks(scan);
    if (scan->offset < scan->len && scan->bytes[scan->offset] == '{') {
        scan->offset++;
        skip_blanks(scan);
        if (scan->offset == scan->len || scan->bytes[scan->offset] != '}')
            return true;
        scan->offset++;
        *result_out = expect_end(scan, GH_JSONSCAN_END);
        return false;
    }

    *result_out = scan_value(scan, &whole);
    if (*result_out == GH_JSONSCAN_MEMBER)
        *result_out = expect_end(scan, GH_JSONSCAN_NOT_OBJECT);
    return false;
}

enum gh_jsonscan_result
gh_jsonscan_next(struct gh_jsonscan *scan, struct gh_slice *name_out, struct gh_slice *value_out)
{
    enum gh_jsonscan_result result = GH_JSONSCAN_BROKEN;

    if (!scan->is_started) {
        if (!open_object(scan, &result))
            return result;
    } else {
        skip_blanks(scan);
        char c = scan->offset < scan->len ? scan->bytes[scan->offset] : '\0';
        if (c == '}') {
            scan->offset++;
            return expect_end(scan, GH_JSONSCAN_END);
        }
        if (c != ',')
            return broken(scan, scan->offset, "Expecting ',' delimiter");
        scan->offset++;
        skip_blanks(scan);
    }

    if (scan->offset == scan->len || scan->bytes[scan->offset] != '"')
        return broken(scan, scan->offset, "Expecting property name enclosed in double quotes");
    result = scan_value(scan, name_out);
    if (result != GH_JSONSCAN_MEMBER)
        return result;

    skip_blanks(scan);
    if (scan->offset == scan->len || scan->bytes[scan->offset] != ':')
        return broken(scan, scan->offset, "Expecting ':' delimiter");
    scan->offset++;
    skip_blanks(scan);
    return scan_value(scan, value_out);
}
