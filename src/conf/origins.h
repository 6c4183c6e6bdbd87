/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/origins.h - origins of web pages, "https://app.example:8443", and lists of them; "*" as the
 * whole list stands for any. Compared as browsers write them, without regard to case. Source: RFC 6454
 * section 6.2. Pure, any thread. */
#ifndef GH_CONF_ORIGINS_H
#define GH_CONF_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Is LIST empty, "*", or made of origins? Errors: GH_E_INPUT, which names the entry. */
int gh_origins_check(const char *list, struct gh_err *err) GH_MUST_USE;

bool gh_origins_are_any(const char *list);

/* Does LIST name ORIGIN itself? "*" names none. */
bool gh_origins_name(const char *list, const char *origin);

/* Is ORIGIN one of HOST ("a.example:80"), HOST_LEN bytes, by either scheme? The port that its scheme has
 * anyway may be left out on either side. */
bool gh_origin_is(const char *origin, const char *host, size_t host_len);

#endif
