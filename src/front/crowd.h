/* SPDX-License-Identifier: Apache-2.0
 *
 * front/crowd.h - how many connections there are, in all and of each address, over all the ports that this
 * process serves. Of IPv6 the /64 counts, since whoever has one address of it has all of them.
 *
 * A surplus connection gets its answer, 429 or 503, when its request's head is in; GH_LOBBY_MAX of these may wait
 * for that, any further ones are closed at once. Loop thread only. */
#ifndef GH_FRONT_CROWD_H
#define GH_FRONT_CROWD_H

#include <stdbool.h>
#include <stdint.h>

struct gh_ip;

#define GH_LOBBY_MAX 64u

enum gh_welcome {
    GH_WELCOME,
    GH_TOO_MANY_OF_ADDRESS, /* 429 */
    GH_TOO_MANY,            /* 503 */
    GH_NO_ROOM,             /* closed at once */
};

/* One more connection, of IP; or of nobody that counts for himself (NULL). Say how it is to be received. */
enum gh_welcome gh_crowd_enter(const struct gh_ip *ip, uint64_t most, uint64_t most_of_address);

/* It has gone; with the same IP, and what gh_crowd_enter said. */
void gh_crowd_leave(const struct gh_ip *ip, enum gh_welcome welcome);

#endif
