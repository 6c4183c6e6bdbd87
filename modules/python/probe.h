/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h - ask a Python executable what it is, and remember the answer.
 *
 * Asking takes 17-40 ms (measured 2026-11-22), so the answer is kept in a file. It counts as long
 * as the path, the real path behind it, and the size and time of the executable and of its pyvenv.cfg
 * are the same. A script that stands for a python (a pyenv shim, a wrapper) may choose another one
 * each time it runs, so its answer is never kept. */
#ifndef GH_PROBE_H
#define GH_PROBE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct gh_probe {
    char executable[PATH_MAX]; /* sys.executable: right as argv[0] of an embedded interpreter */
    char library[PATH_MAX];    /* its libpython, or "" when it has none that is shared */
    char version[64];          /* "3.11.7" */
    char implementation[64];   /* "cpython" */
    bool is_free_threaded;
};

/* Probe the executable at PATH, absolute. CACHE_DIR may be NULL. 0; or -1 and the reason in
 * PROBLEM. */
int gh_probe_python(const char *path, const char *cache_dir, struct gh_probe *probe_out,
                    char *problem, size_t problem_len);

#endif
