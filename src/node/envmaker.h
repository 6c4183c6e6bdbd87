/* SPDX-License-Identifier: Apache-2.0
 *
 * node/envmaker.h - the envs that the configuration declares (conf/declared.h), found or made.
 *
 *     look at the disk --> venv or conda env: found
 *         |  python: a venv of it in STATE_DIR/envs/NAME; made where it is missing, or of another Python
 *         v
 *     its requirements, by uv where there is one, else by pip (node/installer.h); not again while
 *         |  those of a venv of ours are the same as at the last time
 *         v
 *     ready: its processes may start; or failed, with the reason, and the node serves on without it
 *
 * All envs at once, each in steps that block nothing. Loop thread only. */
#ifndef GH_NODE_ENVMAKER_H
#define GH_NODE_ENVMAKER_H

#include <uv.h>

#include "base/err.h"

struct gh_env_spec;
struct gh_envmaker;
struct gh_installer;
struct gh_settings;

enum gh_made_env_state { GH_MADE_ENV_UNDER_WAY, GH_MADE_ENV_READY, GH_MADE_ENV_FAILED };

/* "under_way", "ready", "failed". */
const char *gh_made_env_state_name(enum gh_made_env_state state);

/* One declared env. */
struct gh_made_env {
    const struct gh_env_spec *spec;
    enum gh_made_env_state state;
    char *python; /* interpreter or env folder, once READY; else NULL */
    char *text;   /* for people: "env ml: requirements are being installed", or why it FAILED */
};

/* Whoever needs an env and cannot go on without it. */
struct gh_made_env_waiter {
    struct gh_made_env_waiter *prev, *next;
    void (*on_end)(void *context, const struct gh_made_env *env); /* READY or FAILED */
    void *context;
};

/* ON_CHANGE is called whenever the state or text of an env is another one. */
struct gh_envmaker *gh_envmaker_new(uv_loop_t *loop, const struct gh_settings *settings,
                                    struct gh_installer *installer, const char *state_dir,
                                    void (*on_change)(void *context, const struct gh_made_env *env),
                                    void *context);

/* Begin all that are not under way or ready: at the start, and for another try of those that failed. */
void gh_envmaker_start(struct gh_envmaker *maker);

/* The declared env NAME, or NULL. The second one goes over all of them, in the order of the file. */
const struct gh_made_env *gh_envmaker_find(const struct gh_envmaker *maker, const char *name);
const struct gh_made_env *gh_envmaker_at(const struct gh_envmaker *maker, size_t index);

/* Tell WAITER when ENV, which is UNDER_WAY, has come to an end; WAITER is borrowed until then. When the
 * node stops first, that is a failure. */
void gh_envmaker_wait(struct gh_envmaker *maker, const struct gh_made_env *env,
                      struct gh_made_env_waiter *waiter);

/* End what runs: SIGTERM now, SIGKILL by gh_envmaker_kill. ON_STOPPED is called when nothing runs but
 * what the installer has, maybe at once; stop that one afterwards. */
void gh_envmaker_stop(struct gh_envmaker *maker, void (*on_stopped)(void *context), void *context);
void gh_envmaker_kill(struct gh_envmaker *maker);

/* The loop has ended. */
void gh_envmaker_free(struct gh_envmaker **maker_of);

#endif
