/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/places.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/address.h"
#include "conf/settings.h"

#define HTTPS_PORT 443u

static const char *const kinds[] = {
    [GH_LISTEN_HTTP] = "", [GH_LISTEN_HTTPS] = "/https", [GH_LISTEN_REDIRECT] = "/redirect"};

static void
describe(struct gh_place *place)
{
    const struct gh_listen *listen = &place->listen;
    bool is_six = strchr(listen->host, ':') != NULL;

    if (listen->is_unix)
        snprintf(place->text, sizeof place->text, "unix:%s", listen->host);
    else if (place->is_main)
        snprintf(place->text, sizeof place->text, "%u", listen->port);
    else
        snprintf(place->text, sizeof place->text, is_six ? "[%s]:%u%s" : "%s:%u%s", listen->host,
                 listen->port, kinds[listen->kind]);
}

static struct gh_place *
add(struct gh_places *places, const struct gh_listen *listen)
{
    places->list = gh_realloc(places->list, (places->count + 1) * sizeof places->list[0]);
    struct gh_place *place = &places->list[places->count++];

    *place = (struct gh_place){
        .listen = *listen,
        .is_main = places->count == 1,
        .is_loopback = listen->is_unix || gh_address_is_loopback(listen->host),
    };
    describe(place);
    return place;
}

/* The first that speaks HTTPS, or NULL. */
static const struct gh_place *
find_https(const struct gh_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->list[i].listen.kind == GH_LISTEN_HTTPS)
            return &places->list[i];
    return NULL;
}

static bool
has_port(const struct gh_places *places, unsigned port)
{
    for (size_t i = 0; i < places->count; i++)
        if (!places->list[i].listen.is_unix && places->list[i].listen.port == port)
            return true;
    return false;
}

static void
add_redirect(struct gh_places *places, const struct gh_settings *settings)
{
    struct gh_listen listen = {.kind = GH_LISTEN_REDIRECT,
                               .port = (unsigned)settings->redirect_http};
    const struct gh_place *https = find_https(places);

    if (!listen.port || !https || https->listen.port != HTTPS_PORT || has_port(places, listen.port))
        return;
    snprintf(listen.host, sizeof listen.host, "%s", settings->host);
    add(places, &listen)->is_optional = true;
}

int
gh_places_read(const struct gh_settings *settings, unsigned port, struct gh_places *places_out,
               struct gh_err *err)
{
    struct gh_listen listen = {.kind = settings->use_https ? GH_LISTEN_HTTPS : GH_LISTEN_HTTP,
                               .port = port};
    const char *rest = settings->listen;
    int rc = GH_OK;

    *places_out = (struct gh_places){0};
    snprintf(listen.host, sizeof listen.host, "%s", settings->host);
    add(places_out, &listen);
    while (*rest && (rc = gh_listen_next(&rest, &listen, err)) == GH_OK)
        add(places_out, &listen);
    if (rc == GH_OK)
        add_redirect(places_out, settings);
    return rc;
}

void
gh_places_done(struct gh_places *places)
{
    gh_free(&places->list);
    places->count = 0;
}

bool
gh_places_have_https(const struct gh_places *places)
{
    return find_https(places) != NULL;
}
