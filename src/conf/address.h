/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/address.h - who reaches an address to listen on. Pure, any thread. */
#ifndef GH_CONF_ADDRESS_H
#define GH_CONF_ADDRESS_H

#include <stdbool.h>

/* Is HOST reached from this machine alone: 127.0.0.0/8, ::1, "localhost"? */
bool gh_address_is_loopback(const char *host);

/* Is TEXT an address that can be asked over HTTP: http or https, a host, and no name and password, which would
 * be shown in logs? */
bool gh_address_is_url(const char *text);

#endif
