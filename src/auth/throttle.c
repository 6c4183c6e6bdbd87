/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/throttle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static void
forget(struct gh_throttle *throttle, struct gh_throttled *entry)
{
    HASH_DEL(throttle->by_address, entry);
    free(entry);
}

void
gh_throttle_done(struct gh_throttle *throttle)
{
    while (throttle->by_address)
        forget(throttle, throttle->by_address);
}

/* The first entries are those that failed longest ago. */
static void
forget_quiet(struct gh_throttle *throttle, uint64_t now_ms)
{
    while (throttle->by_address && (HASH_COUNT(throttle->by_address) >= GH_THROTTLE_ADDRESSES_MAX ||
                                    now_ms - throttle->by_address->last_ms > GH_THROTTLE_QUIET_MS))
        forget(throttle, throttle->by_address);
}

/* The entry of ADDRESS, now the last one. */
static struct gh_throttled *
entry_of(struct gh_throttle *throttle, const char *address, uint64_t now_ms)
{
    struct gh_throttled *entry;

    HASH_FIND_STR(throttle->by_address, address, entry);
    if (entry && now_ms - entry->last_ms > GH_THROTTLE_QUIET_MS) {
        forget(throttle, entry);
        entry = NULL;
    }
    if (entry) {
        HASH_DEL(throttle->by_address, entry);
    } else {
        forget_quiet(throttle, now_ms);
        entry = gh_alloc(sizeof *entry);
        snprintf(entry->address, sizeof entry->address, "%s", address);
    }
    HASH_ADD_STR(throttle->by_address, address, entry);
    return entry;
}

static unsigned
seconds_left(const struct gh_throttled *entry, uint64_t now_ms)
{
    return entry && now_ms < entry->until_ms ? (unsigned)((entry->until_ms - now_ms + 999) / 1000)
                                             : 0;
}

unsigned
gh_throttle_wait_s(const struct gh_throttle *throttle, const char *address, uint64_t now_ms)
{
    const struct gh_throttled *entry;

    HASH_FIND_STR(throttle->by_address, address, entry);
    return seconds_left(entry, now_ms);
}

static unsigned
wait_s(unsigned waits)
{
    return waits < 6 ? 1u << waits : GH_THROTTLE_WAIT_MAX_S;
}

/* Has ENTRY presented the token of DIGEST lately? From now on it has. */
static bool
is_repeated(struct gh_throttled *entry, const struct gh_digest *digest)
{
    for (size_t i = 0; i < GH_THROTTLE_SEEN; i++)
        if (gh_digest_is(&entry->seen[i], digest))
            return true;
    entry->seen[entry->next_seen++ % GH_THROTTLE_SEEN] = *digest;
    return false;
}

unsigned
gh_throttle_fail(struct gh_throttle *throttle, const char *address, const struct gh_digest *digest,
                 uint64_t now_ms)
{
    struct gh_throttled *entry = entry_of(throttle, address, now_ms);

    entry->last_ms = now_ms;
    if (now_ms < entry->until_ms)
        return seconds_left(entry, now_ms);
    if (entry->waits == 0) {
        entry->count += is_repeated(entry, digest) ? 1 : GH_THROTTLE_REPEATS;
        if (entry->count <= GH_THROTTLE_FREE * GH_THROTTLE_REPEATS)
            return 0;
    }
    unsigned seconds = wait_s(entry->waits++);
    entry->until_ms = now_ms + 1000ull * seconds;
    return seconds;
}
