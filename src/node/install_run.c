/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_run.c - the commands of an install: what they see, what they say, how they fail. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "node/install.h"

#define ANSWER_MAX_BYTES (8u << 20) /* what an interpreter says of its env; 60 bytes a package */
#define NO_SPACE "No space left on device"
#define FREE_MIN_BYTES 65536u /* with less than that a file system counts as full */

const char *
gh_install_temp_parent(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] == '/' ? folder : "/tmp";
}

/* ---- what a command says ---- */

static void
keep_line(struct gh_install *install, const char *line)
{
    if (install->tail_len == GH_INSTALL_TAIL_LINES) {
        free(install->tail[0]);
        install->tail_len--;
        memmove(install->tail, install->tail + 1, install->tail_len * sizeof install->tail[0]);
    }
    install->tail[install->tail_len++] = gh_strndup(line, strnlen(line, GH_INSTALL_LINE_BYTES));
}

static void
tell(struct gh_install *install, const char *line)
{
    if (install->on_output)
        install->on_output(install->context, line);
}

static void
on_line(void *owner, const char *line, size_t len)
{
    struct gh_install *install = owner;

    if (install->is_question && gh_env_learn(install->env, line, len))
        return;
    char *clean GH_SCOPED(gh_free) = gh_words_hide_secrets(line);
    gh_log(GH_LOG_INFO, "install.output", "install=%llu text=%s",
           (unsigned long long)install->number, gh_log_quote(clean));
    tell(install, clean);
    keep_line(install, clean);
    if (strstr(line, NO_SPACE))
        install->is_disk_full = true;
}

static void
forget_command(struct gh_install *install)
{
    while (install->tail_len > 0)
        gh_free(&install->tail[--install->tail_len]);
    gh_free(&install->shown);
    gh_free(&install->how);
    install->is_question = install->is_disk_full = false;
}

/* ---- how it ends ---- */

static void
on_exit_of_command(void *owner, int64_t status, int signal)
{
    struct gh_install *install = owner;
    bool is_ok = status == 0 && signal == 0;

    install->child = NULL;
    if (signal)
        install->is_interrupted = true;
    if (!is_ok)
        install->how =
            signal ? gh_asprintf("signal %d", signal) : gh_asprintf("exit status %d", (int)status);
    if (install->installer->is_stopping)
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "The node is stopping; %s was ended.",
                        install->shown);
    else if (install->is_late)
        gh_install_fail(install, GH_PY_RUNTIME_ERROR,
                        "%s took longer than %llu s (install_timeout_s) and was ended.",
                        install->shown,
                        (unsigned long long)install->installer->settings->install_timeout_s);
    else
        install->then(install, is_ok);
}

/* The file system that has no room left, of those that an install writes to, or NULL. */
static const char *
find_full_disk(const struct gh_install *install)
{
    const char *folders[] = {gh_env_text(install->env, "prefix"), gh_install_temp_parent(),
                             gh_home(), install->installer->state_dir};
    struct statvfs disk;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (!*folders[i] || statvfs(folders[i], &disk) != 0)
            continue;
        bool has_no_files = disk.f_files > 0 && disk.f_favail == 0;
        if (disk.f_bavail * disk.f_frsize < FREE_MIN_BYTES || has_no_files)
            return folders[i];
    }
    return NULL;
}

/* Fail with TEXT and the last lines; when the disk is full, with that. */
static void
fail_with(struct gh_install *install, const char *what, const char *text)
{
    struct gh_buf tail GH_SCOPED(gh_buf_done) = {0};
    const char *full_disk = find_full_disk(install);

    for (unsigned i = 0; i < install->tail_len; i++)
        gh_buf_addf(&tail, "\n%s", install->tail[i]);
    if (install->is_disk_full || full_disk)
        gh_install_fail(install, GH_PY_INSUFFICIENT_DISK_ERROR,
                        "%s%s failed: " NO_SPACE "%s%s%s.%s", what, install->shown,
                        full_disk ? " (" : "", full_disk ? full_disk : "", full_disk ? ")" : "",
                        gh_buf_text(&tail));
    else
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s%s%s%s", what, install->shown, text,
                        gh_buf_text(&tail));
}

void
gh_install_fail_command(struct gh_install *install, const char *what)
{
    char *intro GH_SCOPED(gh_free) = gh_asprintf("%s ", what);

    fail_with(install, intro,
              " failed, check that the package exists and is available for your platform.");
}

void
gh_install_fail_plainly(struct gh_install *install, const char *advice)
{
    char *text GH_SCOPED(gh_free) =
        gh_asprintf(" failed (%s): %s.", install->how ? install->how : "exit status 0", advice);

    fail_with(install, "", text);
}

/* ---- how it begins ---- */

/* The entry of NAME in ADDED, or NULL. */
static const char *
find_variable(const struct gh_words *added, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < added->count; i++)
        if (strncmp(added->list[i], name, len) == 0 && added->list[i][len] == '=')
            return added->list[i] + len + 1;
    return NULL;
}

/* As `activate` of a venv has it. */
static void
add_venv(const struct gh_install *install, struct gh_words *added)
{
    const char *users = find_variable(&install->variables, "PATH");
    const char *path = users ? users : getenv("PATH");
    const char *python = install->env->python;

    gh_words_addf(added, "VIRTUAL_ENV=%s", gh_env_text(install->env, "prefix"));
    gh_words_addf(added, "PATH=%.*s%s%s", (int)(strrchr(python, '/') - python), python,
                  path ? ":" : "", path ? path : "");
}

/* What must be so; then what the user has set for all processes; then the tools' own switches, where
 * nobody has set them. */
static void
add_environment(struct gh_install *install, struct gh_words *added)
{
    static const char *const presets[][2] = {
        {"PIP_DISABLE_PIP_VERSION_CHECK", "1"}, /* a notice amid the last lines */
        {"PIP_NO_INPUT", "1"},                  /* nobody is there to answer */
        {"PYTHONUNBUFFERED", "1"},              /* lines as they are written */
        {"UV_NO_PROGRESS", "1"},
    };

    gh_words_add(added, "GIT_TERMINAL_PROMPT=0");
    if (install->temp.path)
        gh_words_addf(added, "TMPDIR=%s", install->temp.path);
    if (gh_env_flag(install->env, "is_venv"))
        add_venv(install, added);
    for (size_t i = 0; i < install->variables.count; i++) {
        const char *entry = install->variables.list[i];
        char *name GH_SCOPED(gh_free) = gh_strndup(entry, strcspn(entry, "="));
        if (!find_variable(added, name))
            gh_words_add(added, entry);
    }
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (!getenv(presets[i][0]) && !find_variable(added, presets[i][0]))
            gh_words_addf(added, "%s=%s", presets[i][0], presets[i][1]);
}

static char *
join(const struct gh_words *argv)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < argv->count; i++)
        gh_buf_addf(&out, "%s%s", i ? " " : "", argv->list[i]);
    return gh_strdup(gh_buf_text(&out));
}

static void
make_temp(struct gh_install *install)
{
    struct gh_err err;

    if (!install->temp.path &&
        gh_scratch_make(&install->temp, gh_install_temp_parent(), &err) != GH_OK)
        gh_log(GH_LOG_WARN, "install.no_temp", "install=%llu reason=%s",
               (unsigned long long)install->number, gh_log_quote(err.text));
}

static void
start(struct gh_install *install, const struct gh_words *argv, const char *folder)
{
    static const struct gh_child_events events = {on_line, on_exit_of_command};
    struct gh_words added GH_SCOPED(gh_words_done) = {0};
    struct gh_err err;

    add_environment(install, &added);
    struct gh_child_program program = {
        .argv = argv->list,
        .added = added.list,
        .folder = folder ? folder : gh_home(),
        .line_max_bytes = install->is_question ? ANSWER_MAX_BYTES : 4096,
    };
    if (gh_child_start(install->installer->loop, &program, &events, install, &install->child,
                       &err) != GH_OK)
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s could not be run: %s.", install->shown,
                        err.text);
}

static void
prepare(struct gh_install *install, char *shown, void (*then)(struct gh_install *, bool))
{
    forget_command(install);
    install->shown = shown;
    install->then = then;
}

void
gh_install_run(struct gh_install *install, const struct gh_words *argv, const char *folder,
               const char *shown, void (*then)(struct gh_install *install, bool is_ok))
{
    char *line GH_SCOPED(gh_free) = shown ? gh_strdup(shown) : join(argv);

    prepare(install, gh_words_hide_secrets(line), then);
    char *told GH_SCOPED(gh_free) = gh_asprintf("$ %s", install->shown);
    gh_log(GH_LOG_INFO, "install.command", "install=%llu command=%s",
           (unsigned long long)install->number, gh_log_quote(install->shown));
    tell(install, told);
    make_temp(install);
    gh_install_note(install);
    start(install, argv, folder);
}

void
gh_install_add_python(const struct gh_install *install, struct gh_words *argv)
{
    const struct gh_env *env = install->env;
    char conda[PATH_MAX];

    if (env->conda_env && gh_install_find_conda(conda)) {
        gh_words_add(argv, conda);
        gh_words_add(argv, "run");
        gh_words_add(argv, "-n");
        gh_words_add(argv, env->conda_env);
        gh_words_add(argv, "python3");
    } else {
        gh_words_add(argv, env->python);
    }
}

void
gh_install_ask(struct gh_install *install, void (*then)(struct gh_install *install, bool is_ok))
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};

    gh_env_forget(install->env);
    gh_install_add_python(install, &argv);
    prepare(install,
            gh_asprintf("Looking into the env %s",
                        install->env->conda_env ? install->env->conda_env : install->env->python),
            then);
    install->is_question = true;
    gh_env_add_question(&argv);
    make_temp(install);
    start(install, &argv, NULL);
}
