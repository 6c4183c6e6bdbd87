/* SPDX-License-Identifier: Apache-2.0
 *
 * front/cors.c - which pages of other origins may call, and the headers that tell their browsers so.
 *
 * Off unless cors_origins names some. Answers of apps are left alone: theirs is their own business, preflights
 * included. A preflight is answered before anybody asks for a token, which browsers do not send with it; it tells
 * nothing that OPTIONS does not tell anyway. Source: the Fetch standard, section "CORS protocol". */
#include <stdio.h>
#include <string.h>

#include "conf/origins.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "wire/httptoken.h"
#include "wire/reply.h"

#define METHODS "GET, HEAD, POST, PATCH, DELETE"
#define EXPOSED "Allow, Retry-After, WWW-Authenticate, X-Request-ID"
#define HEADERS_MAX_BYTES 1024u

bool
gh_cors_allows(const struct gh_settings *settings, const char *origin)
{
    return origin && (gh_origins_are_any(settings->cors_origins) ||
                      gh_origins_name(settings->cors_origins, origin));
}

void
gh_cors_take_head(struct gh_exchange *exchange, bool is_for_app)
{
    const struct gh_settings *settings = exchange->conn->server->settings;

    if (!settings->cors_origins[0] || is_for_app || exchange->request.is_local)
        return;
    const char *origin = gh_front_sink.header(&exchange->request, "Origin");
    exchange->varies_by_origin = !gh_origins_are_any(settings->cors_origins);
    if (gh_cors_allows(settings, origin))
        exchange->cors_origin = exchange->varies_by_origin ? origin : "*";
}

/* Is TEXT a list of header names and nothing else? We send it back. */
static bool
is_names(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!gh_http_is_token_byte(text[i]) && !strchr(", \t", text[i]))
            return false;
    return len <= HEADERS_MAX_BYTES;
}

static void
add_permissions(struct gh_exchange *exchange)
{
    const struct gh_settings *settings = exchange->conn->server->settings;
    const char *names = gh_front_sink.header(&exchange->request, "Access-Control-Request-Headers");
    char age[24];

    snprintf(age, sizeof age, "%llu", (unsigned long long)settings->cors_max_age_s);
    gh_answer_add(exchange, "Access-Control-Allow-Methods", METHODS);
    if (names && *names && is_names(names))
        gh_answer_add(exchange, "Access-Control-Allow-Headers", names);
    gh_answer_add(exchange, "Access-Control-Max-Age", age);
}

void
gh_cors_add_headers(struct gh_exchange *exchange)
{
    if (exchange->varies_by_origin)
        gh_answer_add(exchange, "Vary", "Origin");
    if (!exchange->cors_origin)
        return;
    gh_answer_add(exchange, "Access-Control-Allow-Origin", exchange->cors_origin);
    if (exchange->conn->server->settings->cors_credentials && exchange->varies_by_origin)
        gh_answer_add(exchange, "Access-Control-Allow-Credentials", "true");
    if (exchange->is_preflight)
        add_permissions(exchange);
    else
        gh_answer_add(exchange, "Access-Control-Expose-Headers", EXPOSED);
}

bool
gh_cors_answers(struct gh_exchange *exchange)
{
    struct gh_request *request = &exchange->request;

    if (!exchange->cors_origin || request->method != GH_OPTIONS ||
        !gh_front_sink.header(request, "Access-Control-Request-Method"))
        return false;
    exchange->is_preflight = true;
    request->sink->reply(request, 204, NULL, NULL, 0);
    return true;
}
