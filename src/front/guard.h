/* SPDX-License-Identifier: Apache-2.0
 *
 * front/guard.h - is this head one request, whoever reads it?
 *
 * Two parties that frame a request differently can be made to see different requests (smuggling).
 * libmicrohttpd parses; the guard is fed what it parsed and refuses whatever another party could
 * read otherwise: 400 and close, never repair. Pure, no allocation, fuzzed.
 * Source: RFC 9112 sections 3.2, 5, 6.1-6.3; front-and-faults.md section 2. */
#ifndef GH_FRONT_GUARD_H
#define GH_FRONT_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/call.h"

struct gh_guard {
    const char *problem; /* first thing found wrong, static text; NULL so far */
    bool is_http11;
    unsigned hosts, content_lengths, transfer_encodings;
    size_t header_count, header_bytes; /* bytes: of names and values */
    bool expects_more;                 /* than a 100-continue; in HTTP/1.1 only */
    struct gh_slice host;
    bool is_chunked;
    unsigned long long content_length; /* bytes; 0 when there is none */
};

/* Is VALUE a host name or address with an optional port; or empty? */
bool gh_guard_is_authority(struct gh_slice value);

/* METHOD and VERSION as in the request line, "GET" and "HTTP/1.1". */
void gh_guard_start(struct gh_guard *guard, const char *method, const char *version);
void gh_guard_header(struct gh_guard *guard, struct gh_slice name, struct gh_slice value);

/* All headers were fed: NULL when the head is sound, else why not. */
const char *gh_guard_verdict(struct gh_guard *guard);

/* A request that a browser made (it carries Origin or Sec-Fetch-Site, or calls itself Mozilla, as all
 * browsers do; a page that reached us by a rebound name sends only the last): may it be served? A page
 * of another site must not drive this node, so the name in Host must be an address, localhost or in one of
 * the lists NAMES ("a,b"; NULL behind the last), the request must not come from another site, links included, and a body
 * must be of type JSON, which a form cannot send. HOST is the Host value; FETCH_SITE and CONTENT_TYPE
 * may be NULL. Returns 0, or the status to answer (403, 415) with *PROBLEM_OUT. */
unsigned gh_guard_browser(struct gh_slice host, const char *fetch_site, const char *content_type,
                          bool has_body, const char *const *names, const char **problem_out);

#endif
