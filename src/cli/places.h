/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/places.h - where the daemon listens by its settings: host and port, each entry of `listen`, and the port that
 * redirects beside HTTPS on 443. Source: front/ports.c, which opens them. */
#ifndef GH_CLI_PLACES_H
#define GH_CLI_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/listen.h"

struct gh_settings;

struct gh_place {
    struct gh_listen listen;
    bool is_main;     /* of host and port */
    bool is_optional; /* the daemon goes on without it */
    bool is_loopback; /* none but this machine reaches it */
    char text[320];   /* "32300"; "0.0.0.0:443/https", "unix:/run/x.sock" of the others */
};

struct gh_places {
    struct gh_place *list;
    size_t count;
};

/* All of them, PORT in the place of the setting's. Errors: GH_E_INPUT an entry of `listen` is none; those before it are
 * in PLACES. To be let go of in any case. */
int gh_places_read(const struct gh_settings *settings, unsigned port, struct gh_places *places_out,
                   struct gh_err *err) GH_MUST_USE;
void gh_places_done(struct gh_places *places);

/* Does one of them speak HTTPS? */
bool gh_places_have_https(const struct gh_places *places);

#endif
