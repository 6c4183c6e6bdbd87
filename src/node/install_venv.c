/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_venv.c - the venv of our own, in the place of a Python that the system manages.
 *
 * It is made under another name and renamed, so that a venv of that name is one that python -m venv
 * has finished; then made once more in its place, which writes the right folder into its scripts, and
 * given a pip where it does not see the system's. A mark says that all of this was done: what an
 * interruption leaves out is made up for at the next install. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "node/install.h"
#include "wire/pyenv.h"

#define WHOLE "gatehouse-venv-is-whole"
#define VENV_ADVICE "on Debian and Ubuntu, the package python3-venv has what it takes"

/* Named by the interpreter's path and by what that leads to: after an upgrade of the system's Python
 * the same path leads to another version, which cannot use the old one's packages. */
static char *
venv_folder(const struct gh_installer *installer, const char *python)
{
    char real[PATH_MAX];
    const char *slash = realpath(python, real) ? strrchr(real, '/') : NULL;
    char *path GH_SCOPED(gh_free) = gh_strdup(python + 1);

    for (char *c = path; *c; c++)
        if (*c == '/')
            *c = '-';
    return gh_asprintf("%s/envs/%s-%s", installer->state_dir, path, slash ? slash + 1 : "unknown");
}

static bool
is_whole(const char *folder)
{
    char *mark GH_SCOPED(gh_free) = gh_asprintf("%s/" WHOLE, folder);
    char *python GH_SCOPED(gh_free) = gh_asprintf("%s/bin/python", folder);

    return access(mark, F_OK) == 0 && access(python, X_OK) == 0;
}

static void
add_venv_command(struct gh_words *argv, const char *python, const char *folder)
{
    gh_words_add(argv, python);
    gh_words_add(argv, "-m");
    gh_words_add(argv, "venv");
    gh_words_add(argv, "--system-site-packages");
    gh_words_add(argv, "--without-pip");
    gh_words_add(argv, folder);
}

/* From now on it is the env of the processes. */
static void
adopt(struct gh_install *install, char *folder)
{
    struct gh_installer *installer = install->installer;
    struct gh_env *env = install->env;

    gh_log(GH_LOG_INFO, "env.own", "folder=%s for=%s", gh_log_quote(folder),
           gh_log_quote(env->python));
    gh_install_forget_interruption(install); /* if it was of the making of this */
    free(env->python);
    env->python = gh_asprintf("%s/bin/python", folder);
    gh_env_forget(env);
    install->python_before = installer->python;
    installer->python = folder;
    install->has_changed = true;
}

static void
on_settled(struct gh_install *install, bool is_ok)
{
    char *folder GH_SCOPED(gh_free) = venv_folder(install->installer, install->env->python);
    char *mark GH_SCOPED(gh_free) = gh_asprintf("%s/" WHOLE, folder);

    if (!is_ok) {
        gh_install_fail_plainly(install, VENV_ADVICE);
        return;
    }
    int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s: %s", mark, strerror(errno));
        return;
    }
    close(fd);
    adopt(install, gh_take(folder));
    gh_install_ask(install, install->after_venv);
}

static void
settle(struct gh_install *install, const char *folder)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};

    add_venv_command(&argv, install->env->python, folder);
    gh_install_run(install, &argv, NULL, NULL, on_settled);
}

static void
on_made(struct gh_install *install, bool is_ok)
{
    char *folder GH_SCOPED(gh_free) = venv_folder(install->installer, install->env->python);
    struct gh_err err;

    if (!is_ok)
        gh_install_fail_plainly(install, VENV_ADVICE);
    else if (gh_scratch_become(&install->made, folder, &err) != GH_OK)
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s", err.text);
    else
        settle(install, folder);
}

void
gh_install_make_venv(struct gh_install *install,
                     void (*then)(struct gh_install *install, bool is_ok))
{
    struct gh_installer *installer = install->installer;
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    char *folder GH_SCOPED(gh_free) = venv_folder(installer, install->env->python);
    char *parent GH_SCOPED(gh_free) = gh_asprintf("%s/envs", installer->state_dir);
    struct gh_err err;

    install->after_venv = then;
    mkdir(parent, 0700);
    if (access(folder, F_OK) == 0) {
        settle(install, folder);
        return;
    }
    if (gh_scratch_make(&install->made, parent, &err) != GH_OK) {
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s", err.text);
        return;
    }
    add_venv_command(&argv, install->env->python, install->made.path);
    gh_install_run(install, &argv, NULL, NULL, on_made);
}

void
gh_install_find_venv(struct gh_installer *installer)
{
    char python[PATH_MAX], problem[512];

    if (*installer->python || gh_pyenv_find("", python, problem, sizeof problem) != 0)
        return;
    char *folder GH_SCOPED(gh_free) = venv_folder(installer, python);
    if (!is_whole(folder))
        return;
    free(installer->python);
    installer->python = gh_take(folder);
    gh_log(GH_LOG_INFO, "env.own", "folder=%s for=%s", gh_log_quote(installer->python),
           gh_log_quote(python));
}
