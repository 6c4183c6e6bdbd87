/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/httpframe.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "wire/httptoken.h"
#include "wire/le.h"

static bool
is_same(const char *name, size_t len, const char *other)
{
    return strlen(other) == len && strncasecmp(name, other, len) == 0;
}

bool
gh_http_is_hop_by_hop(const char *name, size_t len)
{
    static const char *const names[] = {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding",
        "TE",         "Trailer",    "Upgrade"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_same(name, len, names[i]))
            return true;
    return false;
}

bool
gh_http_lists(const char *list, const char *token, size_t len)
{
    while (*list) {
        list += strspn(list, " \t,");
        size_t word_len = strcspn(list, " \t,");
        if (word_len == len && len > 0 && strncasecmp(list, token, len) == 0)
            return true;
        list += word_len;
    }
    return false;
}

/* ---- requests ---- */

static void
add_text(struct gh_buf *out, const char *bytes, size_t len)
{
    gh_buf_add(out, bytes, len);
    gh_buf_add_byte(out, 0);
}

static void
add_string(struct gh_buf *out, const char *text)
{
    add_text(out, text, strlen(text));
}

void
gh_http_request_encode(struct gh_buf *out, const struct gh_http_request *request)
{
    uint8_t head[GH_HTTP_REQUEST_HEAD_BYTES] = {request->has_body ? GH_HTTP_HAS_BODY : 0};

    gh_buf_add(out, head, sizeof head);
    add_text(out, request->key.bytes, request->key.len);
    add_string(out, request->id);
    add_string(out, request->scheme);
    add_string(out, request->version);
    add_string(out, request->method);
    add_text(out, request->path.bytes, request->path.len);
    add_text(out, request->query.bytes, request->query.len);
    add_string(out, request->client.host);
    add_string(out, request->client.port);
    add_string(out, request->server.host);
    add_string(out, request->server.port);
}

void
gh_http_request_add(struct gh_buf *out, const struct gh_http_request *request, struct gh_slice name,
                    struct gh_slice value)
{
    unsigned count = gh_load_u16(out->bytes + 2);

    if (gh_http_is_hop_by_hop(name.bytes, name.len) || count == GH_HTTP_HEADERS_MAX)
        return;
    if (request->connection && gh_http_lists(request->connection, name.bytes, name.len))
        return;
    for (size_t i = 0; i < name.len; i++)
        gh_buf_add_byte(out, (uint8_t)tolower((unsigned char)name.bytes[i]));
    gh_buf_add_byte(out, 0);
    add_text(out, value.bytes, value.len);
    gh_store_u16(out->bytes + 2, (uint16_t)(count + 1));
}

/* ---- answers ---- */

/* The text that ends at the next NUL; moves *REST behind it. NULL when there is none. */
static const char *
next_text(struct gh_slice *rest, size_t *len_out)
{
    const char *text = rest->bytes;
    const char *end = rest->len ? memchr(text, 0, rest->len) : NULL;

    if (!end)
        return NULL;
    *len_out = (size_t)(end - text);
    rest->bytes = end + 1;
    rest->len -= *len_out + 1;
    return text;
}

static int
take_length(struct gh_http_start *start, const char *text)
{
    uint64_t value = 0;

    if (start->has_length || !*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
            return -1;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    if (value > INT64_MAX)
        return -1;
    start->has_length = true;
    start->content_length = value;
    return 0;
}

/* What is wrong with the next header of *REST, or NULL. */
static const char *
check_header(struct gh_http_start *start, struct gh_slice *rest)
{
    size_t name_len, value_len;
    const char *name = next_text(rest, &name_len);
    const char *value = name ? next_text(rest, &value_len) : NULL;

    if (!value)
        return "there are fewer headers than were announced";
    if (!gh_http_is_token(name, name_len))
        return "the name of a header is no token";
    if (strpbrk(value, "\r\n"))
        return "the value of a header holds a line break";
    if (is_same(name, name_len, "Content-Length") && take_length(start, value) != 0)
        return "Content-Length is not one number";
    return NULL;
}

int
gh_http_start_decode(const uint8_t *body, size_t len, struct gh_http_start *start_out,
                     const char **problem_out)
{
    struct gh_http_start start = {0};
    const char *problem = NULL;

    if (len < GH_HTTP_START_HEAD_BYTES) {
        *problem_out = "the head is cut short";
        return -1;
    }
    start.status = gh_load_u16(body);
    start.header_count = gh_load_u16(body + 2);
    start.headers = (struct gh_slice){(const char *)body + GH_HTTP_START_HEAD_BYTES,
                                      len - GH_HTTP_START_HEAD_BYTES};
    if (start.status < 200 || start.status > 599)
        problem = "the status is not one of 200 to 599";

    struct gh_slice rest = start.headers;
    for (unsigned i = 0; !problem && i < start.header_count; i++)
        problem = check_header(&start, &rest);
    if (!problem && rest.len > 0)
        problem = "there are more headers than were announced";
    if (problem) {
        *problem_out = problem;
        return -1;
    }
    *start_out = start;
    return 0;
}

bool
gh_http_next_header(struct gh_slice *rest, const char **name_out, const char **value_out)
{
    size_t name_len, value_len;

    while (rest->len) {
        const char *name = next_text(rest, &name_len);
        const char *value = name ? next_text(rest, &value_len) : NULL;
        if (!value)
            return false;
        if (gh_http_is_hop_by_hop(name, name_len) || is_same(name, name_len, "Content-Length"))
            continue;
        *name_out = name;
        *value_out = value;
        return true;
    }
    return false;
}
