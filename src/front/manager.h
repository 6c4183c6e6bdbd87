/* SPDX-License-Identifier: Apache-2.0
 *
 * front/manager.h - the service manager (systemd) that started us: what it gave us, and what it is told. Of a daemon
 * that none started, all of it is empty. Loop thread only. */
#ifndef GH_FRONT_MANAGER_H
#define GH_FRONT_MANAGER_H

#include <stdint.h>

#include "base/err.h"
#include "base/notify.h"
#include "base/unit.h"
#include "front/activation.h"

struct gh_faults;
struct gh_ports;

struct gh_manager {
    struct gh_notify notify;
    struct gh_activation handed; /* sockets that it has opened for us */
    struct gh_unit unit;         /* that it runs us as */
};

/* Take what the environment says, before anyone can inherit it. READY_FD is the setting, which must be none of the
 * sockets. That it cannot be told is logged, and no error. Errors: GH_E_INPUT, as gh_activation_take. */
int gh_manager_take(struct gh_manager *manager, uint64_t ready_fd, struct gh_err *err) GH_MUST_USE;

/* Serve what was handed over, which is closed with PORTS. The port redirect_http (80) only sends clients on
 * when there is an HTTPS socket of port 443. Addresses and control socket that nothing was handed over for are opened
 * as the settings say. Errors: as gh_ports_open. */
int gh_manager_open(const struct gh_manager *manager, struct gh_ports *ports, struct gh_err *err)
    GH_MUST_USE;

/* An address of PORTS that others than this machine reach, handed over or not; NULL when there is none. */
const char *gh_manager_open_address(const struct gh_manager *manager, struct gh_ports *ports);

/* We serve; with the first of FAULTS, if there is one, that the new configuration has. */
void gh_manager_ready(const struct gh_manager *manager, const struct gh_ports *ports,
                      const struct gh_faults *faults);

void gh_manager_done(struct gh_manager *manager);

#endif
