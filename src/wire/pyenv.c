/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pyenv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_executable_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool
is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* PATH made absolute, and no more: a venv is known by the link that it has for a python. */
static bool
make_absolute(const char *path, char out[PATH_MAX])
{
    char here[PATH_MAX];

    if (path[0] == '/')
        return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
    return getcwd(here, sizeof here) && snprintf(out, PATH_MAX, "%s/%s", here, path) < PATH_MAX;
}

static bool
find_in_env(const char *env, char out[PATH_MAX])
{
    static const char *const names[] = {"bin/python", "bin/python3"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (snprintf(path, sizeof path, "%s/%s", env, names[i]) < PATH_MAX &&
            is_executable_file(path))
            return make_absolute(path, out);
    return false;
}

static bool
find_on_path(const char *name, char out[PATH_MAX])
{
    const char *folder = getenv("PATH");

    while (folder && *folder) {
        size_t len = strcspn(folder, ":");
        char path[PATH_MAX];

        if (len && snprintf(path, sizeof path, "%.*s/%s", (int)len, folder, name) < PATH_MAX &&
            is_executable_file(path))
            return make_absolute(path, out);
        folder += len + (folder[len] == ':');
    }
    return false;
}

static bool
resolve_given(const char *python, char out[PATH_MAX], char *problem, size_t problem_len)
{
    if (!strchr(python, '/') && find_on_path(python, out))
        return true;
    if (is_folder(python)) {
        if (find_in_env(python, out))
            return true;
        snprintf(problem, problem_len, "the env '%s' has no bin/python: create it again", python);
        return false;
    }
    if (is_executable_file(python))
        return make_absolute(python, out);
    snprintf(problem, problem_len,
             "there is no Python '%s': give the path of a python, of an env, or a name on PATH",
             python);
    return false;
}

static bool
resolve_default(char out[PATH_MAX], char *problem, size_t problem_len)
{
    static const char *const variables[] = {"VIRTUAL_ENV", "CONDA_PREFIX"};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *env = getenv(variables[i]);

        if (!env || !*env)
            continue;
        if (find_in_env(env, out))
            return true;
        snprintf(problem, problem_len, "$%s is '%s', which has no bin/python", variables[i], env);
        return false;
    }
    if (find_on_path("python3", out) || find_on_path("python", out))
        return true;
    snprintf(problem, problem_len, "no python3 on PATH: install one, or name an env");
    return false;
}

int
gh_pyenv_find(const char *python, char out[PATH_MAX], char *problem, size_t problem_len)
{
    bool found = python && *python ? resolve_given(python, out, problem, problem_len)
                                   : resolve_default(out, problem, problem_len);

    return found ? 0 : -1;
}

int
gh_pyenv_find_on_path(const char *name, char out[PATH_MAX])
{
    return find_on_path(name, out) ? 0 : -1;
}
