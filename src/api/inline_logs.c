/* SPDX-License-Identifier: Apache-2.0 */
#include "api/inline_logs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "pool/shm.h"
#include "store/runs.h"
#include "wire/reply.h"

#define RESULT_WINDOW_BYTES (256u << 10) /* of a result in shared memory that wait unsent */
#define KNOWN_DIVISOR 10u /* part of the wait for a client that took its lines so before */

enum state {
    GRACE,     /* a reader may still come */
    LISTENING, /* none came in time; the first output opens the stream */
    PLAIN,     /* one came: the answer is one JSON document */
    STREAMING, /* lines are being sent */
};

struct answer {
    unsigned status;
    const char *content_type;
    uint8_t *body;
    size_t len;
    int fd;
};

struct inline_logs {
    struct gh_request request; /* first: what the call is answered through */
    struct gh_request *client;
    struct gh_run *run; /* our share of it: it ends after the answer */
    struct gh_run_watch watch;
    struct gh_run_reader *reader; /* while STREAMING; NULL when the daemon is about to end */
    enum state state;
    uv_timer_t timer;
    bool has_answer;      /* and it waits, in ANSWER */
    struct answer answer; /* of the call, ours to free */
    const char *result;   /* the mapping of ANSWER's fd, being sent */
    size_t result_sent;
};

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The client has been answered, or is gone. */
static void
inline_logs_free(struct inline_logs *logs)
{
    if (logs->reader)
        gh_run_reader_drop(logs->reader);
    gh_run_unwatch(&logs->watch);
    gh_run_end(logs->run);
    gh_shm_unmap(logs->result, logs->answer.len);
    free(logs->answer.body);
    if (logs->answer.fd >= 0)
        close(logs->answer.fd);
    uv_close((uv_handle_t *)&logs->timer, on_timer_closed);
}

/* ---- plain ---- */

static void
answer_plainly(struct inline_logs *logs)
{
    struct gh_request *client = logs->client;
    struct answer *answer = &logs->answer;

    gh_request_release(client);
    client->retry_after_s = logs->request.retry_after_s;
    if (answer->fd >= 0)
        client->sink->reply_fd(client, answer->status, answer->content_type, answer->fd,
                               answer->len);
    else
        client->sink->reply(client, answer->status, answer->content_type, gh_take(answer->body),
                            answer->len);
    answer->fd = -1;
    inline_logs_free(logs);
}

/* ---- streamed ---- */

static size_t
on_lines(void *context, const char *lines, size_t len)
{
    struct gh_request *client = ((struct inline_logs *)context)->client;

    return client->sink->write(client, lines, len);
}

static void
on_readers_ended(void *context)
{
    ((struct inline_logs *)context)->reader = NULL;
}

static void
open_stream(struct inline_logs *logs)
{
    static const struct gh_run_reader_events events = {on_lines, on_readers_ended};

    logs->state = STREAMING;
    logs->client->sink->stream(logs->client, 200, GH_JSON);
    logs->reader = gh_run_read_for_call(logs->run, &events, logs);
    gh_log(GH_LOG_DEBUG, "logs.inline", "request_id=%s", logs->client->id);
}

static void
end_stream(struct inline_logs *logs)
{
    struct gh_request *client = logs->client;

    if (client->peer)
        client->peer->takes_lines = true;
    client->sink->write(client, "\n", 1);
    client->on_sent = NULL;
    gh_request_release(client);
    client->sink->end(client);
    inline_logs_free(logs);
}

/* The client reads an output_type of every line. An answer of another status than 200 has none; its calls
 * get one for faults of ours alone. */
static void
add_line(struct inline_logs *logs, const char *body, size_t len)
{
    struct gh_buf line GH_SCOPED(gh_buf_done) = {0};

    if (logs->answer.status != 200) {
        char *text GH_SCOPED(gh_free) =
            gh_asprintf("The call ended with status %u: %.*s", logs->answer.status, (int)len, body);
        gh_reply_add_exception(&line, GH_PY_RUNTIME_ERROR, text);
        body = (const char *)line.bytes;
        len = line.len;
    }
    logs->client->sink->write(logs->client, body, len);
}

/* Send on of a result in shared memory, which may be larger than our own memory should become. */
static void
send_result(struct inline_logs *logs)
{
    struct gh_request *client = logs->client;
    size_t waiting = client->sink->write(client, "", 0);

    while (waiting < RESULT_WINDOW_BYTES && logs->result_sent < logs->answer.len) {
        size_t left = logs->answer.len - logs->result_sent;
        size_t len = left < RESULT_WINDOW_BYTES ? left : RESULT_WINDOW_BYTES;
        const char *from = logs->result + logs->result_sent;
        logs->result_sent += len;
        waiting = client->sink->write(client, from, len);
    }
    if (logs->result_sent == logs->answer.len)
        end_stream(logs);
}

static void
on_sent(struct gh_request *client, void *context, size_t len)
{
    (void)client;
    (void)len;
    send_result(context);
}

static void
add_answer(struct inline_logs *logs)
{
    struct answer *answer = &logs->answer;
    struct gh_err err;

    if (logs->reader)
        gh_run_reader_close(gh_take(logs->reader));
    if (answer->fd >= 0)
        logs->result = gh_shm_map(answer->fd, answer->len, &err);
    if (logs->result) {
        logs->client->on_sent = on_sent;
        send_result(logs);
        return;
    }
    if (answer->fd >= 0) {
        answer->status = 500;
        add_line(logs, err.text, strlen(err.text));
    } else {
        add_line(logs, (const char *)answer->body, answer->len);
    }
    end_stream(logs);
}

/* ---- which of both ---- */

static void
give_answer(struct inline_logs *logs)
{
    if (logs->state == STREAMING)
        add_answer(logs);
    else
        answer_plainly(logs);
}

static void
on_timer(uv_timer_t *timer)
{
    struct inline_logs *logs = timer->data;

    if (logs->state == GRACE && gh_run_has_output(logs->run))
        open_stream(logs);
    else if (logs->state == GRACE)
        logs->state = LISTENING;
    if (logs->has_answer)
        give_answer(logs);
}

static void
on_output(void *context)
{
    struct inline_logs *logs = context;

    if (logs->state == LISTENING)
        open_stream(logs);
}

/* The reader is about to be served: an answer that waits is given when it has been. */
static void
on_reader(void *context)
{
    struct inline_logs *logs = context;

    if (logs->state == STREAMING)
        return;
    logs->state = PLAIN;
    if (logs->has_answer)
        uv_timer_start(&logs->timer, on_timer, 0, 0);
    else
        uv_timer_stop(&logs->timer);
}

/* ---- what stands in front of the client's request ---- */

static void
take_answer(struct inline_logs *logs, const struct answer *answer)
{
    logs->answer = *answer;
    logs->has_answer = true;
    gh_request_release(&logs->request);
    if (logs->state != GRACE || !gh_run_has_output(logs->run))
        give_answer(logs);
}

static void
sink_reply(struct gh_request *request, unsigned status, const char *content_type, uint8_t *body,
           size_t len)
{
    take_answer((struct inline_logs *)request,
                &(struct answer){status, content_type, body, len, -1});
}

static void
sink_reply_fd(struct gh_request *request, unsigned status, const char *content_type, int fd,
              size_t len)
{
    take_answer((struct inline_logs *)request,
                &(struct answer){status, content_type, NULL, len, fd});
}

/* All that whoever answers a call uses. */
static const struct gh_sink sink = {.reply = sink_reply, .reply_fd = sink_reply_fd};

static void
on_client_gone(struct gh_request *client, void *context)
{
    struct inline_logs *logs = context;

    (void)client;
    if (logs->request.on_gone)
        logs->request.on_gone(&logs->request, logs->request.on_gone_context);
    inline_logs_free(logs);
}

/* How long a reader is waited for. A program that prints in a loop, or a generator at each step, should not
 * wait long each time; but a proxy may give one connection to several clients, and a client that asked
 * for its lines when it was too late needs all the time there is. */
static uint64_t
grace_ms(const struct gh_api *api, const struct gh_request *request)
{
    uint64_t wait_ms = api->settings->inline_logs_wait_ms;
    bool is_known = request->peer && request->peer->takes_lines;

    return is_known && !gh_runs_had_late_reader(api->runs) ? wait_ms / KNOWN_DIVISOR : wait_ms;
}

struct gh_request *
gh_inline_logs_wrap(struct gh_api *api, struct gh_request *request, const struct gh_run *run,
                    struct gh_slice run_name, struct gh_slice key)
{
    if (!memchr(run_name.bytes, '@', run_name.len) || api->settings->inline_logs_wait_ms == 0 ||
        request->is_local || gh_run_was_asked_for(run))
        return request;

    struct inline_logs *logs = gh_alloc(sizeof *logs);
    logs->request = *request;
    logs->request.sink = &sink;
    logs->client = request;
    request->on_gone = on_client_gone;
    request->on_gone_context = logs;
    logs->answer.fd = -1;
    logs->run = gh_run_begin(api->runs, run_name, key);
    logs->watch =
        (struct gh_run_watch){.on_output = on_output, .on_reader = on_reader, .context = logs};
    gh_run_watch(logs->run, &logs->watch);
    uv_timer_init(api->loop, &logs->timer);
    logs->timer.data = logs;
    uv_timer_start(&logs->timer, on_timer, grace_ms(api, request), 0);
    return &logs->request;
}
