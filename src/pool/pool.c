/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pool.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/beside.h"
#include "conf/settings.h"
#include "pool/pool_inner.h"
#include "pool/shm.h"
#include "wire/frame.h"

#ifndef GH_PKGLIBEXEC_DIR
#define GH_PKGLIBEXEC_DIR "/usr/libexec/gatehouse"
#endif
#ifndef GH_MODULE_DIR
#define GH_MODULE_DIR "/usr/lib/gatehouse/modules"
#endif

struct gh_pool *
gh_pool_new(uv_loop_t *loop, const struct gh_settings *settings, const char *state_dir,
            const struct gh_pool_events *events)
{
    struct gh_pool *pool = gh_alloc(sizeof *pool);

    pool->loop = loop;
    pool->settings = settings;
    pool->events = *events;
    pool->program = gh_beside("gatehouse-worker", GH_PKGLIBEXEC_DIR "/gatehouse-worker");
    pool->module_dir = gh_beside("modules", GH_MODULE_DIR);
    pool->cache_dir = gh_asprintf("%s/interpreters", state_dir);
    mkdir(pool->cache_dir, 0700);
    pool->paths = json_array();
    pool->env = json_object();
    return pool;
}

void
gh_pool_free(struct gh_pool **pool_of)
{
    struct gh_pool *pool = *pool_of;

    if (!pool)
        return;
    *pool_of = NULL;
    json_decref(pool->paths);
    json_decref(pool->env);
    free(pool->program);
    free(pool->module_dir);
    free(pool->cache_dir);
    free(pool->slots);
    free(pool);
}

struct gh_process *
gh_pool_find(struct gh_pool *pool, const char *name)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (strcmp(process->name, name) == 0)
            return process;
    }
    return NULL;
}

struct gh_process *
gh_pool_first(struct gh_pool *pool)
{
    return pool->processes;
}

void
gh_pool_add_path(struct gh_pool *pool, const char *path)
{
    size_t i;
    json_t *known;

    json_array_foreach(pool->paths, i, known)
    {
        if (strcmp(json_string_value(known), path) == 0)
            return;
    }
    json_array_append_new(pool->paths, json_string(path));
}

void
gh_pool_set_env(struct gh_pool *pool, const char *name, const char *value)
{
    json_object_set_new(pool->env, name, json_string(value));
}

const json_t *
gh_pool_env(const struct gh_pool *pool)
{
    return pool->env;
}

void
gh_pool_change_python(struct gh_pool *pool, const char *from, const char *to)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (strcmp(process->python, from) != 0)
            continue;
        free(process->python);
        process->python = gh_strdup(to);
    }
}

void
gh_pool_flush(struct gh_pool *pool)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (process->worker && gh_channel_backlog(&process->worker->channel) > 0)
            gh_channel_flush(&process->worker->channel);
    }
}

/* An id names a slot in its low half; the high half tells apart those who had the slot before. */
static uint64_t
take_slot(struct gh_pool *pool, struct gh_call *call)
{
    if (pool->free_slot == pool->slot_count) {
        uint32_t count = pool->slot_count ? pool->slot_count * 2 : 64;
        pool->slots = gh_realloc(pool->slots, count * sizeof pool->slots[0]);
        for (uint32_t i = pool->slot_count; i < count; i++)
            pool->slots[i] = (struct gh_slot){.next_free = i + 1};
        pool->slot_count = count;
    }
    uint32_t index = pool->free_slot;
    struct gh_slot *slot = &pool->slots[index];
    pool->free_slot = slot->next_free;
    slot->call = call;
    slot->turn++;
    return (uint64_t)slot->turn << 32 | index;
}

struct gh_call *
gh_pool_find_call(struct gh_pool *pool, uint64_t id)
{
    uint32_t index = (uint32_t)id;

    if (index >= pool->slot_count || pool->slots[index].turn != id >> 32)
        return NULL;
    return pool->slots[index].call;
}

struct gh_call *
gh_pool_open_call(struct gh_process *process, uint64_t id)
{
    struct gh_call *call = gh_pool_find_call(process->pool, id);

    return call && call->process == process ? call : NULL;
}

/* Copy SLICE behind the call; *CURSOR moves on. */
static const char *
keep_text(char **cursor, const char *bytes, size_t len)
{
    char *text = *cursor;
    if (len)
        memcpy(text, bytes, len);
    text[len] = '\0';
    *cursor += len + 1;
    return text;
}

static struct gh_call *
open_call(struct gh_process *process, const struct gh_call_order *order)
{
    const struct gh_call_head *head = &order->head;
    size_t id_len = order->request_id ? strlen(order->request_id) : 0;
    size_t user_len = order->user ? strlen(order->user) : 0;
    struct gh_call *call = gh_alloc(sizeof *call + head->key.len + head->method.len +
                                    head->run_name.len + id_len + user_len + 5);
    char *cursor = (char *)(call + 1);
    uv_timeval64_t now;

    uv_gettimeofday(&now);
    call->process = process;
    call->kind = order->kind;
    call->serialization = head->serialization;
    call->started_unix_s = (double)now.tv_sec + now.tv_usec / 1e6;
    call->on_done = order->on_done;
    call->on_log = order->on_log;
    call->on_frame = order->on_frame;
    call->context = order->context;
    call->key = keep_text(&cursor, head->key.bytes, head->key.len);
    call->method = keep_text(&cursor, head->method.bytes, head->method.len);
    call->run_name = keep_text(&cursor, head->run_name.bytes, head->run_name.len);
    call->request_id = keep_text(&cursor, order->request_id, id_len);
    call->user = keep_text(&cursor, order->user, user_len);
    call->id = take_slot(process->pool, call);
    DL_APPEND(process->calls, call);
    process->call_count++;
    return call;
}

void
gh_pool_close_call(struct gh_call *call, const struct gh_answer *answer)
{
    struct gh_process *process = call->process;
    struct gh_pool *pool = process->pool;
    uint32_t index = (uint32_t)call->id;

    DL_DELETE(process->calls, call);
    process->call_count--;
    pool->slots[index].call = NULL;
    pool->slots[index].next_free = pool->free_slot;
    pool->free_slot = index;
    if (call->on_done)
        call->on_done(call, answer);
    else if (answer->fd >= 0)
        close(answer->fd);
    free(call);
    gh_process_restart_when_idle(process);
}

void
gh_pool_rebuilt(struct gh_process *process)
{
    if (process->worker)
        gh_channel_release(&process->worker->channel);
    gh_process_restart_rebuilt(process);
}

static int
may_take(struct gh_process *process, const struct gh_call_order *order, struct gh_err *err)
{
    const struct gh_settings *settings = process->pool->settings;

    if (process->state == GH_PROCESS_HELD)
        return gh_err_set(err, GH_E_SYSTEM, "Process %s has not started: %s", process->name,
                          process->park_reason);
    if (process->state == GH_PROCESS_PARKED)
        return gh_err_set(err, GH_E_SYSTEM, "Process %s is not running: %s.", process->name,
                          process->park_reason ? process->park_reason : "it was stopped");
    if (!process->worker)
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s is restarting after: %s.", process->name,
                          process->park_reason ? process->park_reason : "it was stopped");
    if (gh_pool_is_draining(process))
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s is being restarted on request.",
                          process->name);
    if (order->is_rebuilding)
        return GH_OK; /* what the process is made of; bounded by what was taken in before */
    if (process->call_count >= settings->calls_in_flight_max)
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s has %u calls open (calls_in_flight_max).",
                          process->name, process->call_count);
    if (gh_channel_backlog(&process->worker->channel) > settings->channel_backlog_bytes)
        return gh_err_set(err, GH_E_NO_ROOM,
                          "Process %s does not keep up: %zu bytes wait for it "
                          "(channel_backlog_bytes).",
                          process->name, gh_channel_backlog(&process->worker->channel));
    return GH_OK;
}

/* Inline data that is too large for a frame's body goes to a memfd of its own. */
static int
to_memfd(const struct gh_call_head *head, int *fd_out, struct gh_err *err)
{
    int fd = gh_shm_open(err);

    if (fd < 0)
        return GH_E_NO_ROOM;
    if (gh_shm_write(fd, head->data, head->data_len, err) != GH_OK ||
        gh_shm_seal(fd, err) != GH_OK) {
        close(fd);
        return GH_E_NO_ROOM;
    }
    *fd_out = fd;
    return GH_OK;
}

int
gh_pool_call(struct gh_process *process, const struct gh_call_order *order,
             struct gh_call **call_out, struct gh_err *err)
{
    gh_process_wake(process);

    int fd = order->fd;
    int rc = may_take(process, order, err);
    if (rc == GH_OK && fd < 0 && order->head.data_len > GH_FRAME_INLINE_MAX_BYTES)
        rc = to_memfd(&order->head, &fd, err);
    if (rc != GH_OK) {
        if (fd >= 0)
            close(fd);
        return rc;
    }

    struct gh_call *call = open_call(process, order);
    uint8_t head[GH_CALL_HEAD_BYTES];
    gh_call_encode_head(head, &order->head);
    struct iovec parts[5] = {
        {head, sizeof head},
        {(void *)(uintptr_t)call->key, order->head.key.len},
        {(void *)(uintptr_t)call->method, order->head.method.len},
        {(void *)(uintptr_t)call->run_name, order->head.run_name.len},
        {(void *)(uintptr_t)order->head.data, fd < 0 ? order->head.data_len : 0},
    };
    if (order->body.len > 0) {
        struct iovec body = {(void *)(uintptr_t)order->body.bytes, order->body.len};
        gh_channel_send(&process->worker->channel, order->kind, call->id, &body, 1, -1, true);
    } else {
        gh_channel_send(&process->worker->channel, order->kind, call->id, parts, 5, fd,
                        !order->is_rebuilding);
    }
    if (call_out)
        *call_out = call;
    return GH_OK;
}

void
gh_pool_send(struct gh_call *call, enum gh_frame_kind kind, int flag, const void *bytes, size_t len)
{
    struct gh_worker *worker = call->process->worker;
    uint8_t first = (uint8_t)flag;
    struct iovec parts[2] = {{&first, flag >= 0 ? 1 : 0}, {(void *)(uintptr_t)bytes, len}};

    if (worker)
        gh_channel_send(&worker->channel, kind, call->id, parts, 2, -1, true);
}

void
gh_pool_kill_all(struct gh_pool *pool)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (process->worker)
            gh_worker_kill(process->worker);
    }
}

static void
on_stop_grace_over(uv_timer_t *timer)
{
    struct gh_pool *pool = timer->data;
    gh_pool_kill_all(pool);
}

static void
on_stop_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void
gh_pool_check_stopped(struct gh_pool *pool)
{
    if (!pool->is_stopping || pool->worker_count > 0 || !pool->stop_timer)
        return;
    uv_close((uv_handle_t *)gh_take(pool->stop_timer), on_stop_timer_closed);
    while (pool->processes)
        gh_process_forget(pool->processes);
    pool->on_stopped(pool->stop_context);
}

void
gh_pool_stop(struct gh_pool *pool, uint64_t grace_ms, void (*on_done)(void *context), void *context)
{
    struct gh_process *process;

    pool->is_stopping = true;
    pool->on_stopped = on_done;
    pool->stop_context = context;
    pool->stop_timer = gh_alloc(sizeof *pool->stop_timer);
    uv_timer_init(pool->loop, pool->stop_timer);
    pool->stop_timer->data = pool;
    uv_timer_start(pool->stop_timer, on_stop_grace_over, grace_ms, 0);

    DL_FOREACH(pool->processes, process)
    {
        if (!process->worker)
            continue;
        gh_channel_send(&process->worker->channel, GH_FRAME_STOP, 0, NULL, 0, -1, false);
        gh_channel_flush(&process->worker->channel);
    }
    gh_pool_check_stopped(pool);
}
