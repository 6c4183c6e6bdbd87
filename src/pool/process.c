/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/process.c - a named process: start, frames from its worker, death, restart. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "pool/pool_inner.h"
#include "pool/shm.h"
#include "wire/le.h"

#define DEATHS_MAX 5u
#define DEATHS_WINDOW_MS 10000u
#define DELAY_FIRST_MS 50u
#define DELAY_MAX_MS 5000u
#define FAILED_EXIT_MS 1000u
#define PARK_MS 30000u /* then the next call tries again */

static const char *const state_names[] = {"STARTING", "READY", "WAITING", "PARKED", "HELD"};
static const struct gh_worker_events worker_events;

static void
enter_state(struct gh_process *process, enum gh_process_state state)
{
    if (process->state == state)
        return;
    gh_log(GH_LOG_DEBUG, "process.state", "process=%s from=%s to=%s", gh_log_quote(process->name),
           state_names[process->state], state_names[state]);
    process->state = state;
}

/* What the caller of CALL is told when its worker is gone. */
static char *
death_text(const struct gh_call *call, const char *how, const char *last_lines)
{
    const char *name = call->process->name;
    const char *intro = *last_lines ? " Its last output:\n" : "";

    if (call->kind == GH_FRAME_HELLO)
        return gh_asprintf("Process %s could not start (%s).%s%s", name, how, intro, last_lines);
    if (call->kind == GH_FRAME_CALL)
        return gh_asprintf("Process %s died while running %s.%s (%s).%s%s", name, call->key,
                           call->method, how, intro, last_lines);
    if (call->kind == GH_FRAME_RUN_BASH)
        return gh_asprintf("Process %s died while a command ran in it, which was killed (%s).%s%s",
                           name, how, intro, last_lines);
    if (call->kind == GH_FRAME_HTTP_REQUEST)
        return gh_asprintf("Process %s died while app %s served a %s (%s).%s%s", name, call->key,
                           call->method, how, intro, last_lines);
    return gh_asprintf("Process %s died during %s (%s).%s%s", name, gh_frame_kind_name(call->kind),
                       how, intro, last_lines);
}

static void
fail_calls(struct gh_process *process, const char *how, const char *last_lines)
{
    /* on_done may open new calls; those have no worker to go to and are refused. */
    while (process->calls) {
        char *text GH_SCOPED(gh_free) = death_text(process->calls, how, last_lines);
        struct gh_answer answer = {.failure = text, .fd = -1};
        gh_pool_close_call(process->calls, &answer);
    }
}

static void
add_env_vars(const struct gh_process *process, struct gh_buf *out)
{
    json_t *variables = gh_process_user_variables(process);
    char *text = json_dumps(variables, JSON_COMPACT);

    gh_buf_add_text(out, text);
    free(text);
    json_decref(variables);
}

void
gh_process_add_limits(const struct gh_pool *pool, struct gh_buf *out)
{
    gh_buf_addf(out, "\"log_level\":\"%s\",\"lazy_keep_s\":%llu,\"lazy_idle_s\":%llu",
                pool->settings->log_level, (unsigned long long)pool->settings->lazy_keep_s,
                (unsigned long long)pool->settings->lazy_idle_s);
}

/* HELLO, then what the layers above want to be there first. */
static void
greet(struct gh_process *process)
{
    struct gh_pool *pool = process->pool;
    struct gh_buf hello GH_SCOPED(gh_buf_done) = {0};
    char *paths = json_dumps(pool->paths, JSON_COMPACT);

    gh_buf_addf(&hello, "{\"protocol\":%d,\"process\":", GH_IPC_VERSION);
    gh_jsontext_quote(&hello, process->name, strlen(process->name), GH_JSONTEXT_UTF8);
    gh_buf_addf(&hello, ",\"sys_path\":%s,", paths);
    gh_process_add_limits(pool, &hello);
    gh_buf_add_text(&hello, ",\"env_vars\":");
    free(paths);
    add_env_vars(process, &hello);
    pool->events.add_hello(pool->events.context, &hello);
    gh_buf_add_byte(&hello, '}');

    struct gh_call_order order = {
        .kind = GH_FRAME_HELLO,
        .head = {.key = {process->name, strlen(process->name)},
                 .data = hello.bytes,
                 .data_len = hello.len},
        .fd = -1,
        .is_rebuilding = true,
    };
    struct gh_err err;
    gh_channel_hold(&process->worker->channel);
    if (gh_pool_call(process, &order, NULL, &err) == GH_OK)
        pool->events.on_started(pool->events.context, process);
    else
        gh_log(GH_LOG_ERR, "process.not_greeted", "process=%s reason=%s",
               gh_log_quote(process->name), gh_log_quote(err.text));
}

static void restart(struct gh_process *process);

/* The one timer of a process: the delay before a restart, the limit of a start, or of an exit. */
static void
on_timer(uv_timer_t *timer)
{
    struct gh_process *process = timer->data;

    if (process->state == GH_PROCESS_WAITING) {
        restart(process);
    } else if (process->state == GH_PROCESS_PARKED && process->worker) {
        gh_worker_kill(process->worker);
    } else if (process->state == GH_PROCESS_STARTING && process->worker) {
        gh_log(GH_LOG_ERR, "process.slow_start", "process=%s pid=%d start_timeout_ms=%llu",
               gh_log_quote(process->name), process->worker->pid,
               (unsigned long long)process->pool->settings->start_timeout_ms);
        gh_worker_kill(process->worker);
    }
}

static int
start_worker(struct gh_process *process, struct gh_err *err)
{
    struct gh_pool *pool = process->pool;
    struct gh_worker_program program = {
        .path = pool->program,
        .module_dir = pool->module_dir,
        .cache_dir = pool->cache_dir,
        .runtime = "python",
        .process_name = process->name,
        .python = process->python,
        .home = gh_home(),
    };

    json_t *variables = gh_process_first_variables(process);
    program.environment = variables;
    int rc = gh_worker_start(pool->loop, &program, &worker_events, process, &process->worker, err);
    json_decref(variables);
    if (rc != GH_OK)
        return gh_err_add(err, "process %s", process->name);
    pool->worker_count++;
    enter_state(process, GH_PROCESS_STARTING);
    uv_timer_start(process->timer, on_timer, pool->settings->start_timeout_ms, 0);
    greet(process);
    return GH_OK;
}

static void
park(struct gh_process *process, const char *reason)
{
    free(process->park_reason);
    process->park_reason = gh_strdup(reason);
    process->parked_ms = uv_now(process->pool->loop);
    enter_state(process, GH_PROCESS_PARKED);
    gh_log(GH_LOG_ERR, "process.parked", "process=%s reason=%s retry_after_ms=%u",
           gh_log_quote(process->name), gh_log_quote(reason), PARK_MS);
    gh_process_restart_failed(process, reason);
}

static void
restart(struct gh_process *process)
{
    struct gh_err err;

    process->restart_count++;
    if (start_worker(process, &err) != GH_OK)
        park(process, err.text);
}

unsigned
gh_pool_retry_after_s(const struct gh_process *process)
{
    uint64_t parked_ms = uv_now(process->pool->loop) - process->parked_ms;

    if (process->state != GH_PROCESS_PARKED || parked_ms >= PARK_MS)
        return 1;
    return (unsigned)((PARK_MS - parked_ms) / 1000 + 1);
}

void
gh_process_wake(struct gh_process *process)
{
    if (process->worker || process->is_failing || process->pool->is_stopping)
        return;
    if (process->state == GH_PROCESS_WAITING) {
        restart(process); /* who calls does not wait for the delay */
    } else if (process->state == GH_PROCESS_PARKED &&
               uv_now(process->pool->loop) - process->parked_ms >= PARK_MS) {
        process->deaths = 0;
        restart(process);
    }
}

/* Decide what follows a death: at once, later, or not at all. */
static void
plan_restart(struct gh_process *process, const char *how)
{
    uint64_t now = uv_now(process->pool->loop);
    bool never_served = process->state == GH_PROCESS_STARTING;

    if (process->deaths == 0 || now - process->deaths_from_ms > DEATHS_WINDOW_MS) {
        process->deaths = 0;
        process->deaths_from_ms = now;
    }
    process->deaths++;
    free(process->park_reason);
    process->park_reason = gh_strdup(how);

    if (process->deaths >= DEATHS_MAX || (never_served && process->deaths >= 2)) {
        char *reason GH_SCOPED(gh_free) =
            gh_asprintf("its worker died %u times in a row, last by %s", process->deaths, how);
        park(process, reason);
        return;
    }
    if (process->deaths == 1) {
        restart(process);
        return;
    }
    uint64_t delay = (uint64_t)DELAY_FIRST_MS << (process->deaths - 2);
    enter_state(process, GH_PROCESS_WAITING);
    uv_timer_start(process->timer, on_timer, delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS, 0);
}

/* Whoever asked for PROCESS is told that it cannot serve, and nothing of it stays. */
static void
forget_failed(struct gh_process *process, const char *how, const char *last_lines)
{
    struct gh_pool *pool = process->pool;
    bool has_reason = process->state == GH_PROCESS_PARKED; /* by FAILED; it says more */
    char *reason GH_SCOPED(gh_free) = gh_strdup(has_reason ? process->park_reason : how);

    process->is_failing = true; /* calls made by on_done are refused */
    fail_calls(process, reason, has_reason ? "" : last_lines);
    pool->events.on_removed(pool->events.context, process);
    gh_log(GH_LOG_WARN, "process.removed", "process=%s reason=%s", gh_log_quote(process->name),
           gh_log_quote(reason));
    gh_process_forget(process);
}

static void
on_exit_of_worker(struct gh_worker *worker, const char *how, const char *last_lines)
{
    struct gh_process *process = worker->owner;
    struct gh_pool *pool;

    if (!process)
        return;
    pool = process->pool;
    pool->worker_count--;
    process->worker = NULL;
    uv_timer_stop(process->timer);
    gh_log(pool->is_stopping ? GH_LOG_INFO : GH_LOG_WARN, "process.exit",
           "process=%s pid=%d how=%s open_calls=%u", gh_log_quote(process->name), worker->pid,
           gh_log_quote(how), process->call_count);

    if (process->is_forgotten_on_failure && !pool->is_stopping) {
        forget_failed(process, how, last_lines);
    } else if (process->state == GH_PROCESS_PARKED) {
        /* FAILED told the reason before: it says more than the exit code. */
        char *reason GH_SCOPED(gh_free) = gh_strdup(process->park_reason);
        fail_calls(process, reason, "");
        pool->events.on_died(pool->events.context, process);
    } else if (pool->is_stopping) {
        enter_state(process, GH_PROCESS_PARKED);
        gh_process_restart_failed(process, "the node is stopping");
        fail_calls(process, "the node is stopping", "");
    } else {
        process->is_failing = true; /* calls made by on_done are refused */
        fail_calls(process, gh_pool_is_draining(process) ? "restarted on request" : how,
                   last_lines);
        process->is_failing = false;
        pool->events.on_died(pool->events.context, process);
        if (gh_pool_is_draining(process))
            gh_process_restart_now(process);
        else
            plan_restart(process, how);
    }
    gh_pool_check_stopped(pool);
}

/* ---- frames ---- */

static void
on_ready(struct gh_process *process, const struct gh_frame *frame)
{
    json_t *ready = json_loadb((const char *)frame->body, frame->body_len, 0, NULL);
    json_int_t protocol = json_integer_value(json_object_get(ready, "protocol"));
    struct gh_call *call = gh_pool_open_call(process, frame->call_id);

    if (protocol != GH_IPC_VERSION) {
        char *reason GH_SCOPED(gh_free) =
            gh_asprintf("its worker speaks protocol %lld, this daemon speaks %d; install both from "
                        "one release",
                        (long long)protocol, GH_IPC_VERSION);
        park(process, reason);
        gh_worker_kill(process->worker);
    } else {
        const char *version = json_string_value(json_object_get(ready, "version"));
        const char *executable = json_string_value(json_object_get(ready, "executable"));
        free(process->version);
        free(process->executable);
        process->version = gh_strdup(version ? version : "?");
        process->executable = gh_strdup(executable ? executable : "?");
        enter_state(process, GH_PROCESS_READY);
        process->is_forgotten_on_failure = false;
        uv_timer_stop(process->timer);
        gh_log(GH_LOG_INFO, "process.ready", "process=%s pid=%d python=%s executable=%s",
               gh_log_quote(process->name), process->worker->pid, process->version,
               gh_log_quote(process->executable));
        if (call && call->kind == GH_FRAME_HELLO)
            gh_pool_close_call(call, &(struct gh_answer){.status = 200, .fd = -1});
    }
    json_decref(ready);
}

static void
on_failed(struct gh_process *process, const struct gh_frame *frame)
{
    char *reason GH_SCOPED(gh_free) =
        gh_strndup((const char *)frame->body, frame->body_len < 2000 ? frame->body_len : 2000);

    park(process, reason);
    uv_timer_start(process->timer, on_timer, FAILED_EXIT_MS, 0); /* it exits by itself */
}

static void
on_result(struct gh_process *process, const struct gh_frame *frame, int fd)
{
    struct gh_call *call = gh_pool_open_call(process, frame->call_id);
    struct gh_answer answer = {.fd = fd};
    struct gh_err err;

    if (!call || frame->body_len < GH_RESULT_HEAD_BYTES ||
        (fd >= 0 && gh_shm_check(fd, &answer.len, &err) != GH_OK)) {
        gh_log(GH_LOG_WARN, "worker.bad_result", "process=%s call_id=%llu",
               gh_log_quote(process->name), (unsigned long long)frame->call_id);
        if (fd >= 0)
            close(fd);
        return;
    }
    answer.status = gh_load_u16(frame->body);
    answer.outcome = (enum gh_outcome)frame->body[2];
    if (answer.status < 200 || answer.status > 599)
        answer.status = 500;
    if (fd < 0) {
        answer.body = frame->body + GH_RESULT_HEAD_BYTES;
        answer.len = frame->body_len - GH_RESULT_HEAD_BYTES;
    }
    gh_pool_close_call(call, &answer);
}

static void
on_log(struct gh_process *process, const struct gh_frame *frame)
{
    struct gh_call *call = gh_pool_open_call(process, frame->call_id);

    if (!call || !call->on_log || frame->body_len < GH_LOG_HEAD_BYTES)
        return;
    call->on_log(call, frame->body[0] == GH_STREAM_STDERR ? GH_STREAM_STDERR : GH_STREAM_STDOUT,
                 (const char *)frame->body + GH_LOG_HEAD_BYTES,
                 frame->body_len - GH_LOG_HEAD_BYTES);
}

/* A frame of an HTTP exchange with an app; HTTP_END is the last. */
static void
on_http(struct gh_process *process, const struct gh_frame *frame)
{
    struct gh_call *call = gh_pool_open_call(process, frame->call_id);

    if (!call || !call->on_frame) {
        gh_log(GH_LOG_WARN, "worker.bad_exchange", "process=%s kind=%s call_id=%llu",
               gh_log_quote(process->name), gh_frame_kind_name(frame->kind),
               (unsigned long long)frame->call_id);
        return;
    }
    call->on_frame(call, frame);
    if (frame->kind == GH_FRAME_HTTP_END)
        gh_pool_close_call(call, &(struct gh_answer){.status = 200, .fd = -1});
}

static void
on_frame(struct gh_worker *worker, const struct gh_frame *frame, int fd)
{
    struct gh_process *process = worker->owner;

    if (!process || process->worker != worker) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct gh_pool_events *events = &process->pool->events;
    struct gh_slice text = {(const char *)frame->body, frame->body_len};

    switch ((int)frame->kind) {
    case GH_FRAME_READY:
        on_ready(process, frame);
        break;
    case GH_FRAME_RESULT:
        on_result(process, frame, fd);
        return;
    case GH_FRAME_LOG:
        on_log(process, frame);
        break;
    case GH_FRAME_KEY_PUT:
        events->on_key_put(events->context, process, gh_pool_open_call(process, frame->call_id),
                           text.bytes, text.len);
        break;
    case GH_FRAME_KEY_GONE:
        events->on_key_gone(events->context, process, text);
        break;
    case GH_FRAME_FAILED:
        on_failed(process, frame);
        break;
    case GH_FRAME_HTTP_START:
    case GH_FRAME_HTTP_DATA:
    case GH_FRAME_HTTP_END:
    case GH_FRAME_HTTP_READ:
        on_http(process, frame);
        break;
    default:
        gh_log(GH_LOG_WARN, "worker.unexpected_frame", "process=%s kind=%s",
               gh_log_quote(process->name), gh_frame_kind_name(frame->kind));
        break;
    }
    if (fd >= 0)
        close(fd);
}

static const struct gh_worker_events worker_events = {on_frame, on_exit_of_worker};

/* ---- start and end ---- */

/* WHEN_READY is told what comes of the start that has just begun. */
static void
watch_start(struct gh_process *process, gh_call_done *when_ready, void *context)
{
    struct gh_call *call;

    DL_FOREACH(process->calls, call)
    {
        if (call->kind != GH_FRAME_HELLO)
            continue;
        call->on_done = when_ready;
        call->context = context;
    }
}

int
gh_pool_start(struct gh_pool *pool, const struct gh_process_spec *spec, gh_call_done *when_ready,
              void *context, struct gh_err *err)
{
    if (gh_pool_find(pool, spec->name))
        return gh_err_set(err, GH_E_INPUT, "Process %s exists already.", spec->name);
    if (pool->process_count >= pool->settings->processes_max)
        return gh_err_set(err, GH_E_NO_ROOM, "%u processes exist (processes_max).",
                          pool->process_count);

    struct gh_process *process = gh_alloc(sizeof *process);
    process->pool = pool;
    process->name = gh_strdup(spec->name);
    process->compute = gh_strdup(spec->compute);
    process->runtime_env = gh_strdup(spec->runtime_env);
    process->env_vars = gh_strdup(spec->env_vars);
    process->env_later = gh_strdup("{}");
    process->python = gh_strdup(spec->python);
    process->is_forgotten_on_failure = spec->is_forgotten_on_failure;
    process->timer = gh_alloc(sizeof *process->timer);
    uv_timer_init(pool->loop, process->timer);
    process->timer->data = process;
    DL_APPEND(pool->processes, process);
    pool->process_count++;
    if (spec->held) {
        process->state = GH_PROCESS_HELD;
        process->was_held = true;
        process->park_reason = gh_strdup(spec->held);
        return GH_OK;
    }

    int rc = start_worker(process, err);
    if (rc != GH_OK) {
        gh_process_forget(process);
        return rc;
    }
    watch_start(process, when_ready, context);
    return GH_OK;
}

void
gh_pool_hold_on(struct gh_process *process, const char *reason)
{
    if (process->state != GH_PROCESS_HELD)
        return;
    free(process->park_reason);
    process->park_reason = gh_strdup(reason);
}

int
gh_pool_let_go(struct gh_process *process, const char *python, struct gh_err *err)
{
    free(process->python);
    process->python = gh_strdup(python);
    gh_free(&process->park_reason);
    int rc = start_worker(process, err);
    if (rc != GH_OK)
        park(process, err->text);
    return rc;
}

int
gh_pool_unpark(struct gh_process *process, gh_call_done *when_ready, void *context,
               struct gh_err *err)
{
    process->deaths = 0;
    process->restart_count++;
    int rc = start_worker(process, err);
    if (rc == GH_OK)
        watch_start(process, when_ready, context);
    else
        park(process, err->text);
    return rc;
}

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void
gh_process_forget(struct gh_process *process)
{
    struct gh_pool *pool = process->pool;

    gh_process_restart_failed(process, "killed on request");
    DL_DELETE(pool->processes, process);
    pool->process_count--;
    uv_close((uv_handle_t *)process->timer, on_timer_closed);
    free(process->name);
    free(process->compute);
    free(process->runtime_env);
    free(process->env_vars);
    free(process->env_later);
    free(process->python);
    free(process->park_reason);
    free(process->executable);
    free(process->version);
    free(process);
}

void
gh_pool_remove(struct gh_process *process)
{
    struct gh_pool *pool = process->pool;

    if (process->worker) {
        process->worker->owner = NULL; /* its exit is nobody's business any more */
        pool->worker_count--;
        gh_worker_kill(process->worker);
        process->worker = NULL;
    }
    enter_state(process, GH_PROCESS_PARKED);
    process->parked_ms = uv_now(pool->loop);
    fail_calls(process, "killed on request", "");
    pool->events.on_removed(pool->events.context, process);
    gh_log(GH_LOG_INFO, "process.removed", "process=%s", gh_log_quote(process->name));
    gh_process_forget(process);
}
