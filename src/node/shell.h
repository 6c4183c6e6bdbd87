/* SPDX-License-Identifier: Apache-2.0
 *
 * node/shell.h - shell commands on this node.
 *
 * A command is run by /bin/sh -c from the home folder, in a session and process group of its own, with
 * the daemon's environment less its secrets and nothing on standard input. Both outputs are read all
 * the time, so that neither fills up and blocks it. It is over when the shell has exited and both
 * outputs are closed: a background child that holds one is waited for. Loop thread only.
 * Source: packages-and-processes.md section 2. */
#ifndef GH_NODE_SHELL_H
#define GH_NODE_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/err.h"
#include "wire/call.h"

struct gh_settings;
struct gh_shell;

/* The commands that run. */
struct gh_shells {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    struct gh_shell *first; /* the oldest */
    unsigned count;
};

struct gh_shell_result {
    const char *failure; /* why it has no result, or NULL */
    int code;            /* exit code, or -n when signal n ended it */
    struct gh_slice out,
        err; /* any bytes; empty when nobody wanted them. Past command_output_max_bytes
                                 the newest, behind a line that says what was left out */
};

/* Both borrowed for the command's life. */
struct gh_shell_events {
    /* Standard output as it comes: up to a line's end, unless a line is very long. */
    void (*on_lines)(void *context, const char *text, size_t len);
    /* Once. The command is gone when this returns. */
    void (*on_done)(void *context, const struct gh_shell_result *result);
};

void gh_shells_init(struct gh_shells *shells, uv_loop_t *loop, const struct gh_settings *settings);

/* Kill every command with its process group, at once; each is told by on_done why. */
void gh_shells_stop(struct gh_shells *shells);

/* Run COMMAND, a C string. KEEPS_OUTPUT: the result is to have what it wrote. on_done does not come
 * before this returns. Errors: GH_E_NO_ROOM commands_max run already; GH_E_SYSTEM it could not be
 * started; no event follows then. */
int gh_shell_start(struct gh_shells *shells, const char *command, bool keeps_output,
                   const struct gh_shell_events *events, void *context, struct gh_err *err)
    GH_MUST_USE;

#endif
