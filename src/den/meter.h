/* SPDX-License-Identifier: Apache-2.0
 *
 * den/meter.h - how much somebody may write. A change of den.db holds the loop for milliseconds, in which nobody
 * is served: one node that reports in a loop would slow all the others.
 *
 * A meter fills with what is written and empties at a steady pace; what would overfill it has to wait. All
 * zero is an empty one. Pure, any thread. */
#ifndef GH_DEN_METER_H
#define GH_DEN_METER_H

#include <stddef.h>
#include <stdint.h>

#define GH_DEN_WRITE_BYTES (64u << 10) /* what a change counts besides its own bytes */

struct gh_den_meter {
    uint64_t filled_bytes;
    uint64_t at_ms; /* when it was so */
};

struct gh_den_pace {
    uint64_t room_bytes;
    uint64_t bytes_a_second;
};

/* Reports about one resource: 128 small ones at once, then one a second. All changes of one user: 1000, then
 * 16 a second. */
extern const struct gh_den_pace gh_den_pace_of_resource, gh_den_pace_of_user;

/* In how many seconds may a change of LEN bytes be made? 0: now, for gh_den_meter_add. NOW_MS is of a monotonic
 * clock. */
unsigned gh_den_meter_wait_s(const struct gh_den_meter *meter, const struct gh_den_pace *pace,
                             size_t len, uint64_t now_ms);

/* Such a change is made. */
void gh_den_meter_add(struct gh_den_meter *meter, const struct gh_den_pace *pace, size_t len,
                      uint64_t now_ms);

#endif
