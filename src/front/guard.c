/* SPDX-License-Identifier: Apache-2.0 */
#include "front/guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "wire/httptoken.h"

static void
found(struct gh_guard *guard, const char *problem)
{
    if (!guard->problem)
        guard->problem = problem;
}

static bool
name_is(struct gh_slice name, const char *text)
{
    return name.len == strlen(text) && strncasecmp(name.bytes, text, name.len) == 0;
}

static bool
has_control(struct gh_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.bytes[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return true;
    }
    return false;
}

/* host [":" port] of RFC 3986 section 3.2, without userinfo; may be empty (RFC 9112 section 3.2). */
bool
gh_guard_is_authority(struct gh_slice value)
{
    size_t at = 0;

    if (value.len && value.bytes[0] == '[') {
        for (at = 1; at < value.len && value.bytes[at] != ']'; at++)
            if (!isxdigit((unsigned char)value.bytes[at]) && !strchr(":.", value.bytes[at]))
                return false;
        if (at == value.len || at == 1)
            return false;
        at++;
    } else {
        for (; at < value.len && value.bytes[at] != ':'; at++) {
            unsigned char c = (unsigned char)value.bytes[at];
            if (!isalnum(c) && (c == 0 || !strchr("-._~%!$&'()*+,;=", c)))
                return false;
        }
    }
    if (at == value.len)
        return true;
    if (value.bytes[at] != ':')
        return false;
    for (at++; at < value.len; at++)
        if (!isdigit((unsigned char)value.bytes[at]))
            return false;
    return true;
}

static void
take_content_length(struct gh_guard *guard, struct gh_slice value)
{
    unsigned long long length = 0;

    guard->content_lengths++;
    if (value.len == 0 || value.len > 18)
        found(guard, "Content-Length is not a number of bytes");
    for (size_t i = 0; i < value.len; i++) {
        if (!isdigit((unsigned char)value.bytes[i])) {
            found(guard, "Content-Length is not a number of bytes");
            return;
        }
        length = length * 10 + (unsigned)(value.bytes[i] - '0');
    }
    guard->content_length = length;
}

void
gh_guard_start(struct gh_guard *guard, const char *method, const char *version)
{
    memset(guard, 0, sizeof *guard);
    if (!gh_http_is_token(method, strlen(method)))
        found(guard, "the method is not a token");
    bool is_http1 = strlen(version) == 8 && strncmp(version, "HTTP/1.", 7) == 0 &&
                    isdigit((unsigned char)version[7]);
    if (!is_http1)
        found(guard, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    guard->is_http11 =
        is_http1 && version[7] != '0'; /* later ones are read so: RFC 9110 section 2.5 */
}

void
gh_guard_header(struct gh_guard *guard, struct gh_slice name, struct gh_slice value)
{
    if (!gh_http_is_token(name.bytes, name.len))
        found(guard, "a header name is not a token");
    if (has_control(value))
        found(guard, "a header value holds a control byte");
    guard->header_count++;
    guard->header_bytes += name.len + value.len;

    if (name_is(name, "Host")) {
        guard->hosts++;
        guard->host = value;
        if (!gh_guard_is_authority(value))
            found(guard, "Host is not a host name or address with an optional port");
    } else if (name_is(name, "Content-Length")) {
        take_content_length(guard, value);
    } else if (name_is(name, "Transfer-Encoding")) {
        guard->transfer_encodings++;
        guard->is_chunked = name_is(value, "chunked");
        if (!guard->is_chunked)
            found(guard, "the only transfer coding understood is chunked");
    } else if (name_is(name, "Expect")) {
        guard->expects_more |= guard->is_http11 && value.len > 0 && !name_is(value, "100-continue");
    }
}

const char *
gh_guard_verdict(struct gh_guard *guard)
{
    if (guard->is_http11 && guard->hosts == 0)
        found(guard, "HTTP/1.1 needs a Host header");
    if (guard->is_http11 && guard->hosts > 0 && guard->host.len == 0)
        found(guard,
              "Host is empty"); /* http names no node without a host: RFC 9110 section 4.2.1 */
    if (guard->hosts > 1)
        found(guard, "more than one Host header");
    if (guard->content_lengths > 1)
        found(guard, "more than one Content-Length header");
    if (guard->transfer_encodings > 1)
        found(guard, "more than one Transfer-Encoding header");
    if (guard->transfer_encodings && guard->content_lengths)
        found(guard, "both Transfer-Encoding and Content-Length");
    if (guard->transfer_encodings && !guard->is_http11)
        found(guard, "Transfer-Encoding in a request that is not HTTP/1.1");
    return guard->problem;
}

/* ---- browsers ---- */

/* HOST without its port. */
static struct gh_slice
host_name(struct gh_slice host)
{
    if (host.len && host.bytes[0] == '[')
        return host;
    const char *colon = host.len ? memchr(host.bytes, ':', host.len) : NULL;
    return (struct gh_slice){host.bytes, colon ? (size_t)(colon - host.bytes) : host.len};
}

static bool
is_address(struct gh_slice name)
{
    if (name.len && name.bytes[0] == '[')
        return true;
    for (size_t i = 0; i < name.len; i++)
        if (!isdigit((unsigned char)name.bytes[i]) && name.bytes[i] != '.')
            return false;
    return name.len > 0;
}

static bool
is_listed(struct gh_slice name, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ", ");
        if (len > 0 && len == name.len && strncasecmp(list, name.bytes, len) == 0)
            return true;
        list += len + (list[len] != '\0');
    }
    return false;
}

static bool
is_in_one(struct gh_slice name, const char *const *lists)
{
    while (*lists)
        if (is_listed(name, *lists++))
            return true;
    return false;
}

static bool
is_json_type(const char *content_type)
{
    static const char json[] = "application/json";

    if (!content_type || strncasecmp(content_type, json, sizeof json - 1) != 0)
        return false;
    char after = content_type[sizeof json - 1];
    return after == '\0' || after == ';' || after == ' ' || after == '\t';
}

unsigned
gh_guard_browser(struct gh_slice host, const char *fetch_site, const char *content_type,
                 bool has_body, const char *const *names, const char **problem_out)
{
    struct gh_slice name = host_name(host);

    if (!is_address(name) && !name_is(name, "localhost") && !is_in_one(name, names)) {
        *problem_out = "a browser asked for this node by a name it is not known by; if the name is "
                       "right, start gatehoused with --allowed-hosts NAME";
        return 403;
    }
    if (fetch_site && strcasecmp(fetch_site, "cross-site") == 0) {
        *problem_out = "a page of another site may not call this node";
        return 403;
    }
    if (has_body && !is_json_type(content_type)) {
        *problem_out = "a browser must send Content-Type: application/json";
        return 415;
    }
    return 0;
}
