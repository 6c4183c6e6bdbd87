/* SPDX-License-Identifier: Apache-2.0
 *
 * node/declare.h - puts in place what the configuration declares: modules, and the processes they run
 * in, which are held back until their env is there.
 *
 * Keys are known from the start, so that no early call is told that there is no such module. Loop
 * thread only. */
#ifndef GH_NODE_DECLARE_H
#define GH_NODE_DECLARE_H

#include "base/err.h"

struct gh_envmaker;
struct gh_keys;
struct gh_made_env;
struct gh_pool;
struct gh_process;
struct gh_settings;

struct gh_declare {
    const struct gh_settings *settings;
    struct gh_keys *keys;
    struct gh_pool *pool;
    struct gh_envmaker *envs;
};

/* Make the processes that modules name, but for the default one: for modules without an env they start
 * in PYTHON, the others are held. What cannot start is logged, and told at each call. */
void gh_declare_processes(struct gh_declare *declare, const char *python);

/* The first worker of PROCESS was started: declare its modules. For on_started of struct
 * gh_pool_events. */
void gh_declare_modules(struct gh_declare *declare, struct gh_process *process);

/* For on_change of the envmaker: let go of the processes that wait for ENV, or tell why they wait. */
void gh_declare_env_changed(struct gh_declare *declare, const struct gh_made_env *env);

#endif
