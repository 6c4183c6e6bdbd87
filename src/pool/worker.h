/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/worker.h - one running gatehouse-worker: its program, socket and output.
 *
 * A named process (pool/pool.h) has one worker at a time; when it dies the process gets a new
 * one. What happens is told through struct gh_worker_events; on_exit comes exactly once, after the
 * last frame was delivered and the exit status is known, and the worker frees itself afterwards.
 * Loop thread only, which also is the thread that forks: the worker asks for PR_SET_PDEATHSIG, which
 * fires when that thread ends. */
#ifndef GH_POOL_WORKER_H
#define GH_POOL_WORKER_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "pool/channel.h"

#define GH_WORKER_LINE_BYTES 1024u /* longer output lines are cut for the log */
#define GH_WORKER_LAST_LINES 10u   /* of standard error, kept for the error of a worker that dies */

struct gh_worker;
struct json_t;

struct gh_worker_events {
    void (*on_frame)(struct gh_worker *worker, const struct gh_frame *frame, int fd);
    /* HOW says "signal 9, SIGKILL" or "exit code 3"; LAST_LINES is its last output, or "". */
    void (*on_exit)(struct gh_worker *worker, const char *how, const char *last_lines);
};

/* What to run; all borrowed for the length of the call. */
struct gh_worker_program {
    const char *path;         /* gatehouse-worker */
    const char *module_dir;   /* folder of the runtimes */
    const char *cache_dir;    /* for what the runtime finds out about interpreters */
    const char *runtime;      /* "python" or "echo" */
    const char *process_name; /* for logs */
    const char *python;       /* interpreter, venv or conda env; "" lets the runtime choose */
    const char *home;         /* working directory */
    const struct json_t *environment; /* object of strings: over the daemon's own; may be NULL */
};

struct gh_worker {
    const struct gh_worker_events *events;
    void *owner;
    char *name; /* of its process, for logs */
    int pid;
    bool is_exited;
    bool is_channel_closed;
    unsigned open_handles;
    int64_t exit_status;
    int exit_signal;
    uv_process_t program;
    uv_timer_t grace; /* between end of file and exit, either order */
    uv_pipe_t outputs[2];
    struct gh_buf lines[2]; /* unfinished output lines */
    char *last_lines[GH_WORKER_LAST_LINES];
    unsigned last_line_count;
    struct gh_channel channel;
};

/* Start a worker. Errors: GH_E_SYSTEM, the program or a socket could not be had. */
int gh_worker_start(uv_loop_t *loop, const struct gh_worker_program *program,
                    const struct gh_worker_events *events, void *owner,
                    struct gh_worker **worker_out, struct gh_err *err) GH_MUST_USE;

/* SIGKILL; on_exit follows. */
void gh_worker_kill(struct gh_worker *worker);

#endif
