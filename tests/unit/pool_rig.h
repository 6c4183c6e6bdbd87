/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_rig.h - a pool in a loop of its own, with real worker processes: the test program itself as
 * fake_worker.h has it, or gatehouse-worker with the echo runtime in the place of Python's. */
#ifndef GH_TEST_POOL_RIG_H
#define GH_TEST_POOL_RIG_H

#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "pool/pool_inner.h"
#include "tests/unit/suite.h"

/* What came of one call. */
struct outcome {
    bool is_done;
    unsigned status, outcome, order; /* ORDER counts the answers of the rig */
    char *failure;
    struct gh_buf body; /* also of what came in a memfd */
    bool was_memfd;
    struct gh_buf log; /* "1out;2err;" */
};

struct rig {
    uv_loop_t loop;
    struct gh_settings settings;
    struct gh_pool *pool;
    char *folder; /* home, state, modules */
    struct gh_buf events;
    unsigned answers;
    unsigned started_count, died_count, removed_count;
    bool holds_calls; /* on_started does not say that it is done */
    bool is_stopped;
    json_t *variables; /* what the node gives a worker; NULL for nothing */
    unsigned fds_before;
    char *home_before;
};
static struct rig rig;

static inline void
rig_on_started(void *context, struct gh_process *process)
{
    (void)context;
    rig.started_count++;
    if (!rig.holds_calls)
        gh_pool_rebuilt(process);
}

static inline void
rig_on_key_put(void *context, struct gh_process *process, struct gh_call *call, const char *json,
               size_t len)
{
    (void)context;
    gh_buf_addf(&rig.events, "put %s %s %.*s;", process->name, call ? call->key : "-", (int)len,
                json);
}

static inline void
rig_on_key_gone(void *context, struct gh_process *process, struct gh_slice key)
{
    (void)context;
    gh_buf_addf(&rig.events, "gone %s %.*s;", process->name, (int)key.len, key.bytes);
}

static inline void
rig_on_died(void *context, struct gh_process *process)
{
    (void)context;
    (void)process;
    rig.died_count++;
}

static inline void
rig_on_removed(void *context, struct gh_process *process)
{
    (void)context;
    (void)process;
    rig.removed_count++;
}

static inline void
rig_add_hello(void *context, struct gh_buf *out)
{
    (void)context;
    gh_buf_add_text(out, ",\"cluster_config\":{}");
}

/* What the tests have put into rig.variables. */
static inline void
rig_add_environment(void *context, const struct gh_process *process, json_t *variables)
{
    (void)context;
    (void)process;
    json_object_update(variables, rig.variables);
}

static const struct gh_pool_events rig_events = {
    NULL,        rig_on_started, rig_on_key_put, rig_on_key_gone,
    rig_on_died, rig_on_removed, rig_add_hello,  rig_add_environment};

/* With EVENTS, or those of the rig. */
static inline void
rig_up(const struct gh_pool_events *events)
{
    char *argv[] = {(char *)(uintptr_t) "test", NULL};
    struct gh_faults faults = {0};

    memset(&rig, 0, sizeof rig);
    ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
    ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
    rig.fds_before = count_fds();
    rig.home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    rig.folder = make_folder();
    setenv("HOME", rig.folder, 1);
    gh_log_setup(GH_LOG_ERR, GH_LOG_TEXT);
    ck_assert_int_eq(gh_settings_load(&rig.settings, 1, argv, &faults), GH_SETTINGS_RUN);
    ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
    rig.pool = gh_pool_new(&rig.loop, &rig.settings, rig.folder, events ? events : &rig_events);

    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    ck_assert_int_gt(len, 0);
    self[len] = '\0';
    gh_free(&rig.pool->program);
    rig.pool->program = gh_strdup(self);
}

/* Workers are gatehouse-worker with the echo runtime, under the name of the one that the pool asks
 * for. The build folder is named by the environment, or two up from the test program. */
static inline void
rig_use_echo(void)
{
    const char *given = getenv("GATEHOUSE_BUILD_DIR");
    char *slash = strrchr(rig.pool->program, '/');
    char *build GH_SCOPED(gh_free) =
        given ? gh_strdup(given)
              : gh_asprintf("%.*s/../..", (int)(slash - rig.pool->program), rig.pool->program);
    char *echo GH_SCOPED(gh_free) = gh_asprintf("%s/modules/echo.so", build);
    char *link GH_SCOPED(gh_free) = gh_asprintf("%s/python.so", rig.folder);

    ck_assert_int_eq(symlink(echo, link), 0);
    gh_free(&rig.pool->program);
    gh_free(&rig.pool->module_dir);
    rig.pool->program = gh_asprintf("%s/gatehouse-worker", build);
    rig.pool->module_dir = gh_strdup(rig.folder);
    ck_assert_int_eq(access(rig.pool->program, X_OK), 0);
}

/* One turn of the loop as the daemon makes it; waits for an event. */
static inline void
rig_turn(void)
{
    gh_pool_flush(rig.pool);
    uv_run(&rig.loop, UV_RUN_ONCE);
}

static inline void
rig_run_until(const bool *is_done)
{
    while (!*is_done)
        rig_turn();
}

static inline void
rig_on_stopped(void *context)
{
    (void)context;
    rig.is_stopped = true;
}

/* Stops what runs; nothing may stay open. */
static inline void
rig_down(void)
{
    if (!rig.is_stopped) {
        gh_pool_stop(rig.pool, 5000, rig_on_stopped, NULL);
        while (!rig.is_stopped)
            uv_run(&rig.loop, UV_RUN_ONCE);
    }
    uv_run(&rig.loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(rig.pool->process_count, 0);
    gh_pool_free(&rig.pool);
    ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
    gh_settings_done(&rig.settings);
    gh_buf_done(&rig.events);
    json_decref(rig.variables);
    remove_folder(rig.folder);
    setenv("HOME", rig.home_before, 1);
    gh_free(&rig.home_before);
    ck_assert_uint_eq(count_fds(), rig.fds_before);
}

/* ---- calls ---- */

static inline void
outcome_done(struct outcome *outcome)
{
    free(outcome->failure);
    gh_buf_done(&outcome->body);
    gh_buf_done(&outcome->log);
}

static inline void
take_answer(struct gh_call *call, const struct gh_answer *answer)
{
    struct outcome *outcome = call->context;

    ck_assert(!outcome->is_done);
    outcome->is_done = true;
    outcome->order = ++rig.answers;
    outcome->status = answer->status;
    outcome->outcome = answer->outcome;
    outcome->failure = answer->failure ? gh_strdup(answer->failure) : NULL;
    outcome->was_memfd = answer->fd >= 0;
    if (answer->fd >= 0) {
        ck_assert_int_eq(
            pread(answer->fd, gh_buf_reserve(&outcome->body, answer->len + 1), answer->len, 0),
            (ssize_t)answer->len);
        outcome->body.len = answer->len;
        close(answer->fd);
    } else {
        gh_buf_add(&outcome->body, answer->body, answer->len);
    }
}

static inline void
take_log(struct gh_call *call, enum gh_stream stream, const char *text, size_t len)
{
    struct outcome *outcome = call->context;
    gh_buf_addf(&outcome->log, "%d%.*s;", (int)stream, (int)len, text);
}

static inline struct gh_process_spec
process_spec(const char *name)
{
    return (struct gh_process_spec){name, "null", "null", "null", "", false, NULL};
}

/* Start the process NAME; *OUTCOME (or NULL) is when it is ready. */
static inline struct gh_process *
start_process(const char *name, struct outcome *outcome)
{
    struct gh_err err = {0};

    struct gh_process_spec spec = process_spec(name);
    ck_assert_msg(gh_pool_start(rig.pool, &spec, outcome ? take_answer : NULL, outcome, &err) ==
                      GH_OK,
                  "%s", err.text);
    return gh_pool_find(rig.pool, name);
}

/* Start NAME and wait until it serves. */
static inline struct gh_process *
ready_process(const char *name)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = start_process(name, &ready);

    rig_run_until(&ready.is_done);
    ck_assert_msg(!ready.failure, "%s", ready.failure);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
    return process;
}

static inline int
send_order(struct gh_process *process, enum gh_frame_kind kind, const char *key, const char *method,
           const char *data, struct outcome *outcome, struct gh_err *err)
{
    struct gh_call_order order = {
        .kind = kind,
        .head = {.key = {key, strlen(key)},
                 .method = {method, strlen(method)},
                 .run_name = {"run", 3},
                 .data = (const uint8_t *)data,
                 .data_len = data ? strlen(data) : 0},
        .fd = -1,
        .request_id = "request-1",
        .on_done = outcome ? take_answer : NULL,
        .on_log = outcome ? take_log : NULL,
        .context = outcome,
    };
    return gh_pool_call(process, &order, NULL, err);
}

/* CALL method METHOD, which must be taken. */
static inline void
send_call(struct gh_process *process, const char *method, const char *data, struct outcome *outcome)
{
    struct gh_err err = {0};
    ck_assert_msg(send_order(process, GH_FRAME_CALL, "key", method, data, outcome, &err) == GH_OK,
                  "%s", err.text);
}

/* The same, and wait for the answer. */
static inline void
call_and_wait(struct gh_process *process, const char *method, const char *data,
              struct outcome *outcome)
{
    send_call(process, method, data, outcome);
    rig_run_until(&outcome->is_done);
}

#endif
