/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/login.h - what the client of the protocol finds on this node when it comes by ssh.
 *
 * It runs every command in an interactive login bash after `source ~/.bashrc`. So that is where things
 * must be: the shims first on PATH, rsync, and a python3 that imports psutil (it is asked for the free
 * space before files are sent). */
#ifndef GH_CLI_LOGIN_H
#define GH_CLI_LOGIN_H

#include <stdbool.h>

#include "cli/cli.h"

/* A thing that is needed there. */
struct gh_login_need {
    const char *name; /* "rsync" */
    char *found;      /* what is there: a path, a version; NULL when it is missing or a wrong one */
    char *mend;       /* the command that mends it; NULL when nothing is to be mended */
};

#define GH_LOGIN_NEEDS 6

/* Ask a login bash of this user. SHIM_DIR: where the shims are, NULL for wherever they may be.
 * NEEDS_OUT is released by gh_login_done.
 * Returns GH_EXIT_OK, whatever is missing; GH_EXIT_FAILED when bash itself cannot be asked. */
int gh_login_look(const char *shim_dir, struct gh_login_need needs_out[GH_LOGIN_NEEDS],
                  struct gh_err *err) GH_MUST_USE;
void gh_login_done(struct gh_login_need needs[GH_LOGIN_NEEDS]);

#endif
