/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

static size_t
smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many edits turn A into B: a character added, removed or replaced, or two neighbours the other way
 * round, which is how names are mistyped most (optimal string alignment). */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t rows[3][GH_NEAREST_MAX_BYTES], b_len = strlen(b), i;
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (i = 1; a[i - 1]; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool is_same = a[i - 1] == b[j - 1];
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + !is_same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return row[b_len];
}

void
gh_nearest_begin(struct gh_nearest *nearest, const char *wanted, size_t len)
{
    memset(nearest, 0, sizeof *nearest);
    if (len >= sizeof nearest->wanted)
        return;
    memcpy(nearest->wanted, wanted, len);
    nearest->distance = len / 2 > 2 ? len / 2 : 2;
}

void
gh_nearest_try(struct gh_nearest *nearest, const char *name)
{
    size_t len = strlen(name);

    if (nearest->distance == 0 || len >= sizeof nearest->best)
        return;
    size_t distance = edit_distance(nearest->wanted, name);
    if (distance >= nearest->distance)
        return;
    nearest->distance = distance;
    memcpy(nearest->best, name, len + 1);
}
