/* SPDX-License-Identifier: Apache-2.0
 *
 * front/head.c - may the head of a request be served? What is looked at before any route is: framing, limits,
 * whom a proxy speaks for, browsers, CORS. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "conf/networks.h"
#include "conf/origins.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "wire/reply.h"

#define CROWD_RETRY_S 1
#define STAR_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" /* apps have all of them */

void
gh_head_refuse(struct gh_exchange *exchange, unsigned status, const char *problem)
{
    exchange->wants_close = true;
    gh_reply_detail(&exchange->request, status, "%s", problem);
}

static const struct gh_settings *
settings_of(const struct gh_exchange *exchange)
{
    return exchange->conn->server->settings;
}

/* ---- the headers ---- */

struct feed {
    struct gh_guard *guard;
    struct gh_forwarding *forwarding; /* NULL: nobody is believed */
};

static enum MHD_Result
take_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
            const char *value, size_t value_len)
{
    const struct feed *feed = context;
    struct gh_slice name_slice = {name, name_len};
    struct gh_slice value_slice = {value ? value : "", value ? value_len : 0};

    (void)kind;
    gh_guard_header(feed->guard, name_slice, value_slice);
    if (feed->forwarding)
        gh_forwarded_header(feed->forwarding, name_slice, value_slice);
    return MHD_YES;
}

static bool
is_from_proxy(const struct gh_exchange *exchange)
{
    const struct gh_conn *conn = exchange->conn;
    const char *trusted = settings_of(exchange)->trusted_proxies;

    return *trusted && !exchange->request.is_local &&
           gh_networks_have(trusted, conn->has_ip ? &conn->ip : NULL);
}

/* The client is whom the proxy names, as far as it does. */
static const char *
take_forwarded(struct gh_exchange *exchange, struct gh_forwarding *forwarding)
{
    struct gh_forwarded *from = &exchange->forwarded;
    const char *problem =
        gh_forwarded_verdict(forwarding, settings_of(exchange)->trusted_proxies, from);

    if (problem)
        return problem;
    if (from->scheme)
        exchange->request.scheme = from->scheme;
    if (from->host.len && !gh_guard_is_authority(from->host))
        return "the host that the proxy names is not a host name or address with an optional port";
    return NULL;
}

static bool
headers_pass(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    struct gh_forwarding forwarding;
    struct feed feed = {&exchange->guard, is_from_proxy(exchange) ? &forwarding : NULL};

    gh_guard_start(&exchange->guard, request->method_text, request->version_text);
    gh_forwarded_start(&forwarding);
    MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, take_header, &feed);
    const char *problem = gh_guard_verdict(&exchange->guard);
    if (!problem && feed.forwarding)
        problem = take_forwarded(exchange, &forwarding);

    request->has_body = exchange->guard.is_chunked || exchange->guard.content_length > 0;
    if (problem)
        gh_head_refuse(exchange, 400, problem);
    return !problem;
}

/* ---- limits ---- */

static bool
crowd_passes(struct gh_exchange *exchange)
{
    enum gh_welcome welcome = exchange->conn->welcome;

    if (welcome == GH_WELCOME)
        return true;
    exchange->request.retry_after_s = CROWD_RETRY_S;
    if (welcome == GH_TOO_MANY_OF_ADDRESS)
        gh_head_refuse(exchange, 429,
                       "Too many connections are open from this address "
                       "(connections_per_address_max).");
    else
        gh_head_refuse(exchange, 503, "Too many connections are open (connections_max).");
    return false;
}

static bool
size_passes(struct gh_exchange *exchange)
{
    const struct gh_settings *settings = settings_of(exchange);
    const struct gh_guard *guard = &exchange->guard;

    if (strlen(exchange->target) > settings->target_max_bytes)
        gh_head_refuse(exchange, 414,
                       "The request target is longer than the limit (target_max_bytes).");
    else if (guard->header_count > settings->header_count_max)
        gh_head_refuse(exchange, 431,
                       "The request has more headers than the limit (header_count_max).");
    else if (guard->header_bytes > settings->header_max_bytes)
        gh_head_refuse(exchange, 431, "The headers are larger than the limit (header_max_bytes).");
    else
        return true;
    return false;
}

static bool
body_passes(struct gh_exchange *exchange)
{
    unsigned long long len = exchange->guard.content_length;
    unsigned long long limit = settings_of(exchange)->body_max_bytes;

    if (len <= limit)
        return true;
    exchange->wants_close = true;
    gh_reply_detail(&exchange->request, 413,
                    "The body has %llu bytes, the limit is %llu (body_max_bytes).", len, limit);
    return false;
}

/* Source: RFC 9110 section 10.1.1. */
static bool
expectation_passes(struct gh_exchange *exchange)
{
    if (!exchange->guard.expects_more)
        return true;
    gh_head_refuse(exchange, 417, "The only expectation understood is 100-continue.");
    return false;
}

/* ---- the target ---- */

/* "*" asks about the node as a whole. Source: RFC 9110 section 9.3.7, RFC 9112 section 3.2.4. */
static bool
star_passes(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;

    if (request->method != GH_OPTIONS || strcmp(exchange->target, "*") != 0)
        return true;
    request->allow = STAR_METHODS;
    request->sink->reply(request, 204, NULL, NULL, 0);
    return false;
}

static bool
target_passes(struct gh_exchange *exchange)
{
    struct gh_url *url = &exchange->request.url;
    const char *problem = NULL;

    if (gh_url_split(exchange->target, strlen(exchange->target), url) != 0)
        problem = "the request target is not a valid path";
    else if (url->authority.len && !gh_guard_is_authority(url->authority))
        problem = "the request target's host is not a host name or address with an optional port";
    if (problem)
        gh_head_refuse(exchange, 400, problem);
    return !problem;
}

/* Who speaks HTTPS to a proxy need not be sent there. */
static bool
redirect_passes(struct gh_exchange *exchange)
{
    return strcmp(exchange->request.scheme, "https") == 0 || !gh_redirect(exchange);
}

/* ---- browsers ---- */

/* The name by which the client asked for this node: a proxy's word over that in the target, over Host. Source:
 * RFC 9112 section 3.2.2. */
static struct gh_slice
host_of(const struct gh_exchange *exchange)
{
    if (exchange->forwarded.host.len)
        return exchange->forwarded.host;
    return exchange->request.url.authority.len ? exchange->request.url.authority
                                               : exchange->guard.host;
}

/* Browsers tell whether a page of another site asks, but only addresses that they trust (https, localhost). To
 * others they send the page's origin alone. */
static const char *
site_of(struct gh_exchange *exchange, const char *origin)
{
    const char *site = gh_front_sink.header(&exchange->request, "Sec-Fetch-Site");
    struct gh_slice host = host_of(exchange);

    if (gh_cors_allows(settings_of(exchange), origin))
        return NULL;
    if (!site && origin && !gh_origin_is(origin, host.bytes, host.len))
        return "cross-site";
    return site;
}

static bool
browser_passes(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    const char *origin = gh_front_sink.header(request, "Origin");
    const char *agent = gh_front_sink.header(request, "User-Agent");
    bool is_browser = origin || gh_front_sink.header(request, "Sec-Fetch-Site") ||
                      (agent && strncmp(agent, "Mozilla/", 8) == 0);
    const char *const names[] = {settings_of(exchange)->allowed_hosts,
                                 settings_of(exchange)->domain, NULL};
    const char *problem;

    if (!is_browser && !settings_of(exchange)->cors_origins[0])
        return true;
    /* Forms, and pages of other sites, are a web app's own business; the name it is asked by is not. */
    bool is_for_app = gh_api_is_for_app(exchange->conn->server->api, request);
    gh_cors_take_head(exchange, is_for_app);
    if (!is_browser)
        return true;
    unsigned status =
        gh_guard_browser(host_of(exchange), is_for_app ? NULL : site_of(exchange, origin),
                         gh_front_sink.header(request, "Content-Type"),
                         request->has_body && !is_for_app, names, &problem);
    if (status != 0)
        gh_head_refuse(exchange, status, problem);
    return status == 0;
}

static bool
preflight_passes(struct gh_exchange *exchange)
{
    return !gh_cors_answers(exchange);
}

/* ---- all of it ---- */

bool
gh_head_passes(struct gh_exchange *exchange)
{
    static bool (*const steps[])(struct gh_exchange *) = {
        headers_pass,  crowd_passes,    size_passes,    expectation_passes, star_passes,
        target_passes, redirect_passes, browser_passes, preflight_passes,   body_passes};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (!steps[i](exchange))
            return false;
    return true;
}
