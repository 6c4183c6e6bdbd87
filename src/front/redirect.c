/* SPDX-License-Identifier: Apache-2.0
 *
 * front/redirect.c - how browsers get from HTTP to HTTPS and stay there: a port that speaks HTTP to send clients on,
 * and Strict-Transport-Security (RFC 6797). What must be asked on that port is answered: challenges of
 * certificate authorities (RFC 8555 section 8.3), and /livez for those who watch the port. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "wire/reply.h"

#define HTTPS_PORT 443u

static bool
is_answered_here(const struct gh_url *url)
{
    static const char challenges[] = "/.well-known/acme-challenge/";

    return gh_slice_is(url->path, "/livez") ||
           (url->path.len > strlen(challenges) &&
            memcmp(url->path.bytes, challenges, strlen(challenges)) == 0);
}

/* HOST without its port: "[::1]:80", "example.org:80". */
static struct gh_slice
without_port(struct gh_slice host)
{
    if (host.len == 0)
        return host;
    const char *colon = memrchr(host.bytes, ':', host.len);
    const char *close = memrchr(host.bytes, ']', host.len);
    if (colon && (!close || colon > close))
        host.len = (size_t)(colon - host.bytes);
    return host;
}

/* "https://HOST[:PORT]/target"; by the address that was connected to where there is no Host. The caller
 * frees it. */
static char *
location_of(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    struct gh_http_address client, server;
    struct gh_slice host = without_port(exchange->guard.host);
    const char *path = request->url.path.bytes; /* in the target, which ends behind the query */
    char port[8] = "", address[sizeof server.host + 2] = "";

    if (exchange->conn->server->https_port != HTTPS_PORT)
        snprintf(port, sizeof port, ":%u", exchange->conn->server->https_port);
    if (host.len == 0) {
        request->sink->addresses(request, &client, &server);
        snprintf(address, sizeof address, strchr(server.host, ':') ? "[%s]" : "%s", server.host);
        host = (struct gh_slice){address, strlen(address)};
    }
    return gh_asprintf("https://%.*s%s%s", (int)host.len, host.bytes, port, path);
}

bool
gh_redirect(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;
    bool is_plain = request->method == GH_GET || request->method == GH_HEAD;

    if (!exchange->conn->server->https_port || is_answered_here(&request->url))
        return false;
    char *location GH_SCOPED(gh_free) = location_of(exchange);
    const struct gh_header headers[] = {{"Location", location}, {NULL, NULL}};
    request->headers = headers;
    exchange->wants_close = request->has_body; /* 308 and not 301: the method stays what it is */
    gh_reply_detail(request, is_plain ? 301 : 308, "This node speaks HTTPS: %s", location);
    request->headers = NULL;
    return true;
}

void
gh_add_hsts(struct gh_exchange *exchange)
{
    const struct gh_server *server = exchange->conn->server;
    char text[48];

    if (!server->has_tls || server->settings->hsts_max_age_s == 0)
        return; /* RFC 6797 section 7.2: never over HTTP */
    snprintf(text, sizeof text, "max-age=%llu",
             (unsigned long long)server->settings->hsts_max_age_s);
    MHD_add_response_header(exchange->response, "Strict-Transport-Security", text);
}
