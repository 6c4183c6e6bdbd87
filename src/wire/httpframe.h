/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/httpframe.h - the bodies of the frames that carry an HTTP exchange to an app and back.
 *
 *     HTTP_REQUEST  byte 0      GH_HTTP_HAS_BODY: HTTP_BODY frames follow
 *                   byte 1      zero
 *                   bytes 2-3   number of headers
 *                   bytes 4-    texts, each ended by a NUL: key, request id, scheme, HTTP version,
 *                               method, path, query, client address, client port, server address,
 *                               server port, then name and value of each header
 *     HTTP_BODY     byte 0      1: this is the last one
 *                   bytes 1-    bytes of the request's body
 *     HTTP_GONE     -           the client left
 *     HTTP_SENT     bytes 0-3   so many more bytes of the answer's body were taken
 *     HTTP_START    bytes 0-1   status
 *                   bytes 2-3   number of headers
 *                   bytes 4-    name and value of each header, each ended by a NUL
 *     HTTP_DATA     bytes 0-    bytes of the answer's body
 *     HTTP_READ     bytes 0-3   so many more bytes of the request's body were read
 *     HTTP_END      byte 0      0: the answer is whole, 1: it cannot be finished
 *
 * Little endian. Header names of requests are in lower case; hop-by-hop headers do not travel.
 * Source: docs/ipc.md; RFC 9110 sections 5.6.2, 7.6.1. Pure, any thread. */
#ifndef GH_WIRE_HTTPFRAME_H
#define GH_WIRE_HTTPFRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/call.h"

#define GH_HTTP_HAS_BODY 1u

#define GH_HTTP_REQUEST_HEAD_BYTES 4u
#define GH_HTTP_START_HEAD_BYTES 4u

/* How much may be under way in either direction before the other side has said that it took it. */
#define GH_HTTP_WINDOW_BYTES (256u << 10)
#define GH_HTTP_STEP_BYTES (64u << 10) /* taken bytes are reported in steps of at least this */

#define GH_HTTP_HEADERS_MAX 65535u

/* One end of the connection; empty texts when it is a UNIX socket. */
struct gh_http_address {
    char host[46]; /* INET6_ADDRSTRLEN */
    char port[6];
};

struct gh_http_request {
    bool has_body;
    struct gh_slice key; /* of the app, as it is stored */
    const char *id, *scheme, *version, *method;
    struct gh_slice path, query; /* raw */
    struct gh_http_address client, server;
    const char *connection; /* value of the header Connection, whose names do not travel; or NULL */
};

/* The body of HTTP_REQUEST without headers, into OUT, which is empty. */
void gh_http_request_encode(struct gh_buf *out, const struct gh_http_request *request);

/* One more header for the body in OUT, unless it is hop-by-hop. */
void gh_http_request_add(struct gh_buf *out, const struct gh_http_request *request,
                         struct gh_slice name, struct gh_slice value);

/* The head of an answer. */
struct gh_http_start {
    unsigned status; /* 200 to 599 */
    unsigned header_count;
    struct gh_slice headers; /* for gh_http_next_header; borrowed */
    bool has_length;
    uint64_t content_length; /* bytes, as the app said */
};

/* Decode the body of HTTP_START. Returns 0; or -1 with *PROBLEM_OUT, a static text, when a length
 * does not fit, the status is out of range, a name is no token, a value holds CR, LF or NUL, or there
 * are several or unreadable Content-Length. */
int gh_http_start_decode(const uint8_t *body, size_t len, struct gh_http_start *start_out,
                         const char **problem_out);

/* The next header of START that is to be sent: moves *REST, at first start->headers, behind it.
 * Content-Length and hop-by-hop headers are left out. The texts are terminated and borrowed. */
bool gh_http_next_header(struct gh_slice *rest, const char **name_out, const char **value_out);

/* Is NAME a header that belongs to one connection only? In any case. */
bool gh_http_is_hop_by_hop(const char *name, size_t len);

/* Does LIST, the value of a header like Connection, name TOKEN? In any case. */
bool gh_http_lists(const char *list, const char *token, size_t len);

#endif
