/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_python.c - pip, uv and requirements files.
 *
 *     an install was interrupted here: remove what it left in part
 *         v
 *     ask the env what it holds --> it is satisfied: done
 *         |  system-managed: a venv of our own, and ask that
 *         |  method uv, no uv: pip install uv
 *         |  method pip, no pip: uv if there is one, else ensurepip
 *         v
 *     pip install, or uv pip install */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "node/install.h"
#include "wire/pyenv.h"

static bool
is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* The requirements file of a reqs package: the target itself, or what is in it. NULL: there is none. */
static char *
requirements_file(const struct gh_package *package)
{
    if (is_file(package->target))
        return gh_strdup(package->target);
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/requirements.txt", package->target);
    return is_file(path) ? gh_take(path) : NULL;
}

/* ---- torch ---- */

static bool
has_option(const struct gh_words *args, const char *option)
{
    size_t len = strlen(option);

    for (size_t i = 0; i < args->count; i++)
        if (strncmp(args->list[i], option, len) == 0 &&
            (args->list[i][len] == '\0' || args->list[i][len] == '='))
            return true;
    return false;
}

/* Packages of torch come from an index of their own where the node's owner has named one, unless the
 * request says where from, or names a build ("+cu121"). Source: packages-and-processes.md section 1,
 * step 4. */
static bool
wants_torch_index(const struct gh_install *install)
{
    static const char *const names[] = {"torch", "torchvision", "torchaudio"};
    const struct gh_package *package = &install->package;
    size_t len = strcspn(package->target, "<>=!~;@[ ,");

    if (!*install->installer->settings->torch_index_url || package->is_path ||
        strchr(package->target, '+') || strchr(package->args_text, '+') ||
        has_option(&package->args, "--index-url") || has_option(&package->args, "-i") ||
        has_option(&package->args, "--extra-index-url"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == len && memcmp(package->target, names[i], len) == 0)
            return true;
    return false;
}

/* ---- the command ---- */

/* Which version to pin, "" for none: the client's own, when the env has none or it insists. */
static const char *
version_to_pin(const struct gh_install *install)
{
    const struct gh_package *package = &install->package;

    if (!*package->preferred_version ||
        (!install->overrides_version && gh_env_has(install->env, package->target)))
        return "";
    return package->preferred_version;
}

static bool
is_satisfied(const struct gh_install *install)
{
    const struct gh_package *package = &install->package;

    if (package->method == GH_PACKAGE_REQS || package->is_path || package->args.count > 0 ||
        *package->extras)
        return false;
    char *wanted GH_SCOPED(gh_free) = gh_package_requirement(package, version_to_pin(install));
    return gh_env_has(install->env, wanted);
}

/* Add WORDS as one argument, and to the text for people in the way the client's server writes it. */
static void
add_target(struct gh_words *argv, struct gh_buf *shown, const char *word, bool is_quoted)
{
    gh_words_add(argv, word);
    gh_buf_addf(shown, is_quoted ? " \"%s\"" : " %s", word);
}

static void
add_what(const struct gh_install *install, struct gh_words *argv, struct gh_buf *shown)
{
    const struct gh_package *package = &install->package;

    if (package->method == GH_PACKAGE_REQS) {
        char *file GH_SCOPED(gh_free) = requirements_file(package);
        add_target(argv, shown, "-r", false);
        add_target(argv, shown, file, false);
    } else if (*package->target) {
        char *wanted GH_SCOPED(gh_free) = gh_package_requirement(package, version_to_pin(install));
        add_target(argv, shown, wanted, !package->is_path);
    }
    gh_words_add_all(argv, &package->args);
    if (*package->args_text)
        gh_buf_addf(shown, " %s", package->args_text);
    if (wants_torch_index(install)) {
        add_target(argv, shown, "--extra-index-url", false);
        add_target(argv, shown, install->installer->settings->torch_index_url, false);
    }
}

/* What a requirements file says of folders counts from its own. */
static const char *
work_folder(const struct gh_install *install)
{
    const struct gh_package *package = &install->package;

    return package->method == GH_PACKAGE_REQS && !is_file(package->target) ? package->target : NULL;
}

static void
on_installed(struct gh_install *install, bool is_ok)
{
    gh_env_forget(install->env);
    if (!is_ok) {
        gh_install_fail_command(install, "Pip install");
        return;
    }
    if (install->is_doubtful)
        gh_install_forget_interruption(install);
    install->has_changed = true;
    if (install->package.method == GH_PACKAGE_REQS && !is_file(install->package.target))
        install->add_path = gh_strdup(install->package.target);
    gh_install_succeed(install);
}

static void
run_uv(struct gh_install *install, const char *uv)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_buf shown GH_SCOPED(gh_buf_done) = {0};
    const struct gh_words *args = &install->package.args;

    gh_words_add(&argv, uv);
    gh_words_add(&argv, "pip");
    gh_words_add(&argv, "install");
    gh_buf_add_text(&shown, "uv pip install");
    if (!has_option(args, "--python") && !has_option(args, "-p") && !has_option(args, "--system")) {
        add_target(&argv, &shown, "--python", false);
        add_target(&argv, &shown, install->env->python, false);
    }
    add_what(install, &argv, &shown);
    gh_install_run(install, &argv, work_folder(install), gh_buf_text(&shown), on_installed);
}

static void
run_pip(struct gh_install *install)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_buf shown GH_SCOPED(gh_buf_done) = {0};

    gh_install_add_python(install, &argv);
    if (argv.count > 1)
        gh_buf_addf(&shown, "conda run -n %s python3", install->env->conda_env);
    else
        gh_buf_add_text(&shown, install->env->python);
    gh_words_add(&argv, "-m");
    gh_words_add(&argv, "pip");
    gh_words_add(&argv, "install");
    gh_buf_add_text(&shown, " -m pip install");
    add_what(install, &argv, &shown);
    gh_install_run(install, &argv, work_folder(install), gh_buf_text(&shown), on_installed);
}

/* ---- what comes before ---- */

static void
on_pip_there(struct gh_install *install, bool is_ok)
{
    gh_env_forget(install->env);
    if (is_ok)
        install->after_pip(install);
    else
        gh_install_fail_plainly(install, "the env has no pip, and this would have brought it");
}

/* THEN, once the env has a pip; an env without any way to get one fails the install. */
static void
need_pip(struct gh_install *install, void (*then)(struct gh_install *install))
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    const struct gh_env *env = install->env;

    install->after_pip = then;
    if (gh_env_flag(env, "has_pip")) {
        then(install);
    } else if (gh_env_flag(env, "has_ensurepip")) {
        gh_words_add(&argv, env->python);
        gh_words_add(&argv, "-m");
        gh_words_add(&argv, "ensurepip");
        gh_install_run(install, &argv, NULL, NULL, on_pip_there);
    } else {
        gh_install_fail(
            install, GH_PY_RUNTIME_ERROR,
            "%s has no pip, and no ensurepip to get it with. On Debian and Ubuntu, "
            "install the package python%s-venv (apt-get install python%s-venv), then try "
            "again; or install uv, which needs neither.",
            env->python, gh_env_text(env, "version"), gh_env_text(env, "version"));
    }
}

/* Envs that uv has made have no pip, and need none where uv is. */
static void
install_by_pip(struct gh_install *install)
{
    char uv[PATH_MAX];

    if (!gh_env_flag(install->env, "has_pip") && gh_env_find_uv(install->env->python, uv))
        run_uv(install, uv);
    else
        need_pip(install, run_pip);
}

static void
on_uv_installed(struct gh_install *install, bool is_ok)
{
    char uv[PATH_MAX];

    gh_env_forget(install->env);
    if (is_ok && gh_env_find_uv(install->env->python, uv))
        run_uv(install, uv);
    else
        gh_install_fail_plainly(install, "there is no uv beside the env's python, on PATH or in "
                                         "~/.local/bin, and this would have brought it; install "
                                         "it, or use method pip for this package");
}

static void
get_uv(struct gh_install *install)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};

    gh_install_add_python(install, &argv);
    gh_words_add(&argv, "-m");
    gh_words_add(&argv, "pip");
    gh_words_add(&argv, "install");
    gh_words_add(&argv, "uv");
    gh_install_run(install, &argv, NULL, NULL, on_uv_installed);
}

static void
install_by_uv(struct gh_install *install)
{
    char uv[PATH_MAX];

    if (gh_env_find_uv(install->env->python, uv))
        run_uv(install, uv);
    else
        need_pip(install, get_uv);
}

static void
on_known(struct gh_install *install, bool is_ok)
{
    const struct gh_env *env = install->env;

    if (!is_ok || env->is_stale) {
        gh_install_fail_plainly(install, "its Python does not work, or is older than 3.8");
    } else if (*gh_env_text(env, "managed") && env->is_default &&
               !*install->installer->settings->env) {
        gh_install_make_venv(install, on_known);
    } else if (*gh_env_text(env, "managed")) {
        gh_install_fail(
            install, GH_PY_RUNTIME_ERROR,
            "%s is managed by the system (%s), and nothing is installed into it. Make a "
            "venv and name it by --env or venv_path; without --env, the daemon makes one "
            "by itself.",
            env->python, gh_env_text(env, "managed"));
    } else if (!install->is_doubtful && is_satisfied(install)) {
        gh_log(GH_LOG_INFO, "install.satisfied", "install=%llu",
               (unsigned long long)install->number);
        gh_install_succeed(install);
    } else if (install->package.method == GH_PACKAGE_UV) {
        install_by_uv(install);
    } else {
        install_by_pip(install);
    }
}

static void
on_mended(struct gh_install *install, bool is_ok)
{
    (void)is_ok; /* it has said what it could not do; whether the env works at all, the next says */
    gh_install_ask(install, on_known);
}

static void
on_tools_there(struct gh_install *install, bool is_ok)
{
    long long since_s = gh_install_interrupted_since(install);

    (void)is_ok;
    install->is_doubtful = since_s != 0;
    if (since_s)
        gh_install_mend(install, since_s, on_mended);
    else if (gh_env_is_known(install->env))
        on_known(install, true);
    else
        gh_install_ask(install, on_known);
}

void
gh_install_by_pip(struct gh_install *install)
{
    if (install->package.method == GH_PACKAGE_REQS) {
        char *file GH_SCOPED(gh_free) = requirements_file(&install->package);
        if (!file) { /* as the client's server: a folder without one is just put on the path */
            install->add_path = gh_strdup(install->package.target);
            gh_install_succeed(install);
            return;
        }
    }
    if (install->env->conda_env && !gh_env_is_known(install->env))
        gh_install_need_conda(install, on_tools_there);
    else
        on_tools_there(install, true);
}
