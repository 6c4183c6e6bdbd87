/* SPDX-License-Identifier: Apache-2.0
 *
 * node/envs.h - which Python environment a runtime_env asks for.
 *
 *     {"conda": name or path}   an env of conda, mamba or micromamba, found where these keep them
 *     {"venv": path}            a folder with bin/python
 *     {"python": path or name}  an interpreter; a name is looked for on PATH
 *
 * One of them, or none: the node's own. Looks at the disk, so not for the loop's thread, any other.
 * Source: packages-and-processes.md section 3, rule 4. */
#ifndef GH_NODE_ENVS_H
#define GH_NODE_ENVS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* Does RUNTIME_ENV ask for an environment at all? RUNTIME_ENV may be NULL. */
bool gh_envs_is_asked(const json_t *runtime_env);

/* The interpreter or env folder that it asks for, absolute, the caller's to free. ERR is for the
 * client: it names the value, what was looked at, and what to do.
 * Errors: GH_E_INPUT a value that cannot be; GH_E_NOT_FOUND there is no such env. */
int gh_envs_find(const json_t *runtime_env, char **python_out, struct gh_err *err) GH_MUST_USE;

#endif
