/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

/* How many single-character edits turn A into B (Levenshtein). */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t row[GH_NEAREST_MAX_BYTES], b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t added = row[j - 1] + 1, removed = row[j] + 1;
            diagonal = row[j];
            row[j] = replaced < added ? replaced : added;
            row[j] = removed < row[j] ? removed : row[j];
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
