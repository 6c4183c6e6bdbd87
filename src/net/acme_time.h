/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_time.h - when: times as a CA writes them, when to renew, when to try again. Times are seconds
 * of UTC since 1970. Pure functions, any thread. */
#ifndef GH_NET_ACME_TIME_H
#define GH_NET_ACME_TIME_H

#include <stdint.h>

/* "2026-11-26T03:40:05Z", with a fraction or another offset, too; -1 when TEXT is none of it. Source: RFC 3339. */
int64_t gh_acme_time(const char *text);

/* The value of a Retry-After header, seconds or a date, as seconds from NOW_S on; 0 when it is neither, or
 * past, and at most a week. Source: RFC 9110 section 10.2.3. */
unsigned gh_acme_retry_after(const char *value, int64_t now_s);

/* When to renew what is good from NOT_BEFORE_S to NOT_AFTER_S: when one third of that is left, and up to a
 * thirtieth earlier by CHANCE (any number), so that nodes that were set up together do not come together. */
int64_t gh_acme_renew_at(int64_t not_before_s, int64_t not_after_s, uint32_t chance);

/* A time between the two, by CHANCE. */
int64_t gh_acme_within(int64_t from_s, int64_t to_s, uint32_t chance);

/* How long to wait after the FAILURES-th failure in a row: FIRST_S, and four times as long each time, up to
 * MOST_S; then a tenth more or less by CHANCE. */
unsigned gh_acme_back_off_s(unsigned failures, unsigned first_s, unsigned most_s, uint32_t chance);

#endif
