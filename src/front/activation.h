/* SPDX-License-Identifier: Apache-2.0
 *
 * front/activation.h - listening sockets that the service manager opened for us and hands over: LISTEN_FDS of
 * them from descriptor 3 on, named by LISTEN_FDNAMES.
 *
 *     http      TCP: plain HTTP
 *     https     TCP: TLS
 *     control   UNIX: the control socket
 *
 * A TCP socket without a name is http, a UNIX one control. They stay the manager's: it goes on listening when we
 * end, so closing ours refuses nobody, and the file of a UNIX socket is never removed here.
 *
 * front/manager.h serves them. Loop thread, before there are others. Source: sd_listen_fds_with_names(3), systemd.socket(5). */
#ifndef GH_FRONT_ACTIVATION_H
#define GH_FRONT_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "front/listener.h"

#define GH_ACTIVATION_MAX 32

struct gh_handed {
    enum gh_port_kind kind; /* HTTP, HTTPS or CONTROL */
    int fd;                 /* non-blocking, closed on exec; whoever serves it sets it to -1 here */
    unsigned port;          /* 0 for a UNIX socket */
    char where[128];  /* "127.0.0.1:32300", "[::]:443", or the path; "@name" when it is abstract */
    bool is_loopback; /* also every UNIX socket */
};

struct gh_activation {
    struct gh_handed list[GH_ACTIVATION_MAX];
    size_t count; /* 0: we were not started that way */
};

/* Take what is handed to this process, and LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES out of the environment.
 * What is meant for another process (LISTEN_PID) is left alone.
 * Errors: GH_E_INPUT for a descriptor that cannot be served as its name says, or a name that is none; ERR says
 * which. ACTIVATION is then empty, and the descriptors are open still. */
int gh_activation_take(struct gh_activation *activation, struct gh_err *err) GH_MUST_USE;

/* The one with the number FD, or NULL. */
const struct gh_handed *gh_activation_find(const struct gh_activation *activation, int fd);

/* Are clients' addresses (HTTP, HTTPS) among them? Then those of the settings are not bound. */
bool gh_activation_has_clients(const struct gh_activation *activation);

#endif
