/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_time.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
#define WEEK_S (7 * DAY_S)

/* Seconds east of UTC that TEXT names: "Z" or "+01:00". False when it is neither. */
static bool
read_offset(const char *text, int *east_s_out)
{
    unsigned hours, minutes;
    int len = 0;

    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *east_s_out = 0;
        return true;
    }
    if (*text != '+' && *text != '-')
        return false;
    if (sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &len) != 2 || text[1 + len] != '\0' ||
        hours > 23 || minutes > 59)
        return false;
    *east_s_out = (int)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    return true;
}

int64_t
gh_acme_time(const char *text)
{
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int east_s;

    if (!end)
        return -1;
    if (*end == '.')
        for (end++; isdigit((unsigned char)*end); end++)
            ;
    if (!read_offset(end, &east_s))
        return -1;
    int64_t at_s = (int64_t)timegm(&utc) - east_s;
    return at_s >= 0 ? at_s : -1;
}

unsigned
gh_acme_retry_after(const char *value, int64_t now_s)
{
    struct tm utc = {0};
    int64_t wait_s = 0;

    if (!value)
        return 0;
    if (isdigit((unsigned char)*value)) {
        wait_s = strspn(value, "0123456789") > 9 ? WEEK_S : atol(value);
    } else {
        const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        if (end && *end == '\0')
            wait_s = (int64_t)timegm(&utc) - now_s;
    }
    return wait_s <= 0 ? 0 : wait_s > WEEK_S ? WEEK_S : (unsigned)wait_s;
}

int64_t
gh_acme_renew_at(int64_t not_before_s, int64_t not_after_s, uint32_t chance)
{
    int64_t life_s = not_after_s > not_before_s ? not_after_s - not_before_s : 0;
    int64_t due_s = not_after_s - life_s / 3;

    return gh_acme_within(due_s - life_s / 30, due_s, chance);
}

int64_t
gh_acme_within(int64_t from_s, int64_t to_s, uint32_t chance)
{
    return to_s > from_s ? from_s + (int64_t)(chance % (uint64_t)(to_s - from_s + 1)) : from_s;
}

unsigned
gh_acme_back_off_s(unsigned failures, unsigned first_s, unsigned most_s, uint32_t chance)
{
    unsigned wait_s = first_s < most_s ? first_s : most_s;

    for (unsigned i = 1; i < failures && wait_s < most_s; i++)
        wait_s = wait_s < most_s / 4 ? wait_s * 4 : most_s;
    return (unsigned)gh_acme_within(wait_s - wait_s / 10, wait_s + wait_s / 10, chance);
}
