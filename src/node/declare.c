/* SPDX-License-Identifier: Apache-2.0 */
#include "node/declare.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "node/envmaker.h"
#include "pool/pool.h"
#include "store/keys.h"
#include "wire/frame.h"

/* ---- modules ---- */

static void
declare_module(struct gh_declare *declare, const struct gh_module_spec *module,
               struct gh_process *process)
{
    json_t *json = json_pack("{s:s, s:s}", "file", module->file, "attr", module->attr);
    char *data GH_SCOPED(gh_free) = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    struct gh_call_head head = {.key = {module->name, strlen(module->name)},
                                .data = (const uint8_t *)data,
                                .data_len = strlen(data)};
    struct gh_key *key = gh_keys_declare(declare->keys, module->name, process);
    free(key->type);
    key->type = gh_strdup("runhouse.resources.module.Module");
    key->is_pending = true;
    gh_keys_add_spec(key, gh_spec_new(GH_FRAME_LOAD, &head, -1));
}

static void
declare_modules(struct gh_declare *declare, struct gh_process *process)
{
    const struct gh_declared *declared = &declare->settings->declared;

    for (size_t i = 0; i < declared->module_count; i++)
        if (strcmp(declared->modules[i].process, process->name) == 0)
            declare_module(declare, &declared->modules[i], process);
}

void
gh_declare_modules(struct gh_declare *declare, struct gh_process *process)
{
    /* Those of a process that was held are declared; somebody may have changed them meanwhile. */
    if (process->restart_count == 0 && !process->was_held)
        declare_modules(declare, process);
}

/* ---- processes ---- */

static void
start_process(struct gh_declare *declare, const struct gh_module_spec *module, const char *python)
{
    const char *env = gh_declared_env_of_process(&declare->settings->declared, module->process);
    const struct gh_made_env *made = gh_envmaker_find(declare->envs, env);
    json_t *runtime = made ? json_pack("{s:s}", "env", env) : json_object();
    char *runtime_text GH_SCOPED(gh_free) = json_dumps(runtime, 0);
    struct gh_process_spec spec = {
        .name = module->process,
        .compute = "{}",
        .runtime_env = runtime_text,
        .env_vars = "{}",
        .python = python,
        .held = made ? made->text : NULL,
    };
    struct gh_err err;

    json_decref(runtime);
    if (gh_pool_start(declare->pool, &spec, NULL, NULL, &err) != GH_OK) {
        gh_log(GH_LOG_ERR, "process.not_declared", "process=%s reason=%s",
               gh_log_quote(module->process), gh_log_quote(err.text));
        return;
    }
    struct gh_process *process = gh_pool_find(declare->pool, module->process);
    if (made)
        declare_modules(declare, process);
}

void
gh_declare_processes(struct gh_declare *declare, const char *python)
{
    const struct gh_declared *declared = &declare->settings->declared;

    for (size_t i = 0; i < declared->module_count; i++) {
        const struct gh_module_spec *module = &declared->modules[i];
        bool is_default = strcmp(module->process, "default_process") == 0;
        if (!is_default && !gh_pool_find(declare->pool, module->process))
            start_process(declare, module, python);
    }
}

void
gh_declare_env_changed(struct gh_declare *declare, const struct gh_made_env *env)
{
    const struct gh_declared *declared = &declare->settings->declared;
    struct gh_err err;

    for (size_t i = 0; i < declared->module_count; i++) {
        const struct gh_module_spec *module = &declared->modules[i];
        struct gh_process *process = gh_pool_find(declare->pool, module->process);
        if (strcmp(module->env, env->spec->name) != 0 || !process ||
            process->state != GH_PROCESS_HELD)
            continue;
        if (env->state != GH_MADE_ENV_READY)
            gh_pool_hold_on(process, env->text);
        else if (gh_pool_let_go(process, env->python, &err) != GH_OK)
            gh_log(GH_LOG_ERR, "process.not_started", "process=%s reason=%s",
                   gh_log_quote(process->name), gh_log_quote(err.text));
    }
}
