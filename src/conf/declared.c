/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/declared.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/nearest.h"

#define FLAG_SOURCE "flag --module"

static void
module_done(struct gh_module_spec *module)
{
    free(module->name);
    free(module->file);
    free(module->attr);
    free(module->process);
    free(module->env);
    free(module->source);
}

static void
env_done(struct gh_env_spec *env)
{
    free(env->name);
    free(env->version);
    free(env->python);
    free(env->venv);
    free(env->conda);
    gh_words_done(&env->requirements);
    free(env->requirements_file);
    free(env->source);
}

void
gh_declared_done(struct gh_declared *declared)
{
    for (size_t i = 0; i < declared->module_count; i++)
        module_done(&declared->modules[i]);
    for (size_t i = 0; i < declared->env_count; i++)
        env_done(&declared->envs[i]);
    gh_free(&declared->modules);
    gh_free(&declared->envs);
    declared->module_count = declared->env_count = 0;
}

struct gh_module_spec *
gh_declared_module(const struct gh_declared *declared, const char *name)
{
    for (size_t i = 0; i < declared->module_count; i++)
        if (strcmp(declared->modules[i].name, name) == 0)
            return &declared->modules[i];
    return NULL;
}

struct gh_env_spec *
gh_declared_env(const struct gh_declared *declared, const char *name)
{
    for (size_t i = 0; i < declared->env_count; i++)
        if (strcmp(declared->envs[i].name, name) == 0)
            return &declared->envs[i];
    return NULL;
}

const char *
gh_declared_env_of_process(const struct gh_declared *declared, const char *process)
{
    for (size_t i = 0; i < declared->module_count; i++)
        if (strcmp(declared->modules[i].process, process) == 0 && *declared->modules[i].env)
            return declared->modules[i].env;
    return "";
}

bool
gh_env_spec_is_made(const struct gh_env_spec *env)
{
    return *env->version || *env->python;
}

static bool
is_same_module(const struct gh_module_spec *one, const struct gh_module_spec *other)
{
    return strcmp(one->name, other->name) == 0 && strcmp(one->file, other->file) == 0 &&
           strcmp(one->attr, other->attr) == 0 && strcmp(one->process, other->process) == 0 &&
           strcmp(one->env, other->env) == 0 && one->refuses_pickle == other->refuses_pickle;
}

static bool
is_same_env(const struct gh_env_spec *one, const struct gh_env_spec *other)
{
    if (strcmp(one->name, other->name) != 0 || strcmp(one->version, other->version) != 0 ||
        strcmp(one->python, other->python) != 0 || strcmp(one->venv, other->venv) != 0 ||
        strcmp(one->conda, other->conda) != 0 ||
        strcmp(one->requirements_file, other->requirements_file) != 0 ||
        one->requirements.count != other->requirements.count)
        return false;
    for (size_t i = 0; i < one->requirements.count; i++)
        if (strcmp(one->requirements.list[i], other->requirements.list[i]) != 0)
            return false;
    return true;
}

bool
gh_declared_is_same(const struct gh_declared *one, const struct gh_declared *other)
{
    if (one->module_count != other->module_count || one->env_count != other->env_count)
        return false;
    for (size_t i = 0; i < one->module_count; i++)
        if (!is_same_module(&one->modules[i], &other->modules[i]))
            return false;
    for (size_t i = 0; i < one->env_count; i++)
        if (!is_same_env(&one->envs[i], &other->envs[i]))
            return false;
    return true;
}

const char *
gh_module_name_problem(const char *name)
{
    if (!*name)
        return "a name is missing";
    if (strpbrk(name, "/?#") || strncmp(name, "_gatehouse", 10) == 0)
        return "a name is one segment of a URL and does not begin with _gatehouse";
    return NULL;
}

void
gh_declared_take_module(struct gh_declared *declared, const struct gh_module_spec *module)
{
    declared->modules =
        gh_realloc(declared->modules, (declared->module_count + 1) * sizeof declared->modules[0]);
    declared->modules[declared->module_count++] = *module;
}

void
gh_declared_take_env(struct gh_declared *declared, const struct gh_env_spec *env)
{
    declared->envs =
        gh_realloc(declared->envs, (declared->env_count + 1) * sizeof declared->envs[0]);
    declared->envs[declared->env_count++] = *env;
}

/* ---- --module ---- */

/* MODULE takes the place of OLD, or comes last when there is none. */
static void
put_module(struct gh_declared *declared, struct gh_module_spec *old, struct gh_module_spec *module)
{
    if (!old) {
        gh_declared_take_module(declared, module);
        return;
    }
    module_done(old);
    *old = *module;
}

int
gh_declared_add_flag(struct gh_declared *declared, const char *text, struct gh_err *err)
{
    const char *equals = strchr(text, '=');
    const char *colon = strrchr(text, ':');
    char path[PATH_MAX];

    if (!equals || equals == text || !colon || colon < equals + 2 || !colon[1])
        return gh_err_set(err, GH_E_INPUT,
                          "--module is '%s', but must read NAME=FILE.py:ATTR, as in "
                          "concat=examples/concat.py:concat",
                          text);

    char *name GH_SCOPED(gh_free) = gh_strndup(text, (size_t)(equals - text));
    const char *problem = gh_module_name_problem(name);
    if (problem)
        return gh_err_set(err, GH_E_INPUT, "--module '%s': %s", name, problem);

    char *file GH_SCOPED(gh_free) = gh_strndup(equals + 1, (size_t)(colon - equals - 1));
    if (!realpath(file, path) || access(path, R_OK) != 0)
        return gh_err_set(err, GH_E_INPUT, "--module %s: file '%s': %s", name, file,
                          strerror(errno));

    struct gh_module_spec *old = gh_declared_module(declared, name);
    if (old && strcmp(old->source, FLAG_SOURCE) == 0)
        return gh_err_set(err, GH_E_INPUT, "--module '%s' is given twice", name);
    put_module(declared, old,
               &(struct gh_module_spec){.name = gh_take(name),
                                        .file = gh_strdup(path),
                                        .attr = gh_strdup(colon + 1),
                                        .process = gh_strdup("default_process"),
                                        .env = gh_strdup(""),
                                        .source = gh_strdup(FLAG_SOURCE)});
    return GH_OK;
}

/* ---- all together ---- */

static void
unknown_env(const struct gh_declared *declared, const struct gh_module_spec *module,
            struct gh_faults *faults)
{
    struct gh_nearest nearest;

    gh_nearest_begin(&nearest, module->env, strlen(module->env));
    for (size_t i = 0; i < declared->env_count; i++)
        gh_nearest_try(&nearest, declared->envs[i].name);
    const char *near = nearest.best;
    gh_faults_add(faults, "%s: module %s: env is '%s', which is not declared under envs%s%s",
                  module->source, module->name, module->env, *near ? "; did you mean " : "", near);
}

void
gh_declared_check(const struct gh_declared *declared, struct gh_faults *faults)
{
    for (size_t i = 0; i < declared->module_count; i++) {
        const struct gh_module_spec *module = &declared->modules[i];
        const char *other = gh_declared_env_of_process(declared, module->process);

        if (!*module->env)
            continue;
        if (!gh_declared_env(declared, module->env))
            unknown_env(declared, module, faults);
        else if (strcmp(module->process, "default_process") == 0)
            gh_faults_add(faults,
                          "%s: module %s: default_process runs in the setting env, not in '%s'; "
                          "name another process, or none",
                          module->source, module->name, module->env);
        else if (strcmp(other, module->env) != 0)
            gh_faults_add(faults,
                          "%s: module %s: process %s runs in env '%s', so it cannot run in '%s'",
                          module->source, module->name, module->process, other, module->env);
    }
}
