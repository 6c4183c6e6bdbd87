/* SPDX-License-Identifier: Apache-2.0 */
#include "front/forwarded.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "conf/networks.h"
#include "wire/httptoken.h"

#define MALFORMED "a proxy's Forwarded header is malformed"

static bool
name_is(struct gh_slice name, const char *text)
{
    return name.len == strlen(text) && strncasecmp(name.bytes, text, name.len) == 0;
}

static struct gh_slice
trim(struct gh_slice text)
{
    while (text.len && isblank((unsigned char)text.bytes[0]))
        text = (struct gh_slice){text.bytes + 1, text.len - 1};
    while (text.len && isblank((unsigned char)text.bytes[text.len - 1]))
        text.len--;
    return text;
}

void
gh_forwarded_start(struct gh_forwarding *forwarding)
{
    forwarding->problem = NULL;
    forwarding->hop_count = 0;
    forwarding->x_for.count = forwarding->x_proto.count = forwarding->x_host.count = 0;
}

/* ---- X-Forwarded-* ---- */

static void
add_value(struct gh_hop_values *values, struct gh_slice value)
{
    if (values->count == GH_HOPS_MAX) {
        memmove(values->list, values->list + 1, (GH_HOPS_MAX - 1) * sizeof values->list[0]);
        values->count--;
    }
    values->list[values->count++] = value;
}

static void
split(struct gh_hop_values *values, struct gh_slice text)
{
    while (text.len) {
        const char *comma = memchr(text.bytes, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.bytes) : text.len;
        struct gh_slice value = trim((struct gh_slice){text.bytes, len});
        size_t used = len + (comma ? 1 : 0);

        if (value.len)
            add_value(values, value);
        text = (struct gh_slice){text.bytes + used, text.len - used};
    }
}

/* ---- Forwarded ---- */

struct cursor {
    const char *at, *end;
};

static void
skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && isblank((unsigned char)*cursor->at))
        cursor->at++;
}

static bool
take_byte(struct cursor *cursor, char byte)
{
    if (cursor->at == cursor->end || *cursor->at != byte)
        return false;
    cursor->at++;
    return true;
}

/* Bytes of a token; many proxies write addresses, with ':' and brackets, without quotes. */
static struct gh_slice
take_token(struct cursor *cursor, const char *also)
{
    const char *start = cursor->at;

    while (cursor->at < cursor->end &&
           (gh_http_is_token_byte(*cursor->at) || (*cursor->at && strchr(also, *cursor->at))))
        cursor->at++;
    return (struct gh_slice){start, (size_t)(cursor->at - start)};
}

/* The content of a quoted string whose first quote was taken. Escapes are of no use in what we read, so
 * one with any is no value. */
static bool
take_quoted(struct cursor *cursor, struct gh_slice *value_out)
{
    const char *start = cursor->at;

    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\')
            return false;
        cursor->at++;
    }
    *value_out = (struct gh_slice){start, (size_t)(cursor->at - start)};
    return take_byte(cursor, '"');
}

/* One "name=value" into HOP. */
static bool
take_pair(struct cursor *cursor, struct gh_hop *hop)
{
    struct gh_slice *slot, value, name = take_token(cursor, "");

    if (name.len == 0 || !take_byte(cursor, '='))
        return false;
    if (!take_byte(cursor, '"'))
        value = take_token(cursor, ":[]");
    else if (!take_quoted(cursor, &value))
        return false;
    if (value.len == 0)
        return false;

    slot = name_is(name, "for")     ? &hop->node
           : name_is(name, "proto") ? &hop->scheme
           : name_is(name, "host")  ? &hop->host
                                    : NULL;
    if (slot && slot->len)
        return false;
    if (slot)
        *slot = value;
    return true;
}

static void
add_hop(struct gh_forwarding *forwarding, const struct gh_hop *hop)
{
    if (forwarding->hop_count == GH_HOPS_MAX) {
        memmove(forwarding->hops, forwarding->hops + 1,
                (GH_HOPS_MAX - 1) * sizeof forwarding->hops[0]);
        forwarding->hop_count--;
    }
    forwarding->hops[forwarding->hop_count++] = *hop;
}

/* forwarded-element = [ pair ] *( ";" [ pair ] ), and a comma between two. Source: RFC 7239 section 4. */
static bool
take_elements(struct gh_forwarding *forwarding, struct gh_slice value)
{
    struct cursor cursor = {value.bytes, value.bytes + value.len};
    struct gh_hop hop = {0};
    bool is_said = false, may_follow = true; /* something of this hop; a pair behind a separator */

    for (skip_blanks(&cursor); cursor.at < cursor.end; skip_blanks(&cursor)) {
        if (take_byte(&cursor, ';')) {
            may_follow = true;
        } else if (take_byte(&cursor, ',')) {
            if (is_said)
                add_hop(forwarding, &hop);
            hop = (struct gh_hop){0};
            is_said = false;
            may_follow = true;
        } else if (may_follow && take_pair(&cursor, &hop)) {
            is_said = true;
            may_follow = false;
        } else {
            return false;
        }
    }
    if (is_said)
        add_hop(forwarding, &hop);
    return true;
}

void
gh_forwarded_header(struct gh_forwarding *forwarding, struct gh_slice name, struct gh_slice value)
{
    if (name_is(name, "Forwarded")) {
        if (!take_elements(forwarding, value) && !forwarding->problem)
            forwarding->problem = MALFORMED;
    } else if (name_is(name, "X-Forwarded-For")) {
        split(&forwarding->x_for, value);
    } else if (name_is(name, "X-Forwarded-Proto")) {
        split(&forwarding->x_proto, value);
    } else if (name_is(name, "X-Forwarded-Host")) {
        split(&forwarding->x_host, value);
    }
}

/* ---- the verdict ---- */

static bool
read_port(struct gh_slice text, unsigned *port_out)
{
    unsigned port = 0;

    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.bytes[i]))
            return false;
        port = port * 10 + (unsigned)(text.bytes[i] - '0');
    }
    *port_out = port;
    return port <= 65535;
}

/* "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:80", and "::1" as X-Forwarded-For has it. Not "unknown" and not
 * "_hidden", which are no address. */
static bool
read_node(struct gh_slice node, struct gh_ip *ip_out, unsigned *port_out)
{
    *port_out = 0;
    if (node.len == 0)
        return false;

    const char *end = node.bytes + node.len;
    const char *close = node.bytes[0] == '[' ? memchr(node.bytes, ']', node.len) : NULL;
    const char *colon = memchr(node.bytes, ':', node.len);
    if (close) {
        if (close + 1 < end &&
            (close[1] != ':' ||
             !read_port((struct gh_slice){close + 2, (size_t)(end - close - 2)}, port_out)))
            return false;
        return gh_ip_read(node.bytes + 1, (size_t)(close - node.bytes - 1), ip_out);
    }
    if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
        read_port((struct gh_slice){colon + 1, (size_t)(end - colon - 1)},
                  port_out); /* or hidden */
        return gh_ip_read(node.bytes, (size_t)(colon - node.bytes), ip_out);
    }
    return gh_ip_read(node.bytes, node.len, ip_out);
}

static const char *
scheme_of(struct gh_slice text)
{
    return name_is(text, "https") ? "https" : name_is(text, "http") ? "http" : NULL;
}

/* What X-Forwarded-Proto or -Host says for value CHOSEN of X-Forwarded-For: where each proxy appended to both,
 * the one beside it; else what the nearest proxy said. */
static struct gh_slice
beside(const struct gh_hop_values *values, size_t chosen, size_t for_count)
{
    if (values->count == 0)
        return (struct gh_slice){"", 0};
    return values->list[values->count == for_count ? chosen : values->count - 1];
}

/* The hops as X-Forwarded-* have them; how many. */
static size_t
x_hops(const struct gh_forwarding *forwarding, struct gh_hop hops[GH_HOPS_MAX])
{
    size_t for_count = forwarding->x_for.count;
    size_t count = for_count                                               ? for_count
                   : forwarding->x_proto.count || forwarding->x_host.count ? 1
                                                                           : 0;

    for (size_t i = 0; i < count; i++)
        hops[i] = (struct gh_hop){for_count ? forwarding->x_for.list[i] : (struct gh_slice){"", 0},
                                  beside(&forwarding->x_proto, i, for_count),
                                  beside(&forwarding->x_host, i, for_count)};
    return count;
}

/* The first hop from the right that is not TRUSTED. */
static void
choose(const struct gh_hop *hops, size_t count, const char *trusted, struct gh_forwarded *out)
{
    *out = (struct gh_forwarded){0};
    for (size_t i = count; i-- > 0;) {
        struct gh_ip ip;
        unsigned port;

        out->scheme = scheme_of(hops[i].scheme);
        out->host = hops[i].host;
        if (!read_node(hops[i].node, &ip, &port))
            return;
        out->has_client = true;
        out->client = ip;
        out->port = port;
        if (!gh_networks_have(trusted, &ip))
            return;
    }
}

const char *
gh_forwarded_verdict(struct gh_forwarding *forwarding, const char *trusted,
                     struct gh_forwarded *out)
{
    struct gh_hop hops[GH_HOPS_MAX];
    struct gh_forwarded by_x;
    size_t count = x_hops(forwarding, hops);

    choose(forwarding->hops, forwarding->hop_count, trusted, out);
    if (forwarding->problem || count == 0)
        return forwarding->problem;
    choose(hops, count, trusted, &by_x);
    if (forwarding->hop_count > 0 && (by_x.has_client != out->has_client ||
                                      memcmp(&by_x.client, &out->client, sizeof by_x.client) != 0))
        return "Forwarded and X-Forwarded-For name different clients; the proxy must drop the one "
               "that "
               "it does not set itself";
    *out = by_x;
    return NULL;
}
