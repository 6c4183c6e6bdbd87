/* SPDX-License-Identifier: Apache-2.0
 *
 * net_rig.h - a loop with a tiny server and the daemon's client on it, and what came of each question. */
#ifndef GH_TEST_NET_RIG_H
#define GH_TEST_NET_RIG_H

#include "net/http.h"
#include "tests/unit/tiny_http.h"

static uv_loop_t loop;
static struct tiny_http server;
static struct gh_net *net;

/* What came of one question. */
struct seen {
    struct gh_net_request *request;
    unsigned calls, status;
    char *problem, *body, *word;
    size_t len;
};

static struct seen seen[GH_NET_OPEN_MAX + GH_NET_WAITING_MAX + 2];
static unsigned answers, stops;

static void
set_up(void)
{
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("all_proxy");
    uv_loop_init(&loop);
    tiny_start(&server, &loop);
    net = gh_net_new(&loop);
    answers = stops = 0;
}

static void
on_stopped(void *context)
{
    ck_assert_ptr_eq(context, &loop);
    stops++;
}

static void
stop_net(void)
{
    if (net)
        gh_net_stop(net, on_stopped, &loop);
    net = NULL;
}

static void
tear_down(void)
{
    stop_net();
    tiny_stop(&server);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(stops, 1);
    ck_assert_uint_eq(server.open, 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    for (size_t i = 0; i < COUNT(seen); i++) {
        free(seen[i].problem);
        free(seen[i].body);
        free(seen[i].word);
    }
    memset(seen, 0, sizeof seen);
}

static char *
copy_of(const char *text)
{
    return text ? gh_strdup(text) : NULL;
}

static void
on_answer(void *context, const struct gh_net_answer *answer)
{
    struct seen *of = context;

    answers++;
    of->calls++;
    of->status = answer->status;
    of->problem = copy_of(answer->problem);
    of->body = gh_strndup(answer->body.bytes, answer->body.len);
    ck_assert_int_eq(answer->body.bytes[answer->body.len], '\0');
    of->len = answer->body.len;
    of->word = copy_of(answer->header(answer, "x-word"));
}

static struct gh_net_order
order_of(const char *path)
{
    static char url[256];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server.port, path);
    return (struct gh_net_order){
        .method = "GET", .url = url, .timeout_ms = 30000, .answer_max_bytes = 1000};
}

static void
ask(struct seen *of, const struct gh_net_order *order)
{
    of->request = gh_net_ask(net, order, on_answer, of);
    ck_assert_uint_eq(of->calls, 0);
}

static void
run_until(unsigned count)
{
    while (answers < count)
        ck_assert_int_ne(uv_run(&loop, UV_RUN_ONCE), 0);
}

__attribute__((unused)) static const struct seen *
get(const char *path)
{
    struct gh_net_order order = order_of(path);

    ask(&seen[0], &order);
    run_until(1);
    return &seen[0];
}

#endif
