/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/find.h"

#include <stdio.h>
#include <string.h>

#include "wire/pyenv.h"

static bool
suits(const struct gh_probe *probe, char *problem, size_t problem_len)
{
    const char *path = probe->executable;
    int major = 0, minor = 0;

    if (sscanf(probe->version, "%d.%d", &major, &minor) != 2 || major < 3 ||
        (major == 3 && minor < 9)) {
        snprintf(problem, problem_len,
                 "'%s' is Python %s, and gatehouse needs 3.9 or later: create the env with a newer "
                 "Python",
                 path, probe->version);
        return false;
    }
    if (strcmp(probe->implementation, "cpython") != 0) {
        snprintf(problem, problem_len,
                 "'%s' is %s (Python %s), and gatehouse runs CPython only: create the env with a "
                 "CPython",
                 path, probe->implementation, probe->version);
        return false;
    }
    if (probe->is_free_threaded) {
        snprintf(problem, problem_len,
                 "'%s' is a free-threaded Python %s, which has no stable ABI: create the env with "
                 "the ordinary build of %d.%d",
                 path, probe->version, major, minor);
        return false;
    }
    return true;
}

int
gh_find_python(const char *python, const char *cache_dir, struct gh_probe *probe_out, char *problem,
               size_t problem_len)
{
    char path[PATH_MAX];

    if (gh_pyenv_find(python, path, problem, problem_len) < 0 ||
        gh_probe_python(path, cache_dir, probe_out, problem, problem_len) < 0)
        return -1;
    return suits(probe_out, problem, problem_len) ? 0 : -1;
}
