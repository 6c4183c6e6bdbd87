/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/variables.c - the environment variables of a process: what the node gives, and what the user
 * gives over it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "pool/pool_inner.h"

/* Add the strings of OBJECT, which may be absent or none, to VARIABLES. */
static void
merge(json_t *variables, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (json_is_string(value))
            json_object_set(variables, name, value);
    }
}

static void
merge_text(json_t *variables, const char *text)
{
    json_t *object = json_loads(text, 0, NULL);

    merge(variables, object);
    json_decref(object);
}

static void
merge_runtime_env(json_t *variables, const struct gh_process *process)
{
    json_t *runtime_env = json_loads(process->runtime_env, 0, NULL);

    merge(variables, json_object_get(runtime_env, "env_vars"));
    json_decref(runtime_env);
}

static json_t *
node_variables(const struct gh_process *process)
{
    const struct gh_pool_events *events = &process->pool->events;
    json_t *variables = json_object();

    events->add_environment(events->context, process, variables);
    return variables;
}

json_t *
gh_process_first_variables(const struct gh_process *process)
{
    json_t *variables = node_variables(process);

    merge_runtime_env(variables, process);
    return variables;
}

json_t *
gh_process_user_variables(const struct gh_process *process)
{
    json_t *variables = json_copy(process->pool->env);

    merge_runtime_env(variables, process);
    merge_text(variables, process->env_vars);
    merge_text(variables, process->env_later);
    return variables;
}

static void
renew(struct gh_process *process)
{
    json_t *variables = node_variables(process);
    json_t *users = gh_process_user_variables(process);
    const char *name;
    json_t *value;

    json_object_foreach(users, name, value)
    {
        json_object_del(variables, name);
    }
    char *text = json_dumps(variables, JSON_COMPACT);
    struct gh_call_order order = {
        .kind = GH_FRAME_SET_ENV,
        .head = {.data = (const uint8_t *)text, .data_len = strlen(text)},
        .fd = -1,
    };
    struct gh_err err;
    if (json_object_size(variables) > 0 && gh_pool_call(process, &order, NULL, &err) != GH_OK)
        gh_log(GH_LOG_WARN, "process.old_environment", "process=%s reason=%s",
               gh_log_quote(process->name), gh_log_quote(err.text));
    free(text);
    json_decref(users);
    json_decref(variables);
}

static void
tell_limits(struct gh_process *process)
{
    struct gh_buf limits GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    gh_buf_add_byte(&limits, '{');
    gh_process_add_limits(process->pool, &limits);
    gh_buf_add_byte(&limits, '}');
    struct gh_call_order order = {
        .kind = GH_FRAME_SET_LIMITS,
        .head = {.data = limits.bytes, .data_len = limits.len},
        .fd = -1,
    };
    if (gh_pool_call(process, &order, NULL, &err) != GH_OK)
        gh_log(GH_LOG_WARN, "process.old_limits", "process=%s reason=%s",
               gh_log_quote(process->name), gh_log_quote(err.text));
}

void
gh_pool_settings_changed(struct gh_pool *pool)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (process->worker) /* others get them with their HELLO */
            tell_limits(process);
    }
    gh_pool_renew_environment(pool); /* all_gpus_visible */
}

void
gh_pool_renew_environment(struct gh_pool *pool)
{
    struct gh_process *process;

    DL_FOREACH(pool->processes, process)
    {
        if (process->worker) /* others get it when they are started */
            renew(process);
    }
}
