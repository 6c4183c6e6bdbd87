/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/url.h"

#include <string.h>
#include <strings.h>

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool
is_clean(const char *target, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)target[i];
        if (c <= 0x20 || c >= 0x7F || c == '#')
            return false;
        if (c == '%' &&
            (len - i < 3 || hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0))
            return false;
    }
    return true;
}

/* Length of "http://authority" at the start of TARGET; 0 when it does not start so. */
static size_t
absolute_prefix(const char *target, size_t len)
{
    size_t scheme = len >= 7 && strncasecmp(target, "http://", 7) == 0    ? 7
                    : len >= 8 && strncasecmp(target, "https://", 8) == 0 ? 8
                                                                          : 0;
    if (scheme == 0)
        return 0;
    size_t at = scheme;
    while (at < len && target[at] != '/' && target[at] != '?')
        at++;
    return at > scheme ? at : 0;
}

/* Of that prefix, what is behind "://". */
static struct gh_slice
authority_of(const char *target, size_t prefix)
{
    const char *slashes = prefix ? memchr(target, '/', prefix) : NULL;

    if (!slashes)
        return (struct gh_slice){"", 0};
    return (struct gh_slice){slashes + 2, prefix - (size_t)(slashes + 2 - target)};
}

static void
split_path(struct gh_url *url)
{
    const char *cursor = url->path.bytes + 1;
    const char *end = url->path.bytes + url->path.len;

    while (cursor < end) {
        const char *slash = memchr(cursor, '/', (size_t)(end - cursor));
        const char *stop = slash ? slash : end;
        if (url->segment_count == GH_URL_SEGMENTS_MAX) {
            url->segment_count++;
            return;
        }
        url->segments[url->segment_count++] = (struct gh_slice){cursor, (size_t)(stop - cursor)};
        cursor = stop + 1;
    }
}

int
gh_url_split(const char *target, size_t len, struct gh_url *url_out)
{
    if (!is_clean(target, len))
        return -1;

    size_t prefix = absolute_prefix(target, len);
    const char *path = target + prefix;
    size_t rest = len - prefix;
    const char *question = rest ? memchr(path, '?', rest) : NULL;

    memset(url_out, 0, sizeof *url_out);
    url_out->authority = authority_of(target, prefix);
    url_out->path = (struct gh_slice){path, question ? (size_t)(question - path) : rest};
    if (question)
        url_out->query = (struct gh_slice){question + 1, rest - url_out->path.len - 1};

    if (prefix && url_out->path.len == 0)
        url_out->path = (struct gh_slice){"/", 1};
    if (url_out->path.len == 0 || url_out->path.bytes[0] != '/')
        return -1;

    split_path(url_out);
    return 0;
}

int
gh_url_decode(struct gh_buf *out, struct gh_slice text, bool is_query)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '%') {
            if (text.len - i < 3 || hex_value(text.bytes[i + 1]) < 0 ||
                hex_value(text.bytes[i + 2]) < 0)
                return -1;
            c = (char)(hex_value(text.bytes[i + 1]) * 16 + hex_value(text.bytes[i + 2]));
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        gh_buf_add_byte(out, (uint8_t)c);
    }
    return 0;
}

struct gh_slice
gh_url_plain(struct gh_slice segment, struct gh_buf *scratch)
{
    if (segment.len == 0 || !memchr(segment.bytes, '%', segment.len))
        return segment;
    scratch->len = 0;
    gh_url_decode(scratch, segment, false);
    return (struct gh_slice){(char *)scratch->bytes, scratch->len};
}

bool
gh_url_next_pair(struct gh_slice *rest, struct gh_slice *name_out, struct gh_slice *value_out)
{
    while (rest->len) {
        const char *amp = memchr(rest->bytes, '&', rest->len);
        struct gh_slice pair = {rest->bytes, amp ? (size_t)(amp - rest->bytes) : rest->len};
        size_t used = pair.len + (amp ? 1 : 0);
        rest->bytes += used;
        rest->len -= used;
        if (pair.len == 0)
            continue;

        const char *equals = memchr(pair.bytes, '=', pair.len);
        size_t name_len = equals ? (size_t)(equals - pair.bytes) : pair.len;
        *name_out = (struct gh_slice){pair.bytes, name_len};
        *value_out = equals ? (struct gh_slice){equals + 1, pair.len - name_len - 1}
                            : (struct gh_slice){pair.bytes + pair.len, 0};
        return true;
    }
    return false;
}
