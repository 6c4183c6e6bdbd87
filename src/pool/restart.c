/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/restart.c - a new worker for a process on request: open calls end first, then the worker, and the
 * next one is made what the last one was.
 *
 *     draining     new calls are refused (503), open ones go on; for a time
 *     ending       the worker is told to stop, or killed when calls are still open
 *     rebuilding   a new worker was started; over when it is READY and its keys are rebuilt */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pool/pool_inner.h"

#define STOP_GRACE_MS 2000u /* for a worker to run its exit functions */

enum restart_step { STEP_DRAINING, STEP_ENDING, STEP_REBUILDING };

struct gh_restart {
    enum restart_step step;
    bool is_ready, is_rebuilt;
    gh_call_done *on_done;
    void *context;
};

/* Tell who asked, and forget it. */
static void
finish(struct gh_process *process, const char *failure)
{
    struct gh_restart *restart = gh_take(process->restart);
    struct gh_call call = {.process = process, .context = restart->context};
    struct gh_answer answer = {.failure = failure, .status = 200, .fd = -1};

    restart->on_done(&call, &answer);
    free(restart);
}

void
gh_process_restart_failed(struct gh_process *process, const char *why)
{
    if (process->restart)
        finish(process, why);
}

/* ---- draining, ending ---- */

static void
on_timer(uv_timer_t *timer)
{
    struct gh_process *process = timer->data;

    if (!process->restart || !process->worker)
        return;
    gh_log(GH_LOG_WARN, "process.restart_by_force", "process=%s open_calls=%u",
           gh_log_quote(process->name), process->call_count);
    process->restart->step = STEP_ENDING;
    gh_worker_kill(process->worker);
}

void
gh_process_restart_when_idle(struct gh_process *process)
{
    if (!process->restart || process->restart->step != STEP_DRAINING || process->call_count > 0 ||
        !process->worker)
        return;
    process->restart->step = STEP_ENDING;
    gh_channel_send(&process->worker->channel, GH_FRAME_STOP, 0, NULL, 0, -1, false);
    uv_timer_start(process->timer, on_timer, STOP_GRACE_MS, 0);
}

bool
gh_pool_is_draining(const struct gh_process *process)
{
    return process->restart && process->restart->step != STEP_REBUILDING;
}

int
gh_pool_restart(struct gh_process *process, uint64_t drain_ms, gh_call_done *on_done, void *context,
                struct gh_err *err)
{
    if (process->restart)
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s is being restarted already.",
                          process->name);
    if (process->state == GH_PROCESS_HELD)
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s has not started: %s", process->name,
                          process->park_reason);
    if (process->state == GH_PROCESS_STARTING || (!process->worker && process->is_failing) ||
        (process->state == GH_PROCESS_PARKED && process->worker))
        return gh_err_set(err, GH_E_NO_ROOM, "Process %s is just starting.", process->name);

    process->restart = gh_alloc(sizeof *process->restart);
    process->restart->on_done = on_done;
    process->restart->context = context;
    gh_log(GH_LOG_INFO, "process.restart", "process=%s open_calls=%u drain_ms=%llu",
           gh_log_quote(process->name), process->call_count, (unsigned long long)drain_ms);
    if (!process->worker) {
        gh_process_restart_now(process);
        return GH_OK;
    }
    uv_timer_start(process->timer, on_timer, drain_ms, 0);
    gh_process_restart_when_idle(process);
    return GH_OK;
}

/* ---- rebuilding ---- */

static void
finish_when_whole(struct gh_process *process)
{
    if (process->restart->is_ready && process->restart->is_rebuilt)
        finish(process, NULL);
}

static void
on_hello_done(struct gh_call *call, const struct gh_answer *answer)
{
    struct gh_process *process = call->process;

    if (!process->restart)
        return;
    process->restart->is_ready = true;
    if (answer->failure)
        finish(process, answer->failure);
    else
        finish_when_whole(process);
}

void
gh_process_restart_now(struct gh_process *process)
{
    struct gh_err err;

    uv_timer_stop(process->timer);
    process->restart->step = STEP_REBUILDING;
    if (gh_pool_unpark(process, on_hello_done, NULL, &err) != GH_OK)
        gh_process_restart_failed(process, err.text);
}

void
gh_process_restart_rebuilt(struct gh_process *process)
{
    if (!process->restart || process->restart->step != STEP_REBUILDING || !process->worker)
        return; /* of a worker that died meanwhile: the next one is rebuilt too */
    process->restart->is_rebuilt = true;
    finish_when_whole(process);
}
