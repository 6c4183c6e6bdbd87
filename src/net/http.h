/* SPDX-License-Identifier: Apache-2.0
 *
 * net/http.h - the daemon's own questions to others over HTTP and HTTPS: a Den, an ACME directory.
 *
 * libcurl's multi interface on the loop. The library is loaded when somebody first asks, in the thread
 * pool, so that a node that asks nobody pays nothing for it (docs/decisions/0014-libcurl-on-first-use.md);
 * where it is missing, the answer says so. Proxies are those of the environment, as libcurl has them.
 * Certificates are verified always, only http and https are spoken, also after a redirect.
 *
 *     struct gh_net_order order = {.method = "GET", .url = url, .bearer = token,
 *                                  .timeout_ms = 2000, .answer_max_bytes = 65536};
 *     request = gh_net_ask(net, &order, on_answer, context);
 *
 * At most GH_NET_OPEN_MAX exchanges are open at once, GH_NET_WAITING_MAX more wait for their turn, in
 * order; what comes on top is answered as failed. Loop thread only. */
#ifndef GH_NET_HTTP_H
#define GH_NET_HTTP_H

#include <stdbool.h>
#include <uv.h>

#include "wire/call.h"

#define GH_NET_OPEN_MAX 96u /* 32 callers that a Den is asked about: three questions each */
#define GH_NET_WAITING_MAX 1024u
#define GH_NET_REDIRECTS_MAX 5

struct gh_net;
struct gh_net_request;

/* One question. All is borrowed until gh_net_ask returns. */
struct gh_net_order {
    const char *method, *url;
    const char
        *bearer; /* token, or NULL; never logged, not sent on to another host by a redirect; all
                                   buffers that held it are wiped */
    const char *const *headers; /* "Name: value", up to NULL; or NULL */
    const char *content_type;   /* of BODY, or NULL */
    struct gh_slice body;       /* of a POST, PUT or PATCH */
    unsigned timeout_ms;        /* of the whole: waiting for its turn, connecting, TLS and answer */
    size_t answer_max_bytes;    /* of the body; a longer one fails */
    const char *ca_file;        /* PEM that alone is trusted; NULL: what the system trusts */
    bool follows_redirects;     /* up to GH_NET_REDIRECTS_MAX */
};

struct gh_net_answer {
    unsigned status;      /* of HTTP; 0: there was no whole answer, PROBLEM says why */
    const char *problem;  /* for people, without a token; NULL when there is a status */
    struct gh_slice body; /* NUL-terminated beyond its length */
    /* The value of the first header NAME, any case, or NULL; valid until the next call of it. */
    const char *(*header)(const struct gh_net_answer *answer, const char *name);
};

/* ANSWER and all in it is borrowed until the function returns. It may ask, cancel and stop. */
typedef void gh_net_done(void *context, const struct gh_net_answer *answer);

/* Cheap: nothing is loaded yet. */
struct gh_net *gh_net_new(uv_loop_t *loop);

/* Cancel all: no callback of a request comes any more. DONE is called in a later turn of the loop, when NET
 * is gone. NET must not be used after this. */
void gh_net_stop(struct gh_net *net, void (*done)(void *context), void *context);

/* Ask. DONE is called exactly once, in a later turn of the loop, unless the request is cancelled; the
 * request is gone afterwards. */
struct gh_net_request *gh_net_ask(struct gh_net *net, const struct gh_net_order *order,
                                  gh_net_done *done, void *context);

/* DONE is not called any more, and the connection is closed. Not for a request whose DONE was called. */
void gh_net_cancel(struct gh_net_request *request);

#endif
