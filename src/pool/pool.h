/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/pool.h - the named processes of this node and the calls that are open on them.
 *
 * A process is a name and a specification; behind it runs one worker at a time. When a worker dies,
 * every open call on it is answered at once and a new worker is started: the first time at once,
 * then with a growing delay that the next call cuts short; after five deaths in ten seconds the process is parked and its calls
 * are refused with the reason, until some time has passed or it is created again.
 *
 * Data comes back through struct gh_call's on_done, and through struct gh_pool_events for what a
 * worker says of itself. Loop thread only. */
#ifndef GH_POOL_POOL_H
#define GH_POOL_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "pool/worker.h"
#include "wire/call.h"

struct gh_settings;
struct json_t;
struct json_t;
struct gh_pool;
struct gh_process;
struct gh_call;
struct gh_restart;

/* What came back. Either FAILURE is set (the call never ended: its worker died or could not start),
 * or STATUS, OUTCOME and the HTTP body: LEN bytes at BODY (borrowed for the callback), or the sealed
 * memfd FD of LEN bytes, which is the callee's to close. */
struct gh_answer {
    const char *failure;
    unsigned status;
    enum gh_outcome outcome;
    const uint8_t *body;
    size_t len;
    int fd;
};

struct gh_call {
    struct gh_call *prev, *next; /* in its process's list of open calls */
    struct gh_process *process;
    uint64_t id;
    enum gh_frame_kind kind;
    enum gh_serialization serialization;
    double started_unix_s;
    void (*on_done)(struct gh_call *call, const struct gh_answer *answer); /* CALL dies after it */
    void (*on_log)(struct gh_call *call, enum gh_stream stream, const char *text, size_t len);
    void (*on_frame)(struct gh_call *call, const struct gh_frame *frame);
    void *context;
    const char *key, *method, *run_name, *request_id, *user; /* in one block with the call */
};

/* What to send; borrowed for the length of gh_pool_call, but FD becomes the pool's. */
struct gh_call_order {
    enum gh_frame_kind kind;
    struct gh_call_head head; /* its data is inline when fd is -1 */
    int fd;
    struct gh_slice body;   /* HTTP_REQUEST: the frame's body, in the place of HEAD, which then only
                             * names key and method for logs and /status */
    bool is_rebuilding;     /* part of what on_started began: goes before all others */
    const char *request_id; /* for /status and logs; may be NULL */
    const char *user;       /* who asks for it; may be NULL */
    void (*on_done)(struct gh_call *call, const struct gh_answer *answer);
    void (*on_log)(struct gh_call *call, enum gh_stream stream, const char *text, size_t len);
    /* Each HTTP_* frame that comes back for it; HTTP_END is followed by on_done. */
    void (*on_frame)(struct gh_call *call, const struct gh_frame *frame);
    void *context;
};

enum gh_process_state {
    GH_PROCESS_STARTING,
    GH_PROCESS_READY,
    GH_PROCESS_WAITING,
    GH_PROCESS_PARKED,
    GH_PROCESS_HELD /* has never started: what it runs in is not there yet */
};

/* What a process is made of; all borrowed for the length of gh_pool_start. */
struct gh_process_spec {
    const char *name;
    /* JSON text as the client gave it, "null" when absent. env_vars of RUNTIME_ENV are in the worker's
     * environment before its interpreter starts; ENV_VARS are set before user code. */
    const char *compute, *runtime_env, *env_vars;
    const char *python; /* interpreter, venv or conda env; "" lets the runtime choose */
    /* Forget the process when its first worker cannot serve: who asked for it is told why, and may ask
     * again with something else. */
    bool is_forgotten_on_failure;
    /* Do not start its worker before gh_pool_let_go; until then calls are refused with this reason. NULL:
     * start it at once. */
    const char *held;
};

typedef void gh_call_done(struct gh_call *call, const struct gh_answer *answer);

struct gh_process {
    struct gh_process *prev, *next; /* in order of creation */
    struct gh_pool *pool;
    char *name;
    char *compute, *runtime_env,
        *env_vars;   /* JSON text as the client gave it; "null" when absent */
    char *env_later; /* JSON object: variables set after its creation */
    char *python;    /* interpreter, venv or conda env */
    enum gh_process_state state;
    struct gh_worker *worker; /* NULL while WAITING or PARKED */
    struct gh_call *calls;    /* open, oldest first */
    unsigned call_count;
    unsigned restart_count;
    unsigned deaths;              /* since deaths_from_ms, for parking */
    uint64_t deaths_from_ms;      /* loop time */
    uint64_t parked_ms;           /* loop time */
    char *park_reason;            /* last death, in words; while HELD, what it waits for */
    char *executable, *version;   /* of the interpreter, once READY; for /status */
    uv_timer_t *timer;            /* delay before a restart, or limit of a start */
    struct gh_restart *restart;   /* one that was asked for and is not over, or NULL */
    bool is_failing;              /* its worker just died and open calls are being answered */
    bool is_forgotten_on_failure; /* until it has served once */
    bool was_held;                /* when it was made */
};

/* What the layers above want to know. EVENTS' functions may call gh_pool_call. */
struct gh_pool_events {
    void *context;
    /* A worker was started (again). Whoever is told sends it what must be there before any other
     * call, with is_rebuilding set, one after the other (a worker runs calls side by side), and then
     * calls gh_pool_rebuilt. Other calls wait till then. */
    void (*on_started)(void *context, struct gh_process *process);
    /* JSON of a KEY_PUT frame; CALL is the request that caused it, or NULL. */
    void (*on_key_put)(void *context, struct gh_process *process, struct gh_call *call,
                       const char *json, size_t len);
    void (*on_key_gone)(void *context, struct gh_process *process, struct gh_slice key);
    /* The worker died; its plain objects are lost. Before the restart. */
    void (*on_died)(void *context, struct gh_process *process);
    /* The process is about to be forgotten (killed on request). */
    void (*on_removed)(void *context, struct gh_process *process);
    /* Append the members of HELLO that the pool does not know: cluster_config. */
    void (*add_hello)(void *context, struct gh_buf *out);
    /* Set in VARIABLES what the node gives a worker of PROCESS in its environment, before its
     * interpreter starts. Variables that the user gives win over these. */
    void (*add_environment)(void *context, const struct gh_process *process,
                            struct json_t *variables);
};

struct gh_pool *gh_pool_new(uv_loop_t *loop, const struct gh_settings *settings,
                            const char *state_dir, const struct gh_pool_events *events);
/* All workers must be gone. */
void gh_pool_free(struct gh_pool **pool_of);

struct gh_process *gh_pool_find(struct gh_pool *pool, const char *name);
struct gh_process *gh_pool_first(struct gh_pool *pool);

/* Make a process by SPEC and start its worker. ON_READY (or NULL) is called with CONTEXT when it
 * serves, or cannot (answer->failure says why; the process is then parked or forgotten). Of a process
 * that is held nobody is told.
 * Errors: GH_E_INPUT it exists; GH_E_NO_ROOM processes_max is reached; GH_E_SYSTEM the worker could
 * not be started. */
int gh_pool_start(struct gh_pool *pool, const struct gh_process_spec *spec, gh_call_done *on_ready,
                  void *context, struct gh_err *err) GH_MUST_USE;

/* What a HELD process waits for is something else now, or will never come. */
void gh_pool_hold_on(struct gh_process *process, const char *reason);

/* Start a HELD process, in PYTHON. Errors: GH_E_SYSTEM the worker could not be started; it is parked. */
int gh_pool_let_go(struct gh_process *process, const char *python, struct gh_err *err) GH_MUST_USE;

/* Start the worker of a PARKED process now, as it was specified; its deaths are forgiven. ON_READY as
 * gh_pool_start has it. Errors: GH_E_SYSTEM the worker could not be started; it stays parked. */
int gh_pool_unpark(struct gh_process *process, gh_call_done *on_ready, void *context,
                   struct gh_err *err) GH_MUST_USE;

/* Give PROCESS a new worker. Calls that are open have DRAIN_MS to end, new ones are refused meanwhile; then
 * the old worker is stopped, by force when calls are still open, which then fail. ON_DONE is called with
 * CONTEXT (as call->context) when the new one serves with all that on_started began, or cannot, or when
 * the process is removed before that. Errors: GH_E_NO_ROOM it is starting just now, or
 * held. */
int gh_pool_restart(struct gh_process *process, uint64_t drain_ms, gh_call_done *on_done,
                    void *context, struct gh_err *err) GH_MUST_USE;

/* Is its worker about to be stopped for that, so that it takes no more calls? The next one is told in its
 * HELLO what all workers are told. */
bool gh_pool_is_draining(const struct gh_process *process);

/* End the process at once: open calls fail, it is forgotten. */
void gh_pool_remove(struct gh_process *process);

/* Hand ORDER to PROCESS's worker; *CALL_OUT (if not NULL) is the open call.
 * Errors: GH_E_NO_ROOM too many open calls or unsent bytes, or the process restarts just now: try
 * again; GH_E_SYSTEM it is parked or held (ERR says why). The order's fd is closed then. */
int gh_pool_call(struct gh_process *process, const struct gh_call_order *order,
                 struct gh_call **call_out, struct gh_err *err) GH_MUST_USE;

/* The call ID that is open on any process, or NULL when it has ended or never was. */
struct gh_call *gh_pool_find_call(struct gh_pool *pool, uint64_t id);

/* Queue one more frame for the open CALL, an HTTP exchange: its body is FLAG (one byte; none when
 * negative) and LEN bytes at BYTES. Goes nowhere when the worker is gone. */
void gh_pool_send(struct gh_call *call, enum gh_frame_kind kind, int flag, const void *bytes,
                  size_t len);

/* When a call that was refused may be tried again. */
unsigned gh_pool_retry_after_s(const struct gh_process *process);

/* What on_started began is done: let the waiting calls go. */
void gh_pool_rebuilt(struct gh_process *process);

/* Remember for workers to come: an import path (goes to position 0), and an environment variable. */
void gh_pool_add_path(struct gh_pool *pool, const char *path);
void gh_pool_set_env(struct gh_pool *pool, const char *name, const char *value);

/* Those variables, name -> text; borrowed. */
const struct json_t *gh_pool_env(const struct gh_pool *pool);

/* What add_environment says has changed: tell the workers that run. */
void gh_pool_renew_environment(struct gh_pool *pool);

/* Settings have changed that workers know of: tell those that run. */
void gh_pool_settings_changed(struct gh_pool *pool);

/* Processes whose python is FROM get TO with their next worker. */
void gh_pool_change_python(struct gh_pool *pool, const char *from, const char *to);

/* Write what was queued this turn. Call once at the end of each turn of the loop. */
void gh_pool_flush(struct gh_pool *pool);

/* Tell all workers to end, kill them after GRACE_MS; ON_DONE when none is left. */
void gh_pool_stop(struct gh_pool *pool, uint64_t grace_ms, void (*on_done)(void *context),
                  void *context);

/* SIGKILL to all workers, now; for a second signal. */
void gh_pool_kill_all(struct gh_pool *pool);

#endif
