/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/url.h - request targets taken apart. Source: RFC 3986 sections 2.1, 3.3, 3.4; blanks written
 * as "+" in a query as browsers and the SDK's HTTP library do. Pure, any thread. */
#ifndef GH_WIRE_URL_H
#define GH_WIRE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "wire/call.h"

#define GH_URL_SEGMENTS_MAX 8u

struct gh_url {
    struct gh_slice authority;                     /* of absolute-form, "host:port"; else empty */
    struct gh_slice path;                          /* raw, up to '?' */
    struct gh_slice query;                         /* raw, behind '?'; empty when there is none */
    struct gh_slice segments[GH_URL_SEGMENTS_MAX]; /* raw, without empty trailing one */
    size_t segment_count;                          /* GH_URL_SEGMENTS_MAX + 1 when there are more */
};

/* Take TARGET (origin-form, or absolute-form whose scheme is skipped) apart. Slices
 * borrow from TARGET. A single trailing slash is dropped. Returns 0, or -1 when it is neither form,
 * or holds a control byte, a blank, '#', a byte above 0x7e or a bad percent escape. */
int gh_url_split(const char *target, size_t len, struct gh_url *url_out);

/* Append TEXT with its percent escapes decoded, and '+' as blank when IS_QUERY. Returns 0, or -1 on
 * an escape that is not two hex digits. */
int gh_url_decode(struct gh_buf *out, struct gh_slice text, bool is_query);

/* SEGMENT, a path segment of a target that gh_url_split took apart, as it is meant: decoded into SCRATCH
 * when it has escapes, else borrowed as it stands. */
struct gh_slice gh_url_plain(struct gh_slice segment, struct gh_buf *scratch);

/* The next "name=value" of a query: moves *REST behind it. Returns false at the end. Empty pairs
 * are skipped; a pair without '=' has an empty value. */
bool gh_url_next_pair(struct gh_slice *rest, struct gh_slice *name_out, struct gh_slice *value_out);

static inline bool
gh_slice_is(struct gh_slice slice, const char *text)
{
    size_t i = 0;
    while (i < slice.len && text[i] && slice.bytes[i] == text[i])
        i++;
    return i == slice.len && text[i] == '\0';
}

#endif
