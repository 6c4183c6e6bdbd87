/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/throttle.h - addresses that present wrong tokens, and how long they are kept waiting.
 *
 * GH_THROTTLE_FREE wrong tokens in a row cost nothing; each one after them makes the address wait, twice
 * as long each time. A right token is never kept waiting: who knows one is not guessing. An address is
 * forgotten when it was quiet for a while, and the one that was quiet longest when there are too many.
 * Loop thread only. */
#ifndef GH_AUTH_THROTTLE_H
#define GH_AUTH_THROTTLE_H

#include <stdint.h>
#include <uthash.h>

#define GH_THROTTLE_FREE 10u
#define GH_THROTTLE_WAIT_MAX_S 60u
#define GH_THROTTLE_QUIET_MS 600000u
#define GH_THROTTLE_ADDRESSES_MAX 4096u
#define GH_THROTTLE_ADDRESS_BYTES 46u /* INET6_ADDRSTRLEN */

struct gh_throttled {
    UT_hash_handle hh;
    char address[GH_THROTTLE_ADDRESS_BYTES];
    unsigned failures; /* in a row */
    uint64_t last_ms, until_ms;
};

struct gh_throttle {
    struct gh_throttled *by_address; /* in order of the last failure */
};

void gh_throttle_done(struct gh_throttle *throttle);

/* ADDRESS presented a wrong token at NOW_MS (of a monotonic clock). How many seconds it is to wait before
 * the next one is looked at; 0 for none. A try while it waits counts too, but makes it no longer. */
unsigned gh_throttle_fail(struct gh_throttle *throttle, const char *address, uint64_t now_ms);

/* How many seconds ADDRESS is to wait at NOW_MS; 0 for none. */
unsigned gh_throttle_wait_s(const struct gh_throttle *throttle, const char *address,
                            uint64_t now_ms);

#endif
