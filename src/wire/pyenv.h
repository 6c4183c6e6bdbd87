/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/pyenv.h - which interpreter a setting means. A worker runs it, and the daemon installs
 * packages for it; both read the same text by the same rules. Looks at files; any thread. */
#ifndef GH_WIRE_PYENV_H
#define GH_WIRE_PYENV_H

#include <limits.h>
#include <stddef.h>

/* PYTHON is the path of a python, the folder of a venv or conda env, or a name on PATH; NULL or "":
 * $VIRTUAL_ENV, else $CONDA_PREFIX, else python3 on PATH. OUT is absolute and no more than that: a venv
 * is known by the link that it has for a python. Returns 0; or -1, and PROBLEM says what is wrong and
 * how to set it right. */
int gh_pyenv_find(const char *python, char out[PATH_MAX], char *problem, size_t problem_len);

/* The same for the program NAME on PATH. 0 or -1. */
int gh_pyenv_find_on_path(const char *name, char out[PATH_MAX]);

#endif
