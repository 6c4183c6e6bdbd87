/* SPDX-License-Identifier: Apache-2.0 */
#include "den/meter.h"

/* Each has room for the largest body that the Den takes, 4 MiB. */
const struct gh_den_pace gh_den_pace_of_resource = {128 * (uint64_t)GH_DEN_WRITE_BYTES,
                                                    GH_DEN_WRITE_BYTES};
const struct gh_den_pace gh_den_pace_of_user = {1000 * (uint64_t)GH_DEN_WRITE_BYTES,
                                                16 * GH_DEN_WRITE_BYTES};

static uint64_t
filled_at(const struct gh_den_meter *meter, const struct gh_den_pace *pace, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > meter->at_ms ? now_ms - meter->at_ms : 0;
    uint64_t full_ms = 1000 * pace->room_bytes / pace->bytes_a_second + 1;
    uint64_t emptied = (passed_ms < full_ms ? passed_ms : full_ms) * pace->bytes_a_second / 1000;

    return meter->filled_bytes > emptied ? meter->filled_bytes - emptied : 0;
}

unsigned
gh_den_meter_wait_s(const struct gh_den_meter *meter, const struct gh_den_pace *pace, size_t len,
                    uint64_t now_ms)
{
    uint64_t filled = filled_at(meter, pace, now_ms) + GH_DEN_WRITE_BYTES + len;

    if (filled <= pace->room_bytes)
        return 0;
    return (unsigned)((filled - pace->room_bytes + pace->bytes_a_second - 1) /
                      pace->bytes_a_second);
}

void
gh_den_meter_add(struct gh_den_meter *meter, const struct gh_den_pace *pace, size_t len,
                 uint64_t now_ms)
{
    meter->filled_bytes = filled_at(meter, pace, now_ms) + GH_DEN_WRITE_BYTES + len;
    meter->at_ms = now_ms;
}
