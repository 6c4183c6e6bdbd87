/* SPDX-License-Identifier: Apache-2.0
 *
 * front/front_inner.h - what the files of front/ share and nobody else includes. */
#ifndef GH_FRONT_FRONT_INNER_H
#define GH_FRONT_FRONT_INNER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/ip.h"
#include "front/coding.h"
#include "front/crowd.h"
#include "front/forwarded.h"
#include "front/guard.h"
#include "front/handshake.h"
#include "front/listener.h"
#include "front/server.h"
#include "wire/request.h"

#define GH_PHASES(X) X(HANDSHAKE) X(HEAD) X(BODY) X(WORK) X(SEND) X(IDLE)

enum gh_phase {
#define X(name) GH_PHASE_##name,
    GH_PHASES(X)
#undef X
};

/* One TCP connection and how long it may stay in its phase. */
struct gh_conn {
    struct gh_conn *prev, *next;
    struct gh_server *server;
    struct MHD_Connection *mhd;
    int fd;
    enum gh_phase phase;
    uint64_t deadline_ms; /* loop time; 0: none */
    int queued_bytes;     /* not yet taken by the peer at the last look, while in SEND */
    int unread_bytes; /* not yet read by us at the last look, after the peer has closed its side */
    struct gh_exchange *exchange;
    struct gh_handshake *handshake; /* NULL without TLS */
    struct gh_peer peer;
    bool is_awaited; /* the daemon stops, but its first request, or the next one, is on its way */
    bool has_ip;     /* false: a UNIX socket */
    struct gh_ip ip;
    unsigned port;
    enum gh_welcome welcome;
    bool is_counted; /* in the crowd, by its address or by none */
    bool counts_for_ip;
    bool is_cut;        /* by a deadline */
    bool answers_early; /* its last answer left before its request was whole */
};

struct gh_lingering;

struct gh_server {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    struct gh_api *api;
    struct MHD_Daemon *mhd;
    struct gh_listener listener; /* closed once draining */
    struct gh_tls *tls;          /* of an HTTPS server */
    bool has_tls;                /* TLS is set later, when certificates are read */
    unsigned https_port;         /* where clients are sent on to; 0: nobody is */
    uv_poll_t poll;
    uv_idle_t idle; /* runs while libmicrohttpd has work left */
    uv_timer_t sweep;
    bool is_local; /* its listener is the control socket */
    bool is_sweeping;
    bool is_draining;
    bool has_closed; /* a connection went in the last run: libmicrohttpd may accept again */
    unsigned open_handles;
    struct gh_conn *conns;
    struct gh_lingering *lingering;
    unsigned lingering_count;
    unsigned exchange_count;
};

/* One request and its answer. */
struct gh_exchange {
    struct gh_request request; /* first: the sink gets back from one to the other */
    struct gh_conn *conn;
    struct MHD_Connection *mhd;
    char *target; /* raw request target */
    struct gh_guard guard;
    struct gh_forwarded forwarded; /* what a trusted proxy said; else empty */
    const char *cors_origin;       /* for Access-Control-Allow-Origin, or NULL. Borrowed */
    bool varies_by_origin, is_preflight;
    bool varies_by_coding;
    enum gh_coding coding; /* of the answer */
    bool has_head;
    bool is_suspended;
    bool is_answered;
    bool is_queued; /* the answer was handed to libmicrohttpd */
    bool is_gone;   /* the client left */
    bool wants_close;
    bool is_held;   /* suspended before its body, or resumed just now: may it go on? */
    bool is_paused; /* suspended in mid-body, since whoever takes it said no */
    bool has_end;   /* the body is whole */

    struct gh_buf body;
    int body_fd;
    const char *body_map;
    uint64_t body_len;
    uint64_t body_mark; /* body_len at the last extension of the deadline */

    unsigned status;
    struct MHD_Response *response;

    bool is_stream, is_stream_ended;
    bool is_cut;          /* its end is to look like a broken connection */
    bool drops_body;      /* of the answer: HEAD, 204, 304 */
    struct gh_buf stream; /* written, not yet taken by libmicrohttpd */
    size_t stream_used;
    int spool_fd; /* what was written before the stream's bytes, while the body still came in; or -1 */
    uint64_t spool_len, spool_used;
};

/* What follows a piece of a body. */
enum gh_take { GH_TAKE_ON, GH_TAKE_PAUSE, GH_TAKE_CLOSE };

/* exchange.c */
struct gh_exchange *gh_exchange_new(struct gh_server *server, const char *target,
                                    struct MHD_Connection *mhd);
void gh_exchange_free(struct gh_exchange *exchange);
void gh_exchange_take_head(struct gh_exchange *exchange, const char *method, const char *version);
/* The head is admitted: the body may come. */
void gh_exchange_expect_body(struct gh_exchange *exchange);
enum gh_take gh_exchange_take_body(struct gh_exchange *exchange, const char *bytes, size_t len);
void gh_exchange_take_end(struct gh_exchange *exchange);
/* Whoever takes the body in pieces gets no more of it: to them the client has left. */
void gh_exchange_drop_taker(struct gh_exchange *exchange);
/* Tell api/ that the client left; the exchange is then only waiting to be freed. */
void gh_exchange_gone(struct gh_exchange *exchange);

/* redirect.c: on a server that redirects, answer EXCHANGE with where HTTPS is. Says whether it did. */
bool gh_redirect(struct gh_exchange *exchange);
/* Over HTTPS, add Strict-Transport-Security to the answer when the settings ask for it. */
void gh_add_hsts(struct gh_exchange *exchange);

/* head.c */
/* May the request be served, as far as its head tells? Sets its url, scheme and has_body. False: it has been
 * answered. */
bool gh_head_passes(struct gh_exchange *exchange);
/* Answer STATUS with the text PROBLEM, and close. */
void gh_head_refuse(struct gh_exchange *exchange, unsigned status, const char *problem);

/* cors.c */
bool gh_cors_allows(const struct gh_settings *settings,
                    const char *origin); /* ORIGIN may be NULL */
void gh_cors_take_head(struct gh_exchange *exchange, bool is_for_app);
/* Answer it if it is a preflight of a page that may call. */
bool gh_cors_answers(struct gh_exchange *exchange);
void gh_cors_add_headers(struct gh_exchange *exchange);

/* answer.c */
extern const struct gh_sink gh_front_sink;
/* One more header for the answer. */
void gh_answer_add(struct gh_exchange *exchange, const char *name, const char *value);

/* packed.c */
/* The body of an answer: LEN bytes at BYTES, or of FD when that is not -1. */
struct gh_plain {
    uint8_t *bytes;
    int fd;
    size_t len;
};
/* A response that sends PLAIN compressed, as the client takes it, and owns it now. NULL: it goes as it is. */
struct MHD_Response *gh_packed_response(struct gh_exchange *exchange, unsigned status,
                                        const char *content_type, const struct gh_plain *plain);

/* linger.c */
/* The connection of FD is about to be closed while its client sends. */
void gh_linger(struct gh_server *server, int fd);
/* End what lingers longer than it may at NOW, loop time. */
void gh_linger_sweep(struct gh_server *server, uint64_t now);

/* server.c: a libuv handle counted in open_handles was closed. */
void gh_server_handle_closed(struct gh_server *server);

/* conn.c */
struct gh_conn *gh_conn_new(struct gh_server *server, struct MHD_Connection *mhd, int fd);
void gh_conn_free(struct gh_conn *conn);
void gh_conn_enter(struct gh_conn *conn, enum gh_phase phase);
void gh_conn_extend(struct gh_conn *conn);
/* Close the idle connections now; those whose request is on its way have a second for it. */
void gh_conn_close_idle(struct gh_server *server);
/* How many of these there still are. */
unsigned gh_conn_awaited(const struct gh_server *server);

#endif
