/* SPDX-License-Identifier: Apache-2.0
 *
 * front/listener.h - sockets that gh_server_start can serve: a TCP address, or a UNIX socket for
 * the node's own programs. Loop thread only. */
#ifndef GH_FRONT_LISTENER_H
#define GH_FRONT_LISTENER_H

#include <stdbool.h>

#include "base/err.h"

/* What is spoken to whoever connects. */
enum gh_port_kind {
    GH_PORT_HTTP,
    GH_PORT_HTTPS,
    GH_PORT_REDIRECT, /* HTTP, which sends clients on to HTTPS (front/redirect.h) */
    GH_PORT_CONTROL   /* HTTP for this node's own programs, which need no token */
};

struct gh_listener {
    int fd; /* listening, non-blocking */
    enum gh_port_kind kind;
    unsigned port; /* TCP: the one in use, also when 0 was asked for; UNIX: 0 */
    char *path;    /* UNIX: removed when the listener is closed; TCP: NULL */
    bool is_kept;  /* the file at path is not ours to remove (front/activation.h) */
};

/* Listen on HOST and PORT. Errors: GH_E_INPUT for a host that is none, GH_E_SYSTEM with the errno's
 * text; errno is kept so that the caller can tell EADDRINUSE from EACCES. */
int gh_listen_tcp(const char *host, unsigned port, struct gh_listener *listener_out,
                  struct gh_err *err) GH_MUST_USE;

/* Listen on a socket at PATH that only this user may open. What a daemon that died left there is
 * replaced. Errors: GH_E_INPUT for a path that is too long for a socket; GH_E_SYSTEM, errno kept:
 * EADDRINUSE when another process serves it. */
int gh_listen_unix(const char *path, struct gh_listener *listener_out, struct gh_err *err)
    GH_MUST_USE;

/* Close and forget it; nothing when it is closed already. */
void gh_listener_close(struct gh_listener *listener);

#endif
