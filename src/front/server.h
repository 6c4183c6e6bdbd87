/* SPDX-License-Identifier: Apache-2.0
 *
 * front/server.h - the HTTP server of one listening socket: libmicrohttpd in external-epoll mode inside
 * the libuv loop, our own guard and absolute deadlines. The only folder that includes microhttpd.h.
 *
 * Each request is given to gh_api_begin when its head is in, and to gh_api_handle when its body is.
 * Loop thread only. */
#ifndef GH_FRONT_SERVER_H
#define GH_FRONT_SERVER_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "front/listener.h"

struct gh_api;
struct gh_settings;
struct gh_server;
struct gh_tls;

/* Serve LISTENER, which becomes the server's. Errors: GH_E_SYSTEM. */
int gh_server_start(uv_loop_t *loop, const struct gh_settings *settings, struct gh_api *api,
                    struct gh_listener *listener, struct gh_server **server_out, struct gh_err *err)
    GH_MUST_USE;

/* For a server of HTTPS (and false for others): it needs TLS before its first turn of the loop. */
bool gh_server_wants_tls(const struct gh_server *server);
void gh_server_set_tls(struct gh_server *server, struct gh_tls *tls);

/* Where a server that redirects sends its clients; nothing for others. */
void gh_server_set_redirect(struct gh_server *server, unsigned https_port);

/* The port in use; the one picked when port 0 was asked for. */
unsigned gh_server_port(const struct gh_server *server);

/* Let libmicrohttpd do what became possible this turn; call once at the end of each turn, before
 * the pool is flushed. */
void gh_server_run(struct gh_server *server);

/* Accept no more, close idle connections. Requests in progress go on, and those that clients who connected
 * just before are about to send are answered. */
void gh_server_drain(struct gh_server *server);
/* In progress; once draining also those that are on their way on a connection that was taken. */
unsigned gh_server_requests(const struct gh_server *server);

/* Close everything. No request may be unanswered any more. */
void gh_server_stop(struct gh_server **server_of);

#endif
