/* SPDX-License-Identifier: Apache-2.0
 *
 * front/coding.h - which content coding an answer gets: what the client takes, best first, and what is
 * worth it. Source: RFC 9110 sections 8.4.1 and 12.5.3. Pure, no allocation, fuzzed. */
#ifndef GH_FRONT_CODING_H
#define GH_FRONT_CODING_H

#include <stdbool.h>

/* In the order in which we take them where a client has no preference. */
enum gh_coding { GH_CODING_IDENTITY, GH_CODING_ZSTD, GH_CODING_GZIP, GH_CODING_DEFLATE };

/* "gzip" for GH_CODING_GZIP and so on. */
const char *gh_coding_name(enum gh_coding coding);

/* The coding that ACCEPT_ENCODING, which may be NULL, prefers. GH_CODING_IDENTITY when it takes no other, and when
 * it is malformed. */
enum gh_coding gh_coding_choose(const char *accept_encoding);

/* Is CONTENT_TYPE, which may be NULL, one of text that compresses well? */
bool gh_coding_is_for(const char *content_type);

#endif
