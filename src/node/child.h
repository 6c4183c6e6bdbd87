/* SPDX-License-Identifier: Apache-2.0
 *
 * node/child.h - run a program, read its output line by line, learn how it ended.
 *
 * The program gets a session and process group of its own, /dev/null for input, and no terminal that
 * it could ask anything at. on_line comes for each line of either output, "\r" counting as the end of
 * one too, since progress bars are made of it; lines over line_max_bytes lose what is over. on_exit
 * comes exactly once, after the last line, and the child frees itself afterwards. What the program
 * leaves running may go on, and is not read any more. Loop thread only. */
#ifndef GH_NODE_CHILD_H
#define GH_NODE_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

struct gh_child;

struct gh_child_events {
    void (*on_line)(void *owner, const char *line, size_t len);
    /* STATUS is the exit status, SIGNAL 0; or the other way round. */
    void (*on_exit)(void *owner, int64_t status, int signal);
};

/* What to run; all borrowed for the length of gh_child_start. */
struct gh_child_program {
    char *const *argv;  /* argv[0] is looked for on PATH when it has no slash */
    char *const *added; /* "NAME=value" on top of conf/environment.h; ends in NULL; may be NULL */
    const char *folder; /* to work in */
    size_t line_max_bytes;
};

/* Errors: GH_E_SYSTEM, it could not be started. */
int gh_child_start(uv_loop_t *loop, const struct gh_child_program *program,
                   const struct gh_child_events *events, void *owner, struct gh_child **child_out,
                   struct gh_err *err) GH_MUST_USE;

/* Send SIGNAL to the whole process group, unless the program has ended already. */
void gh_child_kill(struct gh_child *child, int signal);

#endif
