/* SPDX-License-Identifier: Apache-2.0
 *
 * net/http.c - who asks, whose turn it is, and how each request ends. */
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/words.h"
#include "net/net_inner.h"

/* Nothing was asked for so long: connections are closed, so that none is held that the other side has
 * closed already. */
#define IDLE_MS 90000u

enum library { LIBRARY_UNKNOWN, LIBRARY_LOADING, LIBRARY_READY, LIBRARY_MISSING };

enum state {
    WAITING, /* for its turn */
    OPEN,    /* libcurl has it */
    FAILED,  /* ERR is told in the next turn of the loop */
    OVER,
};

struct gh_net_request {
    struct gh_net_answer answer; /* first: gh_net_answer.header finds the request by it */
    struct gh_net *net;
    enum state state;
    uv_timer_t timer; /* the deadline; or the next turn */

    /* A copy of the order, until it is this request's turn. */
    struct gh_net_order order;
    char *method, *url, *bearer, *content_type, *ca_file;
    struct gh_words headers;
    char *body;

    struct gh_transfer transfer;
    struct gh_err err;
    char *header_value; /* the last that was asked for */
    gh_net_done *done;
    void *context;
    struct gh_net_request *prev, *next;
};

struct gh_net {
    uv_loop_t *loop;
    uv_work_t loading;
    uv_timer_t idle;
    enum library library;
    const struct gh_curl *curl;
    struct gh_err load_err;
    struct gh_multi *multi;                         /* NULL while nothing was asked for long */
    struct gh_net_request *waiting, *open, *failed; /* in the order in which they were asked */
    unsigned waiting_count, open_count;
    unsigned holds; /* handles and work of the loop that need this struct */
    bool is_stopping;
    void (*stopped)(void *context);
    void *context;
};

/* ---- the end of it all ---- */

static void
let_go(struct gh_net *net)
{
    if (--net->holds > 0)
        return;
    if (net->stopped)
        net->stopped(net->context);
    free(net);
}

static void
on_idle_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void
on_multi_closed(void *context)
{
    let_go(context);
}

static void
close_multi(struct gh_net *net)
{
    if (net->multi)
        gh_multi_close(&net->multi, on_multi_closed);
}

/* ---- the order, kept ---- */

static char *
keep(const char *text)
{
    return text ? gh_strdup(text) : NULL;
}

static void
wipe(char **text_of, size_t len)
{
    if (*text_of)
        explicit_bzero(*text_of, len);
    gh_free(text_of);
}

static void
keep_order(struct gh_net_request *request, const struct gh_net_order *order)
{
    request->method = keep(order->method);
    request->url = keep(order->url);
    request->bearer = keep(order->bearer);
    request->content_type = keep(order->content_type);
    request->ca_file = keep(order->ca_file);
    for (size_t i = 0; order->headers && order->headers[i]; i++)
        gh_words_add(&request->headers, order->headers[i]);
    if (order->body.len > 0)
        request->body = gh_strndup(order->body.bytes, order->body.len);

    request->order = *order;
    request->order.method = request->method;
    request->order.url = request->url;
    request->order.bearer = request->bearer;
    request->order.content_type = request->content_type;
    request->order.ca_file = request->ca_file;
    request->order.headers = (const char *const *)request->headers.list;
    request->order.body.bytes = request->body;
}

static void
forget_order(struct gh_net_request *request)
{
    wipe(&request->bearer, request->bearer ? strlen(request->bearer) : 0);
    wipe(&request->body, request->order.body.len);
    gh_free(&request->method);
    gh_free(&request->url);
    gh_free(&request->content_type);
    gh_free(&request->ca_file);
    gh_words_done(&request->headers);
}

/* ---- the end of a request ---- */

static void
on_request_closed(uv_handle_t *handle)
{
    struct gh_net_request *request = handle->data;
    struct gh_net *net = request->net;

    forget_order(request);
    gh_transfer_done(&request->transfer);
    free(request->header_value);
    free(request);
    let_go(net);
}

/* Out of its list, off the network. */
static void
take_out(struct gh_net_request *request)
{
    struct gh_net *net = request->net;

    if (request->state == WAITING) {
        DL_DELETE(net->waiting, request);
        net->waiting_count--;
    } else if (request->state == OPEN) {
        DL_DELETE(net->open, request);
        net->open_count--;
        if (request->transfer.easy && net->multi)
            gh_multi_remove(net->multi, request->transfer.easy);
    } else {
        DL_DELETE(net->failed, request);
    }
    request->state = OVER;
    gh_transfer_close(&request->transfer);
    uv_close((uv_handle_t *)&request->timer, on_request_closed);
}

static const char *
find_header(const struct gh_net_answer *answer, const char *name)
{
    struct gh_net_request *request = (struct gh_net_request *)answer;
    const char *line = gh_buf_text(&request->transfer.head);
    size_t len = strlen(name);

    for (; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1;
        line += strspn(line, " \t");
        free(request->header_value);
        request->header_value = gh_strndup(line, strcspn(line, "\r\n"));
        return request->header_value;
    }
    return NULL;
}

/* What its answer says is told to who asked; problem is set when there is none. */
static void
tell(struct gh_net_request *request, unsigned status)
{
    struct gh_buf *body = &request->transfer.body;

    request->answer = (struct gh_net_answer){.status = status, .header = find_header};
    if (status == 0) {
        request->answer.problem = request->err.text;
        request->transfer.head.len = 0;
        body->len = 0;
    }
    request->answer.body = (struct gh_slice){gh_buf_text(body), body->len};
    take_out(request);
    request->done(request->context, &request->answer);
}

/* ---- whose turn it is ---- */

static void
on_idle(uv_timer_t *timer)
{
    close_multi(timer->data);
}

static void on_over(void *context, CURL *easy, CURLcode result);
static void on_timer(uv_timer_t *timer);

/* Told in the next turn of the loop, since who asks is not called from within. */
static void
fail_later(struct gh_net_request *request)
{
    request->state = FAILED;
    DL_APPEND(request->net->failed, request);
    uv_timer_start(&request->timer, on_timer, 0, 0);
}

static void
move_to_failed(struct gh_net_request *request)
{
    struct gh_net *net = request->net;

    DL_DELETE(net->waiting, request);
    net->waiting_count--;
    fail_later(request);
}

static bool
has_multi(struct gh_net *net)
{
    if (net->multi)
        return true;
    net->multi = gh_multi_new(net->loop, net->curl, on_over, net);
    net->holds += net->multi != NULL;
    return net->multi != NULL;
}

/* The first of those who wait. */
static void
open_next(struct gh_net *net)
{
    struct gh_net_request *request = net->waiting;

    if (!has_multi(net) ||
        gh_transfer_open(&request->transfer, net->curl, &request->order, request, &request->err) !=
            GH_OK ||
        !gh_multi_add(net->multi, request->transfer.easy)) {
        gh_transfer_close(&request->transfer);
        if (!request->err.code)
            gh_err_set(&request->err, GH_E_SYSTEM, "no memory for a request");
        move_to_failed(request);
        return;
    }
    DL_DELETE(net->waiting, request);
    net->waiting_count--;
    DL_APPEND(net->open, request);
    net->open_count++;
    request->state = OPEN;
    forget_order(request); /* the library has its own copies */
}

static void
go_on(struct gh_net *net)
{
    if (net->is_stopping || net->library != LIBRARY_READY)
        return;
    while (net->waiting && net->open_count < GH_NET_OPEN_MAX)
        open_next(net);
    if (net->open_count == 0)
        uv_timer_start(&net->idle, on_idle, IDLE_MS, 0);
    else
        uv_timer_stop(&net->idle);
}

static void
on_over(void *context, CURL *easy, CURLcode result)
{
    struct gh_net *net = context;
    struct gh_net_request *request = gh_transfer_owner(net->curl, easy);
    unsigned status = gh_transfer_status(&request->transfer, result);

    if (status == 0)
        gh_transfer_explain(&request->transfer, result, &request->err);
    tell(request, status);
    go_on(net);
}

static void
on_timer(uv_timer_t *timer)
{
    struct gh_net_request *request = timer->data;
    struct gh_net *net = request->net;

    if (request->state != FAILED)
        gh_err_set(&request->err, GH_E_SYSTEM, "it did not answer within %u ms",
                   request->order.timeout_ms);
    tell(request, 0);
    go_on(net);
}

/* ---- the library ---- */

static void
load(uv_work_t *work)
{
    struct gh_net *net = work->data;

    net->curl = gh_curl_load(&net->load_err);
}

static void
on_loaded(uv_work_t *work, int status)
{
    struct gh_net *net = work->data;

    (void)status;
    net->library = net->curl ? LIBRARY_READY : LIBRARY_MISSING;
    if (!net->curl && !net->is_stopping)
        gh_log(GH_LOG_ERR, "net.no_library", "reason=%s", gh_log_quote(net->load_err.text));
    while (net->library == LIBRARY_MISSING && net->waiting) {
        net->waiting->err = net->load_err;
        move_to_failed(net->waiting);
    }
    go_on(net);
    let_go(net);
}

/* A library that is missing is looked for again with each question: somebody may have installed it. */
static void
load_library(struct gh_net *net)
{
    if (net->library == LIBRARY_LOADING || net->library == LIBRARY_READY)
        return;
    net->library = LIBRARY_LOADING;
    net->loading.data = net;
    net->holds++;
    uv_queue_work(net->loop, &net->loading, load, on_loaded);
}

/* ---- the interface ---- */

struct gh_net *
gh_net_new(uv_loop_t *loop)
{
    struct gh_net *net = gh_alloc(sizeof *net);

    net->loop = loop;
    net->holds = 1;
    uv_timer_init(loop, &net->idle);
    uv_unref((uv_handle_t *)&net->idle);
    net->idle.data = net;
    return net;
}

void
gh_net_stop(struct gh_net *net, void (*done)(void *context), void *context)
{
    net->is_stopping = true;
    net->stopped = done;
    net->context = context;
    while (net->waiting)
        take_out(net->waiting);
    while (net->open)
        take_out(net->open);
    while (net->failed)
        take_out(net->failed);
    close_multi(net);
    uv_close((uv_handle_t *)&net->idle, on_idle_closed);
}

struct gh_net_request *
gh_net_ask(struct gh_net *net, const struct gh_net_order *order, gh_net_done *done, void *context)
{
    struct gh_net_request *request = gh_alloc(sizeof *request);

    request->net = net;
    request->done = done;
    request->context = context;
    keep_order(request, order);
    uv_timer_init(net->loop, &request->timer);
    request->timer.data = request;
    net->holds++;

    if (net->waiting_count >= GH_NET_WAITING_MAX) {
        gh_err_set(&request->err, GH_E_SYSTEM, "%u others wait for their turn already",
                   net->waiting_count);
        fail_later(request);
        return request;
    }
    request->state = WAITING;
    DL_APPEND(net->waiting, request);
    net->waiting_count++;
    uv_update_time(net->loop); /* a turn may have been long */
    uv_timer_start(&request->timer, on_timer, order->timeout_ms, 0);
    load_library(net);
    go_on(net);
    return request;
}

void
gh_net_cancel(struct gh_net_request *request)
{
    struct gh_net *net = request->net;

    take_out(request);
    go_on(net);
}
