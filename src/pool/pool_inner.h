/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/pool_inner.h - what pool.c, process.c and variables.c share and nobody else includes. */
#ifndef GH_POOL_POOL_INNER_H
#define GH_POOL_POOL_INNER_H

#include <jansson.h>

#include "pool/pool.h"

struct gh_slot {
    struct gh_call *call; /* NULL while free */
    uint32_t turn;        /* grows each time the slot is taken */
    uint32_t next_free;
};

struct gh_pool {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    struct gh_pool_events events;
    char *program, *module_dir, *cache_dir;
    struct gh_process *processes;
    unsigned process_count;
    unsigned worker_count; /* running programs, those of forgotten processes included */
    json_t *paths;         /* array of strings, in order of insertion */
    json_t *env;           /* object of strings: global environment variables */
    struct gh_slot *slots;
    uint32_t slot_count, free_slot;
    bool is_stopping;
    uv_timer_t *stop_timer;
    void (*on_stopped)(void *context);
    void *stop_context;
};

/* The call ID that is open on PROCESS, or NULL: it has ended, never was, or is another's. */
struct gh_call *gh_pool_open_call(struct gh_process *process, uint64_t id);

/* Take CALL off all lists, tell its owner, free it. */
void gh_pool_close_call(struct gh_call *call, const struct gh_answer *answer);

/* Call on_stopped once no worker is left. */
void gh_pool_check_stopped(struct gh_pool *pool);

/* A call wants PROCESS: start it now when it waits for its restart, or was parked long enough. */
void gh_process_wake(struct gh_process *process);

/* restart.c: a step of a restart on request, if there is one. A call of PROCESS has ended; its worker has;
 * what on_started began is done; nothing comes of it. */
void gh_process_restart_when_idle(struct gh_process *process);
void gh_process_restart_now(struct gh_process *process);
void gh_process_restart_rebuilt(struct gh_process *process);
void gh_process_restart_failed(struct gh_process *process, const char *why);

/* Append the members of HELLO and SET_LIMITS that are settings, without braces. */
void gh_process_add_limits(const struct gh_pool *pool, struct gh_buf *out);

/* Free PROCESS, whose worker is gone or is no longer its own. */
void gh_process_forget(struct gh_process *process);

/* Variables to start a worker of PROCESS with: the node's, and over them those of its runtime_env. A
 * new reference. */
json_t *gh_process_first_variables(const struct gh_process *process);

/* What the user gave, the most special last: for all processes, for this one. A new reference. */
json_t *gh_process_user_variables(const struct gh_process *process);

#endif
