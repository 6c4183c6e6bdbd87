/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_conda.c - conda, and how to get it where the node's owner allows that. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "node/install.h"
#include "wire/pyenv.h"

#define OWN_PREFIX "~/miniconda3" /* where the client's server puts it */

static bool
is_program(const char *path, char out[PATH_MAX])
{
    return access(path, X_OK) == 0 && snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
}

bool
gh_install_find_conda(char out[PATH_MAX])
{
    static const char *const prefixes[] = {
        OWN_PREFIX,        "~/miniforge3",     "~/mambaforge",         "~/anaconda3",
        "/opt/conda",      "/opt/miniconda3",  "/opt/miniforge3",      "/opt/anaconda3",
        "/opt/mambaforge", "/usr/local/conda", "/usr/local/miniconda3"};
    const char *named = getenv("CONDA_EXE"); /* set by conda where it is active */

    if (gh_pyenv_find_on_path("conda", out) == 0 || (named && is_program(named, out)))
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        char *prefix GH_SCOPED(gh_free) = gh_home_path(prefixes[i]);
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/bin/conda", prefix);
        if (is_program(path, out))
            return true;
    }
    return false;
}

/* ---- getting it ---- */

static void
on_conda_installed(struct gh_install *install, bool is_ok)
{
    char conda[PATH_MAX];

    if (!is_ok || !gh_install_find_conda(conda))
        gh_install_fail_plainly(install, "there is no conda now");
    else
        install->after_conda(install, true);
}

static void
on_downloaded(struct gh_install *install, bool is_ok)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    char *prefix GH_SCOPED(gh_free) = gh_home_path(OWN_PREFIX);

    if (!is_ok) {
        gh_install_fail_plainly(install, "check the URL (--miniconda-url), and that curl is there");
        return;
    }
    gh_words_add(&argv, "bash");
    gh_words_addf(&argv, "%s/miniconda.sh", install->made.path);
    gh_words_add(&argv, "-b"); /* batch: no questions */
    gh_words_add(&argv, "-u"); /* also over what an interruption left */
    gh_words_add(&argv, "-p");
    gh_words_add(&argv, prefix);
    gh_install_run(install, &argv, NULL, NULL, on_conda_installed);
}

void
gh_install_need_conda(struct gh_install *install,
                      void (*then)(struct gh_install *install, bool is_ok))
{
    const char *url = install->installer->settings->miniconda_url;
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    char conda[PATH_MAX];
    struct gh_err err;

    if (gh_install_find_conda(conda)) {
        then(install, true);
        return;
    }
    if (!*url) {
        gh_install_fail(install, GH_PY_RUNTIME_ERROR,
                        "Conda is not installed on this node: no conda on PATH, in " OWN_PREFIX
                        " or /opt/conda. Install it, for example by 'bash "
                        "Miniconda3-latest-Linux-x86_64.sh -b -p " OWN_PREFIX
                        "', or let the daemon do that: --miniconda-url names the script.");
        return;
    }
    install->after_conda = then;
    if (gh_scratch_make(&install->made, gh_install_temp_parent(), &err) != GH_OK) {
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s", err.text);
        return;
    }
    gh_words_add(&argv, "curl");
    gh_words_add(&argv, "-fsSL");
    gh_words_add(&argv, "-o");
    gh_words_addf(&argv, "%s/miniconda.sh", install->made.path);
    gh_words_add(&argv, url);
    gh_install_run(install, &argv, NULL, NULL, on_downloaded);
}

/* ---- conda install ---- */

static void
on_installed(struct gh_install *install, bool is_ok)
{
    gh_env_forget(install->env);
    if (!is_ok) {
        gh_install_fail_command(install, "Conda install");
        return;
    }
    gh_install_forget_interruption(install);
    install->has_changed = true;
    gh_install_succeed(install);
}

/* The conda env that the processes run in: its folder, NULL when they run in none. */
static char *
own_prefix(const struct gh_env *env)
{
    struct stat info;
    char *prefix GH_SCOPED(gh_free) = gh_strdup(env->python);

    for (int up = 0; up < 2; up++) { /* less bin/python */
        char *slash = strrchr(prefix, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    char *meta GH_SCOPED(gh_free) = gh_asprintf("%s/conda-meta", prefix);
    return stat(meta, &info) == 0 ? gh_take(prefix) : NULL;
}

static void
on_conda_there(struct gh_install *install, bool is_ok)
{
    const struct gh_package *package = &install->package;
    const struct gh_env *env = install->env;
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_buf shown GH_SCOPED(gh_buf_done) = {0};
    char *prefix GH_SCOPED(gh_free) = env->conda_env ? NULL : own_prefix(env);
    char conda[PATH_MAX];

    (void)is_ok;
    if (!gh_install_find_conda(conda)) {
        gh_install_fail(install, GH_PY_RUNTIME_ERROR,
                        "Conda was there a moment ago and is not now.");
        return;
    }
    gh_words_add(&argv, conda);
    gh_words_add(&argv, "install");
    gh_words_add(&argv, "-y");
    gh_buf_add_text(&shown, "conda install -y");
    if (env->conda_env || prefix) {
        gh_words_add(&argv, env->conda_env ? "-n" : "-p");
        gh_words_add(&argv, env->conda_env ? env->conda_env : prefix);
        gh_buf_addf(&shown, " %s %s", env->conda_env ? "-n" : "-p",
                    env->conda_env ? env->conda_env : prefix);
    }
    if (*package->target) {
        gh_words_add(&argv, package->target);
        gh_buf_addf(&shown, " %s", package->target);
    }
    gh_words_add_all(&argv, &package->args);
    if (*package->args_text)
        gh_buf_addf(&shown, " %s", package->args_text);
    gh_install_run(install, &argv, NULL, gh_buf_text(&shown), on_installed);
}

void
gh_install_by_conda(struct gh_install *install)
{
    gh_install_need_conda(install, on_conda_there);
}
