/* SPDX-License-Identifier: Apache-2.0 */
#include "node/envplan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/declared.h"
#include "conf/home.h"
#include "node/env.h"
#include "node/envs.h"
#include "node/installer.h"
#include "wire/pyenv.h"

#define MADE_OF "gatehouse-env-is-of"
#define INSTALLED "gatehouse-requirements"
#define REQUIREMENTS_MAX_BYTES (1u << 20)

/* ---- small files ---- */

/* What PATH holds, "" when it is not there or too large; the caller frees it. */
static char *
read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = gh_alloc(REQUIREMENTS_MAX_BYTES + 1);
    size_t len = file ? fread(text, 1, REQUIREMENTS_MAX_BYTES + 1, file) : 0;

    if (file)
        fclose(file);
    text[len <= REQUIREMENTS_MAX_BYTES ? len : 0] = '\0';
    return text;
}

/* Put TEXT into PATH, whole or not at all. */
static int
write_text(const char *path, const char *text, struct gh_err *err)
{
    char *fresh GH_SCOPED(gh_free) = gh_asprintf("%s.%d", path, (int)getpid());
    FILE *file = fopen(fresh, "we");

    bool is_ok = file && fputs(text, file) >= 0;
    if (file && fclose(file) != 0)
        is_ok = false;
    if (is_ok && rename(fresh, path) == 0)
        return GH_OK;
    int reason = errno;
    unlink(fresh);
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", path, strerror(reason));
}

static int
note(const char *folder, const char *name, const char *text, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder, name);
    return write_text(path, text, err);
}

static char *
noted(const char *folder, const char *name)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder, name);
    return read_text(path);
}

/* ---- which Python ---- */

/* The newest of pyenv's that VERSION fits. */
static bool
find_in_pyenv(const char *version, char out[PATH_MAX])
{
    const char *root = getenv("PYENV_ROOT");
    char *versions GH_SCOPED(gh_free) = root && root[0] == '/' ? gh_asprintf("%s/versions", root)
                                                               : gh_home_path("~/.pyenv/versions");
    char *best GH_SCOPED(gh_free) = NULL;
    size_t len = strlen(version);
    DIR *folder = opendir(versions);

    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *name = entry->d_name;
        bool fits = strncmp(name, version, len) == 0 && (name[len] == '\0' || name[len] == '.');
        if (!fits || (best && strverscmp(name, best) < 0))
            continue;
        free(best);
        best = gh_strdup(name);
    }
    if (folder)
        closedir(folder);
    return best && snprintf(out, PATH_MAX, "%s/%s/bin/python", versions, best) < PATH_MAX &&
           access(out, X_OK) == 0;
}

/* The interpreter of VERSION, "3.11" or "3.11.4". */
static bool
find_version(const char *version, char out[PATH_MAX])
{
    const char *dot = strchr(version, '.');
    const char *patch = dot ? strchr(dot + 1, '.') : NULL;
    char *name GH_SCOPED(gh_free) = gh_asprintf("python%s", version);

    return (!patch && gh_pyenv_find_on_path(name, out) == 0) || find_in_pyenv(version, out);
}

static void
add_words(struct gh_words *argv, const char *const *words)
{
    for (; *words; words++)
        gh_words_add(argv, *words);
}

/* The command for a venv of PYTHON at FOLDER; where that Python is not on this node, uv may get it. */
static int
plan_command(struct gh_envplan *plan, const struct gh_env_spec *spec, struct gh_err *err)
{
    char python[PATH_MAX], uv[PATH_MAX], problem[512];

    if (*spec->python && gh_pyenv_find(spec->python, python, problem, sizeof problem) != 0)
        return gh_err_set(err, GH_E_NOT_FOUND, "python: %s", problem);
    if (*spec->python || find_version(spec->version, python)) {
        add_words(&plan->make, (const char *[]){python, "-m", "venv", "--clear", "--without-pip",
                                                plan->python, NULL});
        return GH_OK;
    }
    if (gh_env_find_uv("", uv)) {
        /* Whether uv replaces what is there, and how to tell it, is not the same in all versions. */
        add_words(&plan->make, (const char *[]){"sh", "-c",
                                                "rm -rf \"$1\" && exec \"$2\" venv --python \"$3\" "
                                                "\"$1\"",
                                                "sh", plan->python, uv, spec->version, NULL});
        return GH_OK;
    }
    return gh_err_set(err, GH_E_NOT_FOUND,
                      "there is no python%s on PATH or of pyenv on this node, and no uv to get it "
                      "with; install one of them, or give python the path of an interpreter",
                      spec->version);
}

/* A venv of our own in STATE_DIR/envs/NAME. */
static int
plan_venv(struct gh_envplan *plan, const struct gh_env_spec *spec, const char *state_dir,
          struct gh_err *err)
{
    char *parent GH_SCOPED(gh_free) = gh_asprintf("%s/envs", state_dir);

    mkdir(parent, 0700);
    plan->python = gh_asprintf("%s/%s", parent, spec->name);
    plan->made_of = gh_strdup(*spec->version ? spec->version : spec->python);

    char *made_of GH_SCOPED(gh_free) = noted(plan->python, MADE_OF);
    char *program GH_SCOPED(gh_free) = gh_asprintf("%s/bin/python", plan->python);
    if (strcmp(made_of, plan->made_of) == 0 && access(program, X_OK) == 0)
        return GH_OK;
    return plan_command(plan, spec, err);
}

/* One that somebody else has made. */
static int
find_env(struct gh_envplan *plan, const struct gh_env_spec *spec, struct gh_err *err)
{
    json_t *wanted = *spec->venv ? json_pack("{s:s}", "venv", spec->venv)
                                 : json_pack("{s:s}", "conda", spec->conda);
    int rc = gh_envs_find(wanted, &plan->python, err);

    json_decref(wanted);
    return rc;
}

/* ---- requirements ---- */

/* Text that stands for more than it says: other files, folders whose content may be another one. */
static bool
says_it_all(const char *requirements)
{
    for (const char *line = requirements; *line;
         line += strcspn(line, "\n"), line += *line == '\n') {
        line += strspn(line, " \t");
        if (strncmp(line, "-r", 2) == 0 || strncmp(line, "-c", 2) == 0 ||
            strncmp(line, "-e", 2) == 0 || strncmp(line, "--requirement", 13) == 0 ||
            strncmp(line, "--constraint", 12) == 0 || strncmp(line, "--editable", 10) == 0 ||
            line[0] == '/' || line[0] == '.')
            return false;
    }
    return true;
}

/* The file to install from; a list is put into one. */
static int
requirements_file(struct gh_envplan *plan, const struct gh_env_spec *spec, const char *state_dir,
                  char **path_out, struct gh_err *err)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (*spec->requirements_file) {
        plan->requirements = read_text(spec->requirements_file);
        *path_out = gh_strdup(spec->requirements_file);
        if (access(*path_out, R_OK) != 0)
            return gh_err_set(err, GH_E_NOT_FOUND, "requirements: %s: %s", *path_out,
                              strerror(errno));
        return GH_OK;
    }
    for (size_t i = 0; i < spec->requirements.count; i++)
        gh_buf_addf(&text, "%s\n", spec->requirements.list[i]);
    plan->requirements = gh_strdup(gh_buf_text(&text));
    char *parent GH_SCOPED(gh_free) = gh_asprintf("%s/envs", state_dir);
    mkdir(parent, 0700);
    *path_out = gh_asprintf("%s/%s.requirements.txt", parent, spec->name);
    return write_text(*path_out, plan->requirements, err);
}

static int
plan_install(struct gh_envplan *plan, const struct gh_env_spec *spec, const char *state_dir,
             struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = NULL;

    if (!*spec->requirements_file && spec->requirements.count == 0)
        return GH_OK;
    int rc = requirements_file(plan, spec, state_dir, &path, err);
    if (rc != GH_OK)
        return rc;
    if (strchr(path, '\''))
        return gh_err_set(err, GH_E_INPUT, "requirements: '%s' has a quote in its path", path);
    plan->install_target = gh_asprintf("-r '%s'", path);

    char *installed GH_SCOPED(gh_free) = plan->made_of ? noted(plan->python, INSTALLED) : NULL;
    plan->needs_install = !installed || plan->make.count > 0 || !says_it_all(plan->requirements) ||
                          strcmp(installed, plan->requirements) != 0;
    return GH_OK;
}

/* ---- the whole ---- */

void
gh_envplan_make(struct gh_envplan *plan, const struct gh_env_spec *spec, const char *state_dir)
{
    memset(plan, 0, sizeof *plan);
    int rc = gh_env_spec_is_made(spec) ? plan_venv(plan, spec, state_dir, &plan->problem)
                                       : find_env(plan, spec, &plan->problem);
    if (rc == GH_OK)
        rc = plan_install(plan, spec, state_dir, &plan->problem);
    plan->problem.code = rc;
}

void
gh_envplan_done(struct gh_envplan *plan)
{
    gh_free(&plan->python);
    gh_words_done(&plan->make);
    gh_free(&plan->made_of);
    gh_free(&plan->install_target);
    gh_free(&plan->requirements);
    memset(plan, 0, sizeof *plan);
}

int
gh_envplan_note_venv(const struct gh_envplan *plan, struct gh_err *err)
{
    return note(plan->python, MADE_OF, plan->made_of, err);
}

int
gh_envplan_note(const struct gh_envplan *plan, struct gh_err *err)
{
    return plan->made_of ? note(plan->python, INSTALLED, plan->requirements, err) : GH_OK;
}
