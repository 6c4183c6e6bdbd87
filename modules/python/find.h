/* SPDX-License-Identifier: Apache-2.0
 *
 * find.h - which Python a worker is to run. */
#ifndef GH_FIND_H
#define GH_FIND_H

#include "modules/python/probe.h"

/* Find and probe the interpreter. PYTHON is a path of a python, a folder of a venv or conda env,
 * or a name on PATH; NULL: $VIRTUAL_ENV, else $CONDA_PREFIX, else python3 on PATH. Refuses what
 * cannot load our extension: older than 3.9, other than CPython, or free-threaded.
 * 0; or -1 and in PROBLEM what is wrong and how to set it right. */
int gh_find_python(const char *python, const char *cache_dir, struct gh_probe *probe_out,
                   char *problem, size_t problem_len);

#endif
