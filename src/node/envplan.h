/* SPDX-License-Identifier: Apache-2.0
 *
 * node/envplan.h - what has to be done so that a declared env is there, found out by looking at the
 * disk. Any thread; notes are kept inside a venv of our own making, so that they go with it:
 *
 *     gatehouse-env-is-of         version or path of the Python it was made with, once it is whole
 *     gatehouse-requirements      what was installed into it last, when all of that went well */
#ifndef GH_NODE_ENVPLAN_H
#define GH_NODE_ENVPLAN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/words.h"

struct gh_env_spec;

struct gh_envplan {
    struct gh_err problem; /* code GH_OK: it can be done */
    char *python;          /* env folder or interpreter that it will be */
    struct gh_words make;  /* command that makes the venv; empty when that is there */
    char *made_of;         /* NULL where the venv is not of our making */
    bool needs_install;
    char *install_target; /* as /install_package takes it: "-r 'FILE'" */
    char *requirements;   /* their text */
};

/* Fill PLAN, which is zeroed or done. A venv of another Python is to be made anew. */
void gh_envplan_make(struct gh_envplan *plan, const struct gh_env_spec *spec,
                     const char *state_dir);
void gh_envplan_done(struct gh_envplan *plan);

/* Note that the venv is whole; that its requirements are there. Errors: GH_E_SYSTEM. */
int gh_envplan_note_venv(const struct gh_envplan *plan, struct gh_err *err) GH_MUST_USE;
int gh_envplan_note(const struct gh_envplan *plan, struct gh_err *err) GH_MUST_USE;

#endif
