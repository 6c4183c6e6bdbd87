/* SPDX-License-Identifier: Apache-2.0 */
#include "node/envmaker.h"

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "node/child.h"
#include "node/env.h"
#include "node/envplan.h"
#include "node/installer.h"

#define LINE_MAX_BYTES 4096u

/* One env and what is going on with it. */
struct making {
    struct gh_made_env env; /* first, so that it can be cast back */
    struct gh_envmaker *maker;
    struct gh_envplan plan;
    struct gh_child *child; /* that makes the venv */
    char *last_line;        /* of what it said */
    uv_work_t work;
    bool is_working; /* the thread pool has it */
    struct gh_made_env_waiter *waiters;
};

struct gh_envmaker {
    uv_loop_t *loop;
    struct gh_installer *installer;
    char *state_dir;
    struct making *makings;
    size_t count;
    void (*on_change)(void *context, const struct gh_made_env *env);
    void *context;
    bool is_stopping;
    void (*on_stopped)(void *context);
    void *stop_context;
};

/* ---- how it is told ---- */

const char *
gh_made_env_state_name(enum gh_made_env_state state)
{
    static const char *const names[] = {[GH_MADE_ENV_UNDER_WAY] = "under_way",
                                        [GH_MADE_ENV_READY] = "ready",
                                        [GH_MADE_ENV_FAILED] = "failed"};
    return names[state];
}

static void
tell(struct making *making, enum gh_made_env_state state, char *text)
{
    struct gh_envmaker *maker = making->maker;

    free(making->env.text);
    making->env.text = text;
    making->env.state = state;
    gh_log(state == GH_MADE_ENV_FAILED ? GH_LOG_ERR : GH_LOG_INFO, "env.declared",
           "env=%s state=%s text=%s", gh_log_quote(making->env.spec->name),
           gh_made_env_state_name(state), gh_log_quote(text));
    if (!maker->is_stopping)
        maker->on_change(maker->context, &making->env);
}

static void
tell_waiters(struct making *making)
{
    while (making->waiters) {
        struct gh_made_env_waiter *waiter = making->waiters;
        DL_DELETE(making->waiters, waiter);
        waiter->on_end(waiter->context, &making->env);
    }
}

/* Nothing runs any more that the installer does not know of. */
static void
check_stopped(struct gh_envmaker *maker)
{
    if (!maker->on_stopped)
        return;
    for (size_t i = 0; i < maker->count; i++)
        if (maker->makings[i].child || maker->makings[i].is_working)
            return;
    void (*on_stopped)(void *context) = gh_take(maker->on_stopped);
    on_stopped(maker->stop_context);
}

static void fail(struct making *making, const char *format, ...) GH_PRINTF(2, 3);

static void
fail(struct making *making, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    gh_buf_addf(&text, "env %s: ", making->env.spec->name);
    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_envplan_done(&making->plan);
    tell(making, GH_MADE_ENV_FAILED, gh_strdup(gh_buf_text(&text)));
    tell_waiters(making);
}

static void
succeed(struct making *making)
{
    making->env.python = gh_strdup(making->plan.python);
    gh_envplan_done(&making->plan);
    tell(making, GH_MADE_ENV_READY, gh_asprintf("env %s is ready", making->env.spec->name));
    tell_waiters(making);
}

/* ---- step 3: what is to be installed ---- */

/* What a reason as long as an installer's comes down to: its last line, or the first where the disk is
 * full. The log has all of it. */
static char *
shorten(const struct gh_install_result *result)
{
    const char *text = result->failure;
    size_t len = strlen(text);

    if (result->failure_class == GH_PY_INSUFFICIENT_DISK_ERROR)
        return gh_strndup(text, strcspn(text, "\n"));
    while (len > 0 && text[len - 1] == '\n')
        len--;
    const char *newline = memrchr(text, '\n', len);
    const char *line = newline ? newline + 1 : text;
    return gh_strndup(line, len - (size_t)(line - text));
}

static void
on_installed(void *context, const struct gh_install_result *result)
{
    struct making *making = context;
    char *why GH_SCOPED(gh_free) = result->failure ? shorten(result) : NULL;
    struct gh_err err;

    if (why)
        fail(making, "its requirements could not be installed: %s", why);
    else if (gh_envplan_note(&making->plan, &err) != GH_OK)
        fail(making, "%s", err.text);
    else
        succeed(making);
}

static void
install(struct making *making)
{
    struct gh_installer *installer = making->maker->installer;
    const struct gh_envplan *plan = &making->plan;
    char uv[PATH_MAX];
    struct gh_err err;

    if (!plan->needs_install) {
        succeed(making);
        return;
    }
    tell(making, GH_MADE_ENV_UNDER_WAY,
         gh_asprintf("env %s: its requirements are being installed", making->env.spec->name));
    json_t *config =
        json_pack("{s:s, s:s}", "install_method", gh_env_find_uv(plan->python, uv) ? "uv" : "pip",
                  "install_target", plan->install_target);
    struct gh_install_order order = {
        .config = config, .conda_env_name = "", .venv_path = plan->python};
    int rc = gh_installer_submit(installer, &order, on_installed, making, &err);
    json_decref(config);
    if (rc != GH_OK)
        fail(making, "its requirements could not be installed: %s", err.text);
}

/* ---- step 2: a venv of our own ---- */

static void
on_line(void *owner, const char *line, size_t len)
{
    struct making *making = owner;

    if (len == 0)
        return;
    char *clean = gh_words_hide_secrets(line);
    gh_log(GH_LOG_INFO, "env.output", "env=%s text=%s", gh_log_quote(making->env.spec->name),
           gh_log_quote(clean));
    free(making->last_line);
    making->last_line = clean;
}

static void
on_exit_of_venv(void *owner, int64_t status, int number)
{
    struct making *making = owner;
    struct gh_err err;

    making->child = NULL;
    if (making->maker->is_stopping)
        fail(making, "the node is stopping");
    else if (status != 0 || number != 0)
        fail(making, "its venv could not be made (%s %lld): %s", number ? "signal" : "exit status",
             number ? (long long)number : (long long)status,
             making->last_line ? making->last_line : "it said nothing");
    else if (gh_envplan_note_venv(&making->plan, &err) != GH_OK)
        fail(making, "%s", err.text);
    else
        install(making);
    check_stopped(making->maker);
}

static void
make_venv(struct making *making)
{
    static const struct gh_child_events events = {on_line, on_exit_of_venv};
    struct gh_child_program program = {
        .argv = making->plan.make.list, .folder = gh_home(), .line_max_bytes = LINE_MAX_BYTES};
    struct gh_err err;

    if (making->plan.make.count == 0) {
        install(making);
        return;
    }
    gh_free(&making->last_line);
    tell(making, GH_MADE_ENV_UNDER_WAY,
         gh_asprintf("env %s: its venv is being made", making->env.spec->name));
    if (gh_child_start(making->maker->loop, &program, &events, making, &making->child, &err) !=
        GH_OK)
        fail(making, "its venv could not be made: %s", err.text);
}

/* ---- step 1: what there is ---- */

static void
look(uv_work_t *work)
{
    struct making *making = work->data;

    gh_envplan_make(&making->plan, making->env.spec, making->maker->state_dir);
}

static void
on_looked(uv_work_t *work, int status)
{
    struct making *making = work->data;

    (void)status; /* never cancelled */
    making->is_working = false;
    if (making->maker->is_stopping)
        fail(making, "the node is stopping");
    else if (making->plan.problem.code != GH_OK)
        fail(making, "%s", making->plan.problem.text);
    else
        make_venv(making);
    check_stopped(making->maker);
}

static void
begin(struct making *making)
{
    tell(making, GH_MADE_ENV_UNDER_WAY,
         gh_asprintf("env %s is being looked for", making->env.spec->name));
    making->work.data = making;
    making->is_working = true;
    uv_queue_work(making->maker->loop, &making->work, look, on_looked);
}

/* ---- the whole ---- */

struct gh_envmaker *
gh_envmaker_new(uv_loop_t *loop, const struct gh_settings *settings, struct gh_installer *installer,
                const char *state_dir,
                void (*on_change)(void *context, const struct gh_made_env *env), void *context)
{
    struct gh_envmaker *maker = gh_alloc(sizeof *maker);

    maker->loop = loop;
    maker->installer = installer;
    maker->state_dir = gh_strdup(state_dir);
    maker->on_change = on_change;
    maker->context = context;
    maker->count = settings->declared.env_count;
    maker->makings = gh_alloc((maker->count + 1) * sizeof maker->makings[0]);
    for (size_t i = 0; i < maker->count; i++) {
        struct making *making = &maker->makings[i];
        making->maker = maker;
        making->env.spec = &settings->declared.envs[i];
        making->env.state = GH_MADE_ENV_FAILED; /* so that start begins it */
        making->env.text = gh_asprintf("env %s has not been looked for", making->env.spec->name);
    }
    return maker;
}

void
gh_envmaker_start(struct gh_envmaker *maker)
{
    for (size_t i = 0; i < maker->count; i++)
        if (maker->makings[i].env.state == GH_MADE_ENV_FAILED && !maker->is_stopping)
            begin(&maker->makings[i]);
}

const struct gh_made_env *
gh_envmaker_at(const struct gh_envmaker *maker, size_t index)
{
    return index < maker->count ? &maker->makings[index].env : NULL;
}

const struct gh_made_env *
gh_envmaker_find(const struct gh_envmaker *maker, const char *name)
{
    for (size_t i = 0; i < maker->count; i++)
        if (strcmp(maker->makings[i].env.spec->name, name) == 0)
            return &maker->makings[i].env;
    return NULL;
}

void
gh_envmaker_wait(struct gh_envmaker *maker, const struct gh_made_env *env,
                 struct gh_made_env_waiter *waiter)
{
    struct making *making = &maker->makings[(const struct making *)env - maker->makings];

    DL_APPEND(making->waiters, waiter);
}

static void
kill_all(struct gh_envmaker *maker, int number)
{
    for (size_t i = 0; i < maker->count; i++)
        if (maker->makings[i].child)
            gh_child_kill(maker->makings[i].child, number);
}

void
gh_envmaker_stop(struct gh_envmaker *maker, void (*on_stopped)(void *context), void *context)
{
    maker->is_stopping = true;
    maker->on_stopped = on_stopped;
    maker->stop_context = context;
    kill_all(maker, SIGTERM);
    check_stopped(maker);
}

void
gh_envmaker_kill(struct gh_envmaker *maker)
{
    kill_all(maker, SIGKILL);
}

void
gh_envmaker_free(struct gh_envmaker **maker_of)
{
    struct gh_envmaker *maker = gh_take(*maker_of);

    if (!maker)
        return;
    for (size_t i = 0; i < maker->count; i++) {
        struct making *making = &maker->makings[i];
        gh_envplan_done(&making->plan);
        free(making->env.python);
        free(making->env.text);
        free(making->last_line);
    }
    free(maker->makings);
    free(maker->state_dir);
    free(maker);
}
