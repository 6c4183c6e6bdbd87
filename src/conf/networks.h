/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/networks.h - lists of addresses: "10.0.0.0/8,192.168.1.7,fd00::/8,unix". "unix" stands for
 * peers on UNIX sockets. Blanks around an entry do not count. Pure, any thread. */
#ifndef GH_CONF_NETWORKS_H
#define GH_CONF_NETWORKS_H

#include <stdbool.h>

#include "base/err.h"

struct gh_ip;

/* Is each entry of LIST an address, a network in CIDR form or "unix"? Errors: GH_E_INPUT, which names the
 * entry and says what may be. */
int gh_networks_check(const char *list, struct gh_err *err) GH_MUST_USE;

/* Does LIST, which gh_networks_check let pass, hold IP; or "unix", when IP is NULL? */
bool gh_networks_have(const char *list, const struct gh_ip *ip);

#endif
