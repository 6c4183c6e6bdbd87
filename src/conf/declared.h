/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/declared.h - what a configuration declares to be there: modules, and the envs that they run in.
 *
 *     modules:
 *       concat: examples/concat.py:concat         FILE.py:ATTR or FILE.py:ATTR@kind
 *       shop: {file: shop.py, attr: app, kind: asgi, process: web, env: shop}
 *     envs:
 *       shop: {python: "3.11", requirements: [flask, ./wheels/tax-1.0-py3-none-any.whl]}
 *       notebook: {conda: ml}
 *
 * The same words mean the same elsewhere: --module NAME=FILE.py:ATTR adds a module, and a client names
 * a declared env by runtime_env {"env": NAME}.
 *
 * A module with an env and no process runs in the process "env-" ENV, which all modules of that env
 * share; one without both in default_process. Modules of one process that name an env name the same
 * one, and the process runs in it. Plain data; whoever has it frees it by gh_declared_done. */
#ifndef GH_CONF_DECLARED_H
#define GH_CONF_DECLARED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/words.h"
#include "conf/faults.h"

#define GH_DECLARED_NAME_MAX_BYTES 100u

struct gh_module_spec {
    char *name;
    char *file;    /* absolute */
    char *attr;    /* "f", "Class", "factory()", "app@asgi" */
    char *process; /* never empty: "default_process" where nothing else is said */
    char *env;     /* of struct gh_env_spec, or "" */
    bool
        refuses_pickle; /* calls whose data is pickled are not for it; also the setting refuse_pickle */
    char *source;       /* "flag --module", "/etc/gatehouse/gatehouse.yaml:12:3" */
};

/* One of the four is set, the others are "". */
struct gh_env_spec {
    char *name;    /* letters, digits and . _ -, beginning with a letter or digit */
    char *version; /* "3.11": a venv of that Python is made in the state folder */
    char *python;  /* absolute path of an interpreter: the same, of this one */
    char *venv;    /* absolute path of a venv */
    char *conda;   /* name or absolute path of a conda env */

    struct gh_words requirements; /* as pip takes them, local paths made absolute; or */
    char *requirements_file;      /* absolute, or "" */
    char *source;
};

struct gh_declared {
    struct gh_module_spec *modules;
    size_t module_count;
    struct gh_env_spec *envs;
    size_t env_count;
};

void gh_declared_done(struct gh_declared *declared);

/* NULL when there is none of that name. */
struct gh_module_spec *gh_declared_module(const struct gh_declared *declared, const char *name);
struct gh_env_spec *gh_declared_env(const struct gh_declared *declared, const char *name);

/* The env that PROCESS runs in by what modules say, or "". Borrowed. */
const char *gh_declared_env_of_process(const struct gh_declared *declared, const char *process);

/* Do both declare the same things, wherever they stand? */
bool gh_declared_is_same(const struct gh_declared *one, const struct gh_declared *other);

/* Is ENV of the daemon's own making: a venv in the state folder? */
bool gh_env_spec_is_made(const struct gh_env_spec *env);

/* Why NAME can be no module, or NULL: it is one segment of a URL and not the daemon's own. */
const char *gh_module_name_problem(const char *name);

/* Read NAME=FILE.py:ATTR of a --module: the module takes the place of one of the same name from a
 * file. Errors: GH_E_INPUT. */
int gh_declared_add_flag(struct gh_declared *declared, const char *text, struct gh_err *err)
    GH_MUST_USE;

/* Append a module or env; its texts become DECLARED's. */
void gh_declared_take_module(struct gh_declared *declared, const struct gh_module_spec *module);
void gh_declared_take_env(struct gh_declared *declared, const struct gh_env_spec *env);

/* When all are there: do modules name envs that exist, and processes one env each? */
void gh_declared_check(const struct gh_declared *declared, struct gh_faults *faults);

#endif
