/* SPDX-License-Identifier: Apache-2.0
 *
 * base/nearest.h - which known name somebody may have meant.
 *
 *     struct gh_nearest nearest;
 *     gh_nearest_begin(&nearest, "stauts", 6);
 *     gh_nearest_try(&nearest, "status");
 *     if (nearest.best[0])
 *         ... "; did you mean " nearest.best
 *
 * Pure functions, any thread. */
#ifndef GH_BASE_NEAREST_H
#define GH_BASE_NEAREST_H

#include <stddef.h>

#define GH_NEAREST_MAX_BYTES                                                                       \
    80u /* of names, with the terminator; longer ones are near to nothing */

struct gh_nearest {
    char wanted[GH_NEAREST_MAX_BYTES];
    char best[GH_NEAREST_MAX_BYTES]; /* "" while nothing is near */
    size_t distance;                 /* of the best; what is as far is not near */
};

/* Look for names near to the LEN bytes at WANTED: fewer than half of its characters are edited, but
 * one always may be. */
void gh_nearest_begin(struct gh_nearest *nearest, const char *wanted, size_t len);

/* NAME is a known one. Of two that are equally near the first one tried stays. */
void gh_nearest_try(struct gh_nearest *nearest, const char *name);

#endif
