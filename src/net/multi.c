/* SPDX-License-Identifier: Apache-2.0
 *
 * net/multi.c - libcurl tells which sockets and which time it waits for; the loop waits for them.
 * Source: libcurl's curl_multi_socket_action(3). */
#include <stdlib.h>

#include "base/alloc.h"
#include "net/net_inner.h"

/* Open connections in all, idle ones included; also to one host. As many as exchanges may be open. */
#define CONNECTIONS_MAX ((long)GH_NET_OPEN_MAX)

struct gh_multi {
    const struct gh_curl *curl;
    CURLM *handle;
    uv_loop_t *loop;
    uv_timer_t timer;
    unsigned open_handles; /* of the loop: the timer and the sockets */
    bool is_closing;
    gh_multi_over *on_over;
    void (*closed)(void *context);
    void *context; /* of both */
};

/* A socket of libcurl's that the loop watches. */
struct watched {
    struct gh_multi *multi;
    uv_poll_t poll;
    curl_socket_t fd;
};

/* ---- the end ---- */

static void
on_handle_closed(struct gh_multi *multi)
{
    if (--multi->open_handles > 0)
        return;
    if (multi->closed)
        multi->closed(multi->context);
    free(multi);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct watched *watched = handle->data;

    on_handle_closed(watched->multi);
    free(watched);
}

void
gh_multi_close(struct gh_multi **multi_of, void (*closed)(void *context))
{
    struct gh_multi *multi = gh_take(*multi_of);

    multi->is_closing = true;
    multi->closed = closed;
    multi->curl->multi_cleanup(multi->handle);
    multi->handle = NULL;
    uv_close((uv_handle_t *)&multi->timer, on_timer_closed);
}

/* ---- what happens ---- */

/* Tell who asked of all exchanges that are over. Each may close the multi. */
static void
tell_ends(struct gh_multi *multi)
{
    const struct gh_curl *curl = multi->curl;
    const CURLMsg *message;
    int left;

    while (!multi->is_closing && (message = curl->multi_info_read(multi->handle, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle; /* removing it frees the message */
        CURLcode result = message->data.result;
        curl->multi_remove_handle(multi->handle, easy);
        multi->on_over(multi->context, easy, result);
    }
}

static void
act(struct gh_multi *multi, curl_socket_t fd, int what)
{
    int running;

    if (multi->is_closing)
        return;
    multi->curl->multi_socket_action(multi->handle, fd, what, &running);
    tell_ends(multi);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watched *watched = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;

    what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(watched->multi, watched->fd, what);
}

static void
on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- what libcurl wants ---- */

static struct watched *
watch(struct gh_multi *multi, curl_socket_t fd)
{
    struct watched *watched = gh_alloc(sizeof *watched);

    if (uv_poll_init(multi->loop, &watched->poll, fd) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    watched->multi = multi;
    watched->fd = fd;
    multi->open_handles++;
    multi->curl->multi_assign(multi->handle, fd, watched);
    return watched;
}

static int
on_want_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    struct gh_multi *multi = context;
    struct watched *watched = of_socket;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched)
            uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
        if (watched && !multi->is_closing)
            multi->curl->multi_assign(multi->handle, fd, NULL);
        return 0;
    }
    if (!watched)
        watched = watch(multi, fd);
    if (!watched)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watched->poll, events, on_poll) == 0 ? 0 : -1;
}

/* One millisecond later than asked: libcurl does not ask again for a time that has not come, and the loop's
 * clock has whole milliseconds. */
static int
on_want_time(CURLM *handle, long wait_ms, void *context)
{
    struct gh_multi *multi = context;

    (void)handle;
    if (multi->is_closing)
        return 0;
    if (wait_ms < 0)
        return uv_timer_stop(&multi->timer);
    uv_update_time(multi->loop);
    return uv_timer_start(&multi->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms + 1 : 0, 0);
}

/* ---- the start ---- */

struct gh_multi *
gh_multi_new(uv_loop_t *loop, const struct gh_curl *curl, gh_multi_over *on_over, void *context)
{
    CURLM *handle = curl->multi_init();
    if (!handle)
        return NULL;

    struct gh_multi *multi = gh_alloc(sizeof *multi);
    *multi = (struct gh_multi){.curl = curl,
                               .handle = handle,
                               .loop = loop,
                               .open_handles = 1,
                               .on_over = on_over,
                               .context = context};
    uv_timer_init(loop, &multi->timer);
    multi->timer.data = multi;

    curl->multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    curl->multi_setopt(handle, CURLMOPT_SOCKETDATA, multi);
    curl->multi_setopt(handle, CURLMOPT_TIMERFUNCTION, on_want_time);
    curl->multi_setopt(handle, CURLMOPT_TIMERDATA, multi);
    curl->multi_setopt(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
    curl->multi_setopt(handle, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX);
    curl->multi_setopt(handle, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    return multi;
}

bool
gh_multi_add(struct gh_multi *multi, CURL *easy)
{
    return multi->curl->multi_add_handle(multi->handle, easy) == CURLM_OK;
}

void
gh_multi_remove(struct gh_multi *multi, CURL *easy)
{
    multi->curl->multi_remove_handle(multi->handle, easy);
}
