/* SPDX-License-Identifier: Apache-2.0
 *
 * front/handed.h - serves the sockets that front/activation.h has taken. Loop thread only. */
#ifndef GH_FRONT_HANDED_H
#define GH_FRONT_HANDED_H

#include "base/err.h"

struct gh_activation;
struct gh_ports;

/* Serve what was handed over, which is closed with PORTS. Port 80 only sends clients on when there is an HTTPS socket of
 * port 443, unless redirect_http is off. Addresses and control socket that nothing was handed
 * over for are opened as the settings say. Errors: as gh_ports_open. */
int gh_handed_open(const struct gh_activation *activation, struct gh_ports *ports,
                   struct gh_err *err) GH_MUST_USE;

#endif
