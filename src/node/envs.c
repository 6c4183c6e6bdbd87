/* SPDX-License-Identifier: Apache-2.0 */
#include "node/envs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/home.h"

/* What Ray's runtime_env could ask for beside; left out silently, the user's code would fail later. */
static const char *const unserved[] = {"pip",        "uv",        "working_dir",
                                       "py_modules", "container", "image_uri"};

static const char *const asked_by[] = {"conda", "venv", "python"};

/* Where installers of conda and its kin put their root, by default. */
static const char *const usual_roots[] = {
    "~/miniconda3", "~/anaconda3",     "~/miniforge3",   "~/mambaforge",    "~/micromamba",
    "/opt/conda",   "/opt/miniconda3", "/opt/anaconda3", "/opt/miniforge3",
};

static bool
is_given(const json_t *runtime_env, const char *name)
{
    const json_t *value = json_object_get(runtime_env, name);
    return value && !json_is_null(value);
}

bool
gh_envs_is_asked(const json_t *runtime_env)
{
    for (size_t i = 0; i < sizeof asked_by / sizeof asked_by[0]; i++)
        if (is_given(runtime_env, asked_by[i]))
            return true;
    for (size_t i = 0; i < sizeof unserved / sizeof unserved[0]; i++)
        if (is_given(runtime_env, unserved[i]))
            return true;
    return false;
}

static bool
is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool
is_env(const char *folder)
{
    char *python GH_SCOPED(gh_free) = gh_asprintf("%s/bin/python", folder);
    char *python3 GH_SCOPED(gh_free) = gh_asprintf("%s/bin/python3", folder);

    return is_program(python) || is_program(python3);
}

static bool
is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- conda envs by name ---- */

struct search {
    const char *name;
    char *found;
    struct gh_buf looked_at; /* for the error */
};

static bool
try(struct search *search, const char *folder)
{
    if (!search->found && is_env(folder))
        search->found = gh_strdup(folder);
    return search->found;
}

/* A folder that holds envs. */
static void
try_envs_folder(struct search *search, const char *folder)
{
    if (search->found || !is_folder(folder))
        return;
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder, search->name);
    if (!try(search, env) && !strstr(gh_buf_text(&search->looked_at), folder))
        gh_buf_addf(&search->looked_at, "%s%s", search->looked_at.len ? ", " : "", folder);
}

/* The root of an installation: its own env is "base". */
static void
try_root(struct search *search, const char *root)
{
    char *path GH_SCOPED(gh_free) = gh_home_path(root);
    char *envs GH_SCOPED(gh_free) = gh_asprintf("%s/envs", path);

    if (strcmp(search->name, "base") == 0 && !search->found)
        try(search, path);
    try_envs_folder(search, envs);
}

/* The root that the env or program PATH belongs to: ROOT, ROOT/envs/NAME, ROOT/bin/conda. */
static void
try_root_of(struct search *search, const char *path)
{
    char *root GH_SCOPED(gh_free) = gh_strdup(path);
    char *inner = strstr(root, "/envs/");

    if (!inner)
        inner = strstr(root, "/bin/");
    if (!inner)
        inner = strstr(root, "/condabin/");
    if (inner)
        *inner = '\0';
    try_root(search, root);
}

static void
try_variables(struct search *search)
{
    static const char *const variables[] = {"CONDA_PREFIX", "CONDA_EXE", "MAMBA_EXE",
                                            "MAMBA_ROOT_PREFIX", "CONDA_ROOT"};
    const char *folders = getenv("CONDA_ENVS_PATH");

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && value[0] == '/')
            try_root_of(search, value);
    }
    while (folders && *folders) {
        size_t len = strcspn(folders, ":");
        char *folder GH_SCOPED(gh_free) = gh_strndup(folders, len);
        try_envs_folder(search, folder);
        folders += len + (folders[len] == ':');
    }
}

/* ~/.conda/environments.txt: a line for each env that was ever made, wherever it is. */
static void
try_list(struct search *search)
{
    char *path GH_SCOPED(gh_free) = gh_home_path("~/.conda/environments.txt");
    char line[PATH_MAX];
    FILE *file = search->found ? NULL : fopen(path, "re");

    if (!file)
        return;
    while (!search->found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        const char *slash = strrchr(line, '/');
        if (slash && strcmp(slash + 1, search->name) == 0)
            try(search, line);
    }
    fclose(file);
    gh_buf_addf(&search->looked_at, "%s%s", search->looked_at.len ? ", " : "", path);
}

static int
find_conda(const char *name, char **python_out, struct gh_err *err)
{
    struct search search = {.name = name};
    char *own GH_SCOPED(gh_free) = gh_home_path("~/.conda/envs");

    try_variables(&search);
    try_list(&search);
    try_envs_folder(&search, own);
    for (size_t i = 0; i < sizeof usual_roots / sizeof usual_roots[0]; i++)
        try_root(&search, usual_roots[i]);

    int rc = GH_OK;
    if (search.found)
        *python_out = search.found;
    else
        rc = gh_err_set(
            err, GH_E_NOT_FOUND,
            "There is no conda env '%s' on this node. Create it with 'conda create -n %s "
            "python', or give the path of one. Looked at: %s.",
            name, name,
            search.looked_at.len ? gh_buf_text(&search.looked_at)
                                 : "the roots that conda and mamba use by default; none is there");
    gh_buf_done(&search.looked_at);
    return rc;
}

/* ---- by path ---- */

static int
find_env_at(const char *kind, const char *given, char **python_out, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_home_path(given);

    if (is_env(path)) {
        *python_out = gh_take(path);
        return GH_OK;
    }
    if (!is_folder(path))
        return gh_err_set(err, GH_E_NOT_FOUND,
                          "runtime_env asks for the %s '%s', but there is no folder %s. Create it "
                          "there, or give the path of one.",
                          kind, given, path);
    return gh_err_set(
        err, GH_E_NOT_FOUND,
        "runtime_env asks for the %s '%s', but %s/bin/python cannot be run. Create the "
        "env again, or give the path of another.",
        kind, given, path);
}

static char *
find_on_path(const char *name)
{
    const char *folder = getenv("PATH");

    while (folder && *folder) {
        size_t len = strcspn(folder, ":");
        char *path GH_SCOPED(gh_free) = gh_asprintf("%.*s/%s", (int)len, folder, name);
        if (folder[0] == '/' && is_program(path))
            return gh_take(path);
        folder += len + (folder[len] == ':');
    }
    return NULL;
}

static int
find_python(const char *given, char **python_out, struct gh_err *err)
{
    if (!strchr(given, '/') && given[0] != '~') {
        *python_out = find_on_path(given);
        return *python_out ? GH_OK
                           : gh_err_set(err, GH_E_NOT_FOUND,
                                        "runtime_env asks for the python '%s', which is not on the "
                                        "PATH of this node's daemon. Give its path.",
                                        given);
    }
    char *path GH_SCOPED(gh_free) = gh_home_path(given);
    if (is_program(path)) {
        *python_out = gh_take(path);
        return GH_OK;
    }
    if (is_env(path)) {
        *python_out = gh_take(path);
        return GH_OK;
    }
    return gh_err_set(err, GH_E_NOT_FOUND,
                      "runtime_env asks for the python '%s', but %s is no program that can be run. "
                      "Give the path of an interpreter.",
                      given, path);
}

/* ---- */

static int
check_unserved(const json_t *runtime_env, struct gh_err *err)
{
    for (size_t i = 0; i < sizeof unserved / sizeof unserved[0]; i++)
        if (is_given(runtime_env, unserved[i]))
            return gh_err_set(err, GH_E_INPUT,
                              "runtime_env asks for '%s', which this server does not do. Install "
                              "packages with install_packages, or name an env that has what is "
                              "needed: {'conda': name}, {'venv': path} or {'python': path}.",
                              unserved[i]);
    return GH_OK;
}

/* The one of asked_by that is given, or NULL; more than one is an error. */
static int
choose(const json_t *runtime_env, const char **chosen_out, struct gh_err *err)
{
    *chosen_out = NULL;
    for (size_t i = 0; i < sizeof asked_by / sizeof asked_by[0]; i++) {
        if (!is_given(runtime_env, asked_by[i]))
            continue;
        if (*chosen_out)
            return gh_err_set(err, GH_E_INPUT,
                              "runtime_env has both '%s' and '%s'; a process runs in one of them.",
                              *chosen_out, asked_by[i]);
        *chosen_out = asked_by[i];
    }
    return GH_OK;
}

int
gh_envs_find(const json_t *runtime_env, char **python_out, struct gh_err *err)
{
    const char *kind;

    *python_out = NULL;
    int rc = check_unserved(runtime_env, err);
    if (rc == GH_OK)
        rc = choose(runtime_env, &kind, err);
    if (rc != GH_OK || !kind)
        return rc;

    const char *value = json_string_value(json_object_get(runtime_env, kind));
    if (!value || !*value)
        return gh_err_set(
            err, GH_E_INPUT,
            "runtime_env has a '%s' that is no text: give the %s of an env that is on "
            "this node.",
            kind, strcmp(kind, "conda") == 0 ? "name or path" : "path");
    if (strcmp(kind, "python") == 0)
        return find_python(value, python_out, err);
    if (strcmp(kind, "venv") == 0 || strchr(value, '/') || value[0] == '~')
        return find_env_at(strcmp(kind, "venv") == 0 ? "venv" : "conda env", value, python_out,
                           err);
    if (value[0] == '.')
        return gh_err_set(err, GH_E_INPUT,
                          "runtime_env asks for the conda env '%s', which is no name of one.",
                          value);
    return find_conda(value, python_out, err);
}
