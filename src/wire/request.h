/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/request.h - one HTTP request on its way down, and the door its answer goes back through.
 *
 * front/ makes it, api/ answers it exactly once: by reply, reply_fd, or stream followed by writes
 * and end. It may be answered at once or in a later turn of the loop. When the client leaves first,
 * on_gone is called once and the request must not be touched afterwards. Loop thread only.
 *
 * A body usually is whole when api/ gets it. Whoever sets on_body as soon as it sees the head gets
 * it in pieces as they come, and may already answer; that answer's first byte leaves when the last
 * piece of the body is in. */
#ifndef GH_WIRE_REQUEST_H
#define GH_WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/httpframe.h"
#include "wire/url.h"

enum gh_method { GH_GET, GH_HEAD, GH_POST, GH_PUT, GH_PATCH, GH_DELETE, GH_OPTIONS, GH_OTHER };

#define GH_REQUEST_ID_BYTES 72u
#define GH_REQUEST_USER_BYTES 65u

struct gh_request;

/* One more header of an answer. */
struct gh_header {
    const char *name, *value;
};

struct gh_sink {
    /* Value of the request header NAME, or NULL. Borrowed until the request is answered. */
    const char *(*header)(struct gh_request *request, const char *name);
    /* Answer with LEN bytes at BODY, allocated with malloc and now the sink's to free. */
    void (*reply)(struct gh_request *request, unsigned status, const char *content_type,
                  uint8_t *body, size_t len);
    /* Answer with the first LEN bytes of the descriptor FD, now the sink's to close. */
    void (*reply_fd)(struct gh_request *request, unsigned status, const char *content_type, int fd,
                     size_t len);
    /* Begin an answer whose length is not known; then write and end. */
    void (*stream)(struct gh_request *request, unsigned status, const char *content_type);
    /* Queue LEN bytes; returns how many bytes wait unsent, these included. Where they cannot be kept until the
     * request is whole, on_gone is called from in here, and the request must not be touched afterwards. */
    size_t (*write)(struct gh_request *request, const void *bytes, size_t len);
    void (*end)(struct gh_request *request);
    /* Begin an answer with the status and headers of HEAD, borrowed; then write and end, or cut. */
    void (*start)(struct gh_request *request, const struct gh_http_start *head);
    /* An answer that was begun cannot be finished: close the connection, so that its client sees it.
     * The request must not be touched afterwards. */
    void (*cut)(struct gh_request *request);
    /* After on_body said no, or the head had to wait for its admission: go on with the body. */
    void (*read_on)(struct gh_request *request);
    /* Call FN for each header of the request, in order, with names as the client wrote them. */
    void (*each_header)(struct gh_request *request,
                        void (*fn)(void *context, struct gh_slice name, struct gh_slice value),
                        void *context);
    /* The two ends of the connection. SERVER_OUT may be NULL; the client's alone costs no system call. */
    void (*addresses)(struct gh_request *request, struct gh_http_address *client_out,
                      struct gh_http_address *server_out);
};

struct gh_route;

/* What was learnt of whoever is at the other end, as long as the connection lasts. */
struct gh_peer {
    bool takes_lines; /* an answer with the lines of its call inside was sent whole */
};

struct gh_request {
    const struct gh_sink *sink;
    const struct gh_route *route; /* set by api/ when it has found one */
    enum gh_method method;
    const char *method_text, *version_text; /* "GET", "HTTP/1.1"; as long as the request */
    const char *scheme;                     /* "http" or "https" */
    bool has_body;                          /* a body follows the head */
    struct gh_url url;                      /* raw, borrowed from the request line */
    struct gh_slice body;                   /* empty until it is whole */
    int body_fd;                  /* memfd that holds the body when it is large, else -1 */
    char id[GH_REQUEST_ID_BYTES]; /* X-Request-ID of the client, or one of our own */
    struct gh_peer *peer;         /* of its connection; NULL where nobody keeps one */
    bool is_local;                /* came over the control socket, from a program of this node */
    char user[GH_REQUEST_USER_BYTES]; /* who asks; "" when that is not known, or not checked */
    char tls_user
        [GH_REQUEST_USER_BYTES]; /* whom the client's certificate names, checked by client_ca */
    const char *denied;          /* why it may not, one static word; NULL when it may */
    uint64_t begun_ns;           /* uv_hrtime, when it is to be audited; else 0 */
    const char *allow;           /* value of an Allow header for the answer, static, or NULL */
    unsigned retry_after_s;      /* adds Retry-After when not 0 */
    const struct gh_header
        *headers; /* more of them, up to one without a name; or NULL. Copied when it is answered */

    void (*on_gone)(struct gh_request *request, void *context);
    /* A piece of the body. Says whether more may come at once; if not, read_on asks for more. */
    bool (*on_body)(struct gh_request *request, void *context, const char *bytes, size_t len);
    /* LEN more bytes of what was written are off our hands. May be NULL. */
    void (*on_sent)(struct gh_request *request, void *context, size_t len);
    void *on_gone_context; /* of these three */
};

/* The body's descriptor becomes the caller's; the request keeps its mapping. -1 when inline. */
static inline int
gh_request_take_body_fd(struct gh_request *request)
{
    int fd = request->body_fd;
    request->body_fd = -1;
    return fd;
}

/* For work that goes on without its client: *SLOT is REQUEST from now on, and NULL once the client has
 * left. The slot must stay until the request is answered or released. */
void gh_request_hold(struct gh_request *request, struct gh_request **slot);

/* The slot of REQUEST is about to go; who answers REQUEST now needs none. */
void gh_request_release(struct gh_request *request);

#endif
