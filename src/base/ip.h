/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ip.h - IP addresses as values: IPv4 in its IPv4-mapped IPv6 form, so that both compare alike.
 * Pure functions, any thread. */
#ifndef GH_BASE_IP_H
#define GH_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define GH_IP_TEXT_BYTES 46u

struct gh_ip {
    uint8_t bytes[16]; /* network order; ::ffff:0:0/96 is IPv4 */
};

/* An address as people write it, LEN bytes without port or brackets. False when it is none, or has a zone. */
bool gh_ip_read(const char *text, size_t len, struct gh_ip *ip_out);

/* The address of ADDRESS; false when that is neither IPv4 nor IPv6. *PORT_OUT in host order. */
bool gh_ip_of(const struct sockaddr *address, struct gh_ip *ip_out, unsigned *port_out);

/* Its usual text, IPv4 as such. */
void gh_ip_write(const struct gh_ip *ip, char out[GH_IP_TEXT_BYTES]);

bool gh_ip_is_four(const struct gh_ip *ip);

/* Do A and B agree in their first BITS of 128? */
bool gh_ip_same_network(const struct gh_ip *a, const struct gh_ip *b, unsigned bits);

/* What one party surely has all of: an IPv4 address, or the /64 of an IPv6 address; the rest is zeroed. */
struct gh_ip gh_ip_party(const struct gh_ip *ip);

#endif
