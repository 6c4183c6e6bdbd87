/* SPDX-License-Identifier: Apache-2.0
 *
 * front/forwarded.h - whom a proxy in front of us speaks for, by Forwarded (RFC 7239) or X-Forwarded-For,
 * -Proto, -Host.
 *
 * Fed with the headers of a request whose connection comes from a trusted proxy, and with no other. Each
 * proxy appends whom it was called by, so the list is read from its right end: while the party named is itself
 * trusted, the next one to the left counts; the first that is not is the client, and all that stands
 * left of it anyone may have written. Where both kinds of header name somebody, they must name the same one,
 * since a proxy that sets one kind lets a client's other kind pass. Pure, no allocation, fuzzed. */
#ifndef GH_FRONT_FORWARDED_H
#define GH_FRONT_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"
#include "wire/call.h"

#define GH_HOPS_MAX 16u /* the nearest ones; a chain that is longer is cut off at its far end */

struct gh_hop {
    struct gh_slice node, scheme, host; /* borrowed from the headers; empty when not said */
};

/* Values of one header, over all its lines. */
struct gh_hop_values {
    struct gh_slice list[GH_HOPS_MAX];
    size_t count;
};

struct gh_forwarding {
    const char *problem; /* first thing found wrong, static text; NULL so far */
    struct gh_hop hops[GH_HOPS_MAX];
    size_t hop_count;
    struct gh_hop_values x_for, x_proto, x_host;
};

/* Who asks, as far as it is vouched for. */
struct gh_forwarded {
    bool has_client; /* else it has no address that one could know */
    struct gh_ip client;
    unsigned port;        /* 0 when not said */
    const char *scheme;   /* "http", "https", or NULL when not said; static */
    struct gh_slice host; /* that the client asked for; empty when not said. Borrowed */
};

void gh_forwarded_start(struct gh_forwarding *forwarding);
void gh_forwarded_header(struct gh_forwarding *forwarding, struct gh_slice name,
                         struct gh_slice value);

/* All headers were fed. TRUSTED as of conf/networks.h. NULL, and OUT is filled; or why the headers make no
 * sense. */
const char *gh_forwarded_verdict(struct gh_forwarding *forwarding, const char *trusted,
                                 struct gh_forwarded *out);

#endif
