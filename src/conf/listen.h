/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/listen.h - what the setting `listen` says: addresses beside host and port. Pure, any thread.
 *
 *     127.0.0.1:8080          HTTP
 *     [::]:443/https          HTTPS
 *     0.0.0.0:80/redirect     HTTP that sends clients on to HTTPS
 *     unix:/run/gh.sock       HTTP on a UNIX socket
 */
#ifndef GH_CONF_LISTEN_H
#define GH_CONF_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum gh_listen_kind { GH_LISTEN_HTTP, GH_LISTEN_HTTPS, GH_LISTEN_REDIRECT };

struct gh_listen {
    enum gh_listen_kind kind;
    bool is_unix;
    unsigned port;  /* 0 picks a free one */
    char host[256]; /* an address or a name, without brackets; of a UNIX socket its path */
};

/* Read the entry at *REST, which is moved behind it; *REST is "" at the end. Errors: GH_E_INPUT; ERR names the
 * entry and what may be. */
int gh_listen_next(const char **rest, struct gh_listen *listen_out, struct gh_err *err) GH_MUST_USE;

#endif
