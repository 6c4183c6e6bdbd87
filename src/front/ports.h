/* SPDX-License-Identifier: Apache-2.0
 *
 * front/ports.h - all sockets of the daemon: those that clients reach, and the control socket that
 * programs of this node use. Each has a server of its own (front/server.h); what is done to all of
 * them is done here.
 *
 *     struct gh_ports ports;
 *     gh_ports_init(&ports, loop, settings, api);
 *     rc = gh_ports_open(&ports, err);                  what the settings name
 *     rc = gh_ports_open_control(&ports, state, err);
 *     rc = gh_ports_start_tls(&ports, state, err);      nothing without HTTPS
 *     ... at the end of each turn of the loop: gh_ports_run(&ports);
 *     gh_ports_drain(&ports); ... gh_ports_stop(&ports); ... gh_ports_done(&ports);
 *
 * Loop thread only. */
#ifndef GH_FRONT_PORTS_H
#define GH_FRONT_PORTS_H

#include <stddef.h>
#include <uv.h>

#include "base/err.h"
#include "front/listener.h"

struct gh_api;
struct gh_certs;
struct gh_server;
struct gh_settings;
struct gh_tls;

struct gh_ports {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    struct gh_api *api;
    struct gh_server **servers; /* for clients; the first is the one that is announced */
    size_t count;
    struct gh_server *control; /* the same routes, for this node's own programs */
    char *control_path;        /* NULL until it is open */
    struct gh_tls *tls;        /* NULL where no port speaks HTTPS */
    char *open_address;
};

void gh_ports_init(struct gh_ports *ports, uv_loop_t *loop, const struct gh_settings *settings,
                   struct gh_api *api);

/* An address that the settings say to listen on, that others than this machine reach, and where whoever comes is
 * served: not one that only redirects, nor HTTPS with client_ca. NULL when there is none. Borrowed. */
const char *gh_ports_open_address(struct gh_ports *ports);

/* Listen where the settings say: host and port, `listen`, and port 80 beside HTTPS on 443, which may fail.
 * Errors: GH_E_INPUT for what `listen` cannot be; else as gh_listen_tcp, errno kept. */
int gh_ports_open(struct gh_ports *ports, struct gh_err *err) GH_MUST_USE;

/* Serve LISTENER too, which becomes PORTS' in any case. Errors: GH_E_SYSTEM. */
int gh_ports_add(struct gh_ports *ports, struct gh_listener *listener, struct gh_err *err)
    GH_MUST_USE;

/* Serve LISTENER, a UNIX socket that becomes PORTS' in any case, as the control socket. Errors: GH_E_SYSTEM. */
int gh_ports_serve_control(struct gh_ports *ports, struct gh_listener *listener, struct gh_err *err)
    GH_MUST_USE;

/* With a port that speaks HTTPS: read or make certificates, STATE being the state folder. All ports are open.
 * Errors: GH_E_INPUT, GH_E_SYSTEM; ERR says what is wrong with which file. */
int gh_ports_start_tls(struct gh_ports *ports, const char *state, struct gh_err *err) GH_MUST_USE;

/* What is shown to whom; NULL where no port speaks HTTPS. Borrowed. */
struct gh_certs *gh_ports_certs(const struct gh_ports *ports);

/* Look at the certificates again; what is wrong is logged. */
void gh_ports_reload(struct gh_ports *ports);

/* Open STATE/control-PORT.sock: named by port, since several daemons may share a state folder. There is
 * a port already. Nothing when a control socket is served. Errors: as gh_listen_unix, errno kept. */
int gh_ports_open_control(struct gh_ports *ports, const char *state, struct gh_err *err)
    GH_MUST_USE;

/* The port that is announced, the one picked where 0 was asked for; 0 before one is open. */
unsigned gh_ports_first(const struct gh_ports *ports);

/* Requests in progress, those of the control socket included. */
unsigned gh_ports_requests(const struct gh_ports *ports);

/* Let what became possible this turn happen; before the pool is flushed. */
void gh_ports_run(struct gh_ports *ports);

/* Clients connect no more; requests in progress go on. The control socket stays as it is: calls that
 * still run may ask the node for more. */
void gh_ports_drain(struct gh_ports *ports);

/* Close everything. No request may be unanswered any more. */
void gh_ports_stop(struct gh_ports *ports);

void gh_ports_done(struct gh_ports *ports); /* after the loop has ended */

#endif
