/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/throttle.h - addresses that present wrong tokens, and how long they are kept waiting.
 *
 * GH_THROTTLE_FREE different wrong tokens cost nothing; each one after them makes the address wait, twice as
 * long each time. The same one again counts a fifth: that is a program whose token is good no more, and no
 * guess. A right token is never kept waiting: who knows one is not guessing. An address is forgotten when it
 * was quiet for a while, and the one that was quiet longest when there are too many.
 * Loop thread only. */
#ifndef GH_AUTH_THROTTLE_H
#define GH_AUTH_THROTTLE_H

#include <stdint.h>
#include <uthash.h>

#include "wire/digest.h"

#define GH_THROTTLE_FREE 20u
#define GH_THROTTLE_REPEATS 5u /* of the same token that count as one */
#define GH_THROTTLE_SEEN 4u    /* tokens of an address that are known again */
#define GH_THROTTLE_WAIT_MAX_S 60u
#define GH_THROTTLE_QUIET_MS 600000u
#define GH_THROTTLE_ADDRESSES_MAX 4096u
#define GH_THROTTLE_ADDRESS_BYTES 46u /* INET6_ADDRSTRLEN */

struct gh_throttled {
    UT_hash_handle hh;
    char address[GH_THROTTLE_ADDRESS_BYTES];
    struct gh_digest seen[GH_THROTTLE_SEEN]; /* the last that were new */
    unsigned next_seen;
    unsigned count; /* in repeats, until it has to wait */
    unsigned waits; /* that it has been given */
    uint64_t last_ms, until_ms;
};

struct gh_throttle {
    struct gh_throttled *by_address; /* in order of the last failure */
};

void gh_throttle_done(struct gh_throttle *throttle);

/* ADDRESS presented the wrong token of DIGEST at NOW_MS (of a monotonic clock). How many seconds it is to wait
 * before the next one is looked at; 0 for none. A try while it waits makes it no longer. */
unsigned gh_throttle_fail(struct gh_throttle *throttle, const char *address,
                          const struct gh_digest *digest, uint64_t now_ms);

/* How many seconds ADDRESS is to wait at NOW_MS; 0 for none. */
unsigned gh_throttle_wait_s(const struct gh_throttle *throttle, const char *address,
                            uint64_t now_ms);

#endif
