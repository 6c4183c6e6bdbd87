/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/expiry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define NUMBER_DIGITS_MAX 9u

static const struct {
    char letter;
    int64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};

static bool
read_duration(const char *text, int64_t *seconds_out)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > NUMBER_DIGITS_MAX || strlen(text) != digits + 1)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].letter == text[digits]) {
            *seconds_out = strtoll(text, NULL, 10) * units[i].seconds;
            return true;
        }
    }
    return false;
}

static bool
read_date(const char *text, int64_t *at_s_out)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm utc = {0};
        const char *end = strptime(text, forms[i], &utc);
        if (end && *end == '\0') {
            int day = utc.tm_mday;
            *at_s_out = (int64_t)timegm(&utc);
            return utc.tm_mday == day; /* the 30th of February would be another day */
        }
    }
    return false;
}

int
gh_expiry_read(const char *text, int64_t now_s, int64_t *at_s_out, struct gh_err *err)
{
    int64_t seconds;

    if (read_duration(text, &seconds))
        *at_s_out = now_s + seconds;
    else if (!read_date(text, at_s_out))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--expires is '%s', but must be how long (30d, 12h, 90m, 2w) or when "
                          "(2027-01-31, 2027-01-31T18:00Z)",
                          text);
    if (*at_s_out <= now_s)
        return gh_err_set(err, GH_EXIT_USAGE, "--expires is '%s', which is over", text);
    return GH_EXIT_OK;
}
