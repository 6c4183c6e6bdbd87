/* SPDX-License-Identifier: Apache-2.0
 *
 * node/env.h - one Python environment that packages are installed into, and what its own interpreter
 * says of it: where its site folders are, which distributions are there.
 *
 * The answer is kept, since asking takes a tenth of a second. It holds until gh_env_forget (after
 * each install that goes through the daemon), and as long as no folder of the interpreter's import
 * path was changed (its modification time), which is how installs by other hands show. Loop thread
 * only. */
#ifndef GH_NODE_ENV_H
#define GH_NODE_ENV_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/words.h"

struct gh_env {
    struct gh_env *prev, *next;
    char *python;    /* the interpreter, absolute; of a conda env that has a name, what it said */
    char *conda_env; /* name, or NULL */
    bool is_default; /* the env of the processes */

    json_t *facts;            /* what the interpreter said last; NULL before */
    bool is_stale;            /* since then an install has run */
    struct gh_install *queue; /* in order; the first one runs (installer.c) */
    unsigned queue_len;
};

/* Append "-c" and the Python program of LINES, which have no double quotes and no backslashes in them. It
 * reaches the interpreter as one line, since conda run takes no line ends in arguments. */
void gh_env_add_program(struct gh_words *argv, const char *const *lines, size_t count);

/* Program and arguments that make the interpreter of a conda env or PYTHON tell. */
void gh_env_add_question(struct gh_words *argv);

/* Keep what it said in LINE, if LINE is the answer to gh_env_add_question. */
bool gh_env_learn(struct gh_env *env, const char *line, size_t len);

/* It has to be asked again. What it said stays to be read until then. */
void gh_env_forget(struct gh_env *env);
void gh_env_done(struct gh_env *env);

/* Is what was learnt still true, as far as folders can tell? */
bool gh_env_is_known(const struct gh_env *env);

/* Does the env hold what the plain requirement TEXT asks for, a name and what node/requirement.h can
 * judge? Anything else (markers, extras, URLs) is not plain: false. */
bool gh_env_has(const struct gh_env *env, const char *text);

/* Members of what it said; "" or false before it has said anything. */
const char *gh_env_text(const struct gh_env *env, const char *name);
bool gh_env_flag(const struct gh_env *env, const char *name);

/* JSON array of the folders that packages go to; the caller frees it. */
char *gh_env_site_folders(const struct gh_env *env);

/* uv beside the interpreter PYTHON ("" for none), on PATH, or where its own installer puts it. Looks at
 * the disk; any thread. */
bool gh_env_find_uv(const char *python, char out[PATH_MAX]);

#endif
