/* SPDX-License-Identifier: Apache-2.0
 *
 * node/installer.c - the queue of each env: who is next, and how an install ends. */
#include "node/installer.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/home.h"
#include "node/install.h"
#include "wire/pyenv.h"

#define TICK_MS 1000u
#define FAILURE_MAX_BYTES 8000u /* an answer has room for so much */

/* ---- envs ---- */

/* The env of PYTHON, an absolute path, or of the conda env NAME; made when it is new. */
static struct gh_env *
env_of(struct gh_installer *installer, const char *python, const char *conda_env)
{
    struct gh_env *env;

    DL_FOREACH(installer->envs, env)
    {
        bool is_same = conda_env ? env->conda_env && strcmp(env->conda_env, conda_env) == 0
                                 : !env->conda_env && strcmp(env->python, python) == 0;
        if (is_same)
            return env;
    }
    env = gh_alloc(sizeof *env);
    env->python = gh_strdup(python);
    env->conda_env = conda_env ? gh_strdup(conda_env) : NULL;
    DL_APPEND(installer->envs, env);
    return env;
}

static void
free_env(struct gh_installer *installer, struct gh_env *env)
{
    DL_DELETE(installer->envs, env);
    gh_env_done(env);
    free(env);
}

/* Where ORDER's package goes. */
static int
choose_env(struct gh_installer *installer, const struct gh_install_order *order,
           struct gh_env **env_out, struct gh_err *err)
{
    char python[PATH_MAX], default_python[PATH_MAX], problem[512];

    if (*order->conda_env_name && *order->venv_path)
        return gh_err_set(err, GH_E_INPUT, "conda_env_name and venv_path exclude each other");
    if (*order->conda_env_name) {
        *env_out = env_of(installer, "", order->conda_env_name);
        return GH_OK;
    }
    int rc = gh_pyenv_find(installer->python, default_python, problem, sizeof problem);
    if (*order->venv_path) {
        char *path GH_SCOPED(gh_free) = gh_home_path(order->venv_path);
        if (gh_pyenv_find(path, python, problem, sizeof problem) != 0)
            return gh_err_set(err, GH_E_NOT_FOUND, "venv_path: %s", problem);
        *env_out = env_of(installer, python, NULL);
    } else if (rc != 0) {
        return gh_err_set(err, GH_E_INPUT, "%s", problem);
    } else {
        *env_out = env_of(installer, default_python, NULL);
    }
    (*env_out)->is_default = rc == 0 && strcmp((*env_out)->python, default_python) == 0;
    return GH_OK;
}

/* ---- start and end ---- */

void
gh_install_by_method(struct gh_install *install)
{
    switch (install->package.method) {
    case GH_PACKAGE_LOCAL:
        install->add_path = gh_strdup(install->package.target);
        gh_install_succeed(install);
        break;
    case GH_PACKAGE_PIP:
    case GH_PACKAGE_UV:
    case GH_PACKAGE_REQS:
        gh_install_by_pip(install);
        break;
    case GH_PACKAGE_CONDA:
        gh_install_by_conda(install);
        break;
    case GH_PACKAGE_RH:
    default:
        gh_install_succeed(install);
        break;
    }
}

static void
on_tick(uv_timer_t *timer)
{
    struct gh_installer *installer = timer->data;
    uint64_t limit_ms = installer->settings->install_timeout_s * 1000;
    struct gh_env *env;

    DL_FOREACH(installer->envs, env)
    {
        struct gh_install *install = env->queue;
        if (!install || !install->child || uv_now(installer->loop) - install->started_ms < limit_ms)
            continue;
        install->is_late = true;
        gh_child_kill(install->child, SIGKILL);
    }
}

/* The first of ENV's queue begins. */
static void
begin(struct gh_env *env)
{
    struct gh_install *install = env->queue;
    struct gh_installer *installer = install->installer;

    install->started_ms = uv_now(installer->loop);
    if (!uv_is_active((uv_handle_t *)installer->timer))
        uv_timer_start(installer->timer, on_tick, TICK_MS, TICK_MS);
    if (*install->package.git_url)
        gh_install_from_git(install);
    else
        gh_install_by_method(install);
}

static void
free_install(struct gh_install *install)
{
    gh_scratch_drop(&install->temp, install->installer->loop);
    gh_scratch_drop(&install->made, install->installer->loop);
    gh_package_done(&install->package);
    for (unsigned i = 0; i < install->tail_len; i++)
        free(install->tail[i]);
    free(install->shown);
    free(install->how);
    free(install->add_path);
    free(install->python_before);
    gh_words_done(&install->variables);
    free(install);
}

static bool
is_idle(const struct gh_installer *installer)
{
    const struct gh_env *env;

    DL_FOREACH(installer->envs, env)
    {
        if (env->queue)
            return false;
    }
    return true;
}

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Nothing runs: no ticks, and when there is no more to come, no timer that holds the loop. */
static void
rest(struct gh_installer *installer)
{
    if (!is_idle(installer) || !installer->timer)
        return;
    uv_timer_stop(installer->timer);
    if (installer->is_stopping) {
        uv_close((uv_handle_t *)gh_take(installer->timer), on_timer_closed);
        installer->on_stopped(installer->stop_context);
    }
}

/* INSTALL is over with RESULT: tell, free, and let the next one begin. */
static void
end(struct gh_install *install, struct gh_install_result *result)
{
    struct gh_installer *installer = install->installer;
    struct gh_env *env = install->env;
    char *folders GH_SCOPED(gh_free) = gh_env_site_folders(env);
    bool is_first = env->queue == install;

    result->add_path = install->add_path;
    result->has_changed = install->has_changed;
    result->is_default_env = env->is_default;
    result->site_folders = folders;
    result->python_before = install->python_before;
    result->python_now = installer->python;
    gh_install_note_drop(install);
    install->on_done(install->context, result);

    DL_DELETE(env->queue, install);
    env->queue_len--;
    free_install(install);
    if (is_first && env->queue)
        begin(env);
    else
        rest(installer);
}

void
gh_install_succeed(struct gh_install *install)
{
    if (install->has_changed)
        gh_log(GH_LOG_INFO, "install.done", "install=%llu ms=%llu",
               (unsigned long long)install->number,
               (unsigned long long)(uv_now(install->installer->loop) - install->started_ms));
    end(install, &(struct gh_install_result){0});
}

void
gh_install_fail(struct gh_install *install, enum gh_pyclass pyclass, const char *format, ...)
{
    struct gh_buf raw GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf clean GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&raw, format, args);
    va_end(args);
    /* A tool may have written some of it in another encoding; the client could not unpickle that. */
    gh_jsontext_add_clean(&clean, (const char *)raw.bytes, raw.len, FAILURE_MAX_BYTES);
    const char *text = gh_buf_text(&clean);
    gh_log(GH_LOG_WARN, "install.failed", "install=%llu reason=%s",
           (unsigned long long)install->number, gh_log_quote(text));
    end(install, &(struct gh_install_result){.failure = text, .failure_class = pyclass});
}

/* ---- submission ---- */

static void
enqueue(struct gh_installer *installer, struct gh_install *install)
{
    struct gh_env *env = install->env;
    const struct gh_package *package = &install->package;
    char *target GH_SCOPED(gh_free) =
        gh_words_hide_secrets(*package->git_url ? package->git_url : package->target);

    install->installer = installer;
    install->number = ++installer->count;
    DL_APPEND(env->queue, install);
    env->queue_len++;
    gh_log(GH_LOG_INFO, "install.queued", "install=%llu method=%s target=%s env=%s before_it=%u",
           (unsigned long long)install->number, gh_package_method_name(package->method),
           gh_log_quote(target), gh_log_quote(env->conda_env ? env->conda_env : env->python),
           env->queue_len - 1);
    if (env->queue == install)
        begin(env);
}

static void
add_variables(struct gh_install *install, const json_t *variables)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)variables, name, value)
    {
        if (json_is_string(value))
            gh_words_addf(&install->variables, "%s=%s", name, json_string_value(value));
    }
}

/* What needs no env: a directory that is there, or nothing at all. */
static bool
needs_no_env(const struct gh_package *package)
{
    return package->method == GH_PACKAGE_RH ||
           (package->method == GH_PACKAGE_LOCAL && !*package->git_url);
}

int
gh_installer_submit(struct gh_installer *installer, const struct gh_install_order *order,
                    void (*on_done)(void *context, const struct gh_install_result *result),
                    void *context, struct gh_err *err)
{
    struct gh_package package;
    struct gh_env *env;

    int rc = gh_package_read(order->config, &package, err);
    if (rc != GH_OK)
        return rc;
    if (needs_no_env(&package)) {
        struct gh_install_result result = {.add_path = package.target, .site_folders = "[]"};
        on_done(context, &result);
        gh_package_done(&package);
        return GH_OK;
    }
    rc = choose_env(installer, order, &env, err);
    if (rc == GH_OK &&
        (installer->is_stopping || env->queue_len > installer->settings->installs_waiting_max))
        rc = gh_err_set(err, GH_E_NO_ROOM,
                        installer->is_stopping
                            ? "The node is stopping."
                            : "%u installs wait for this env (installs_waiting_max).",
                        env->queue_len - 1);
    if (rc != GH_OK) {
        gh_package_done(&package);
        return rc;
    }

    struct gh_install *install = gh_alloc(sizeof *install);
    install->env = env;
    install->package = package;
    install->overrides_version = order->overrides_version;
    install->on_done = on_done;
    install->on_output = order->on_output;
    install->context = context;
    add_variables(install, order->variables);
    enqueue(installer, install);
    return GH_OK;
}

/* ---- the whole ---- */

static void
clean_up(struct gh_installer *installer)
{
    struct gh_words stale GH_SCOPED(gh_words_done) = {0};
    char *venvs GH_SCOPED(gh_free) = gh_asprintf("%s/envs", installer->state_dir);

    gh_scratch_find_stale(venvs, &stale);
    gh_scratch_find_stale(gh_home(), &stale);
    gh_scratch_find_stale(gh_install_temp_parent(), &stale);
    for (size_t i = 0; i < stale.count; i++)
        gh_log(GH_LOG_INFO, "scratch.stale", "path=%s", gh_log_quote(stale.list[i]));
    gh_scratch_remove(&stale, installer->loop);
}

struct gh_installer *
gh_installer_new(uv_loop_t *loop, const struct gh_settings *settings, const char *state_dir)
{
    struct gh_installer *installer = gh_alloc(sizeof *installer);

    installer->loop = loop;
    installer->settings = settings;
    installer->state_dir = gh_strdup(state_dir);
    installer->python = gh_strdup(settings->env);
    installer->timer = gh_alloc(sizeof *installer->timer);
    uv_timer_init(loop, installer->timer);
    installer->timer->data = installer;
    gh_install_find_venv(installer);
    gh_install_recover(installer); /* first: what it ends uses what the next removes */
    clean_up(installer);
    return installer;
}

const char *
gh_installer_python(const struct gh_installer *installer)
{
    return installer->python;
}

static void
kill_all(struct gh_installer *installer, int number)
{
    const struct gh_env *env;

    DL_FOREACH(installer->envs, env)
    {
        if (env->queue && env->queue->child)
            gh_child_kill(env->queue->child, number);
    }
}

void
gh_installer_kill(struct gh_installer *installer)
{
    kill_all(installer, SIGKILL);
}

static void
on_grace_over(uv_timer_t *timer)
{
    gh_installer_kill(timer->data);
}

void
gh_installer_stop(struct gh_installer *installer, uint64_t grace_ms,
                  void (*on_stopped)(void *context), void *context)
{
    struct gh_env *env;

    installer->is_stopping = true;
    installer->on_stopped = on_stopped;
    installer->stop_context = context;
    kill_all(installer, SIGTERM);
    uv_timer_start(installer->timer, on_grace_over, grace_ms, TICK_MS);
    DL_FOREACH(installer->envs, env)
    {
        while (env->queue && env->queue->next)
            gh_install_fail(env->queue->next, GH_PY_RUNTIME_ERROR, "The node is stopping.");
    }
    rest(installer);
}

void
gh_installer_free(struct gh_installer **installer_of)
{
    struct gh_installer *installer = gh_take(*installer_of);

    if (!installer)
        return;
    while (installer->envs)
        free_env(installer, installer->envs);
    free(installer->state_dir);
    free(installer->python);
    free(installer);
}
