/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/expiry.h - until when: a date, or how long from now. Pure functions. */
#ifndef GH_CLI_EXPIRY_H
#define GH_CLI_EXPIRY_H

#include <stdint.h>

#include "base/err.h"

/* Read TEXT: "30d", "12h", "90m", "45s", "2w" from NOW_S on, or "2027-01-31" (its beginning, UTC), or
 * "2027-01-31T18:00Z", with or without seconds. *AT_S_OUT is in Unix seconds, after NOW_S.
 * Returns GH_EXIT_OK; GH_EXIT_USAGE when it is none of these, or over. */
int gh_expiry_read(const char *text, int64_t now_s, int64_t *at_s_out, struct gh_err *err)
    GH_MUST_USE;

#endif
