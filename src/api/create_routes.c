/* SPDX-License-Identifier: Apache-2.0
 *
 * api/create_routes.c - POST /create_process, in steps that each may take their time:
 *
 *     1 wait until the GPUs are counted, when some are asked for
 *     2 look up the environment, on disk, in the thread pool; or wait for a declared one
 *     3 hold what compute asks for (node/ledger.h)
 *     4 start the worker, and wait until it serves
 *
 * What was held is let go when the process is (gatehoused.c, on_removed).
 * Source: http-api.md section 3, packages-and-processes.md section 3. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "node/envmaker.h"
#include "node/envs.h"
#include "node/gpu.h"
#include "node/installer.h"
#include "node/ledger.h"
#include "node/node.h"
#include "pool/pool.h"
#include "wire/reply.h"

/* One process in the making. */
struct creation {
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left; it is made all the same */
    char *name;
    char *compute_text, *runtime_text, *env_text; /* as the client gave them */
    json_t *compute, *runtime_env;                /* NULL when absent */
    char *python;
    struct gh_err err; /* of the look-up */
    struct gh_gpus_waiter waiter;
    struct gh_made_env_waiter env_waiter;
    uv_work_t work;
};

static void
creation_free(struct creation *creation)
{
    free(creation->name);
    free(creation->compute_text);
    free(creation->runtime_text);
    free(creation->env_text);
    free(creation->python);
    json_decref(creation->compute);
    json_decref(creation->runtime_env);
    free(creation);
}

/* ---- step 4 ---- */

static void
on_ready(struct gh_call *call, const struct gh_answer *answer)
{
    struct creation *creation = call->context;

    if (creation->request && answer->failure)
        gh_reply_exception(creation->request, GH_PY_RUNTIME_ERROR, "%s", answer->failure);
    else if (creation->request)
        gh_reply_success(creation->request);
    creation_free(creation);
}

static void
refuse_busy(struct creation *creation, const struct gh_err *err)
{
    if (creation->request) {
        gh_request_release(creation->request);
        gh_reply_busy(creation->request, 1, "%s", err->text);
    }
    creation_free(creation);
}

static void
start(struct creation *creation)
{
    struct gh_api *api = creation->api;
    struct gh_process_spec spec = {
        .name = creation->name,
        .compute = creation->compute_text,
        .runtime_env = creation->runtime_text,
        .env_vars = creation->env_text,
        .python = creation->python ? creation->python : gh_installer_python(api->installer),
        .is_forgotten_on_failure = true,
    };
    struct gh_err err;

    if (gh_pool_start(api->pool, &spec, on_ready, creation, &err) == GH_OK)
        return;
    gh_ledger_release(api->node->ledger, creation->name);
    refuse_busy(creation, &err);
}

/* The name is taken: nothing to do, whatever else was asked, but for one that does not run. */
static void
use_existing(struct creation *creation, struct gh_process *process)
{
    struct gh_err err;

    if (process->state == GH_PROCESS_PARKED && !process->worker) {
        if (gh_pool_unpark(process, on_ready, creation, &err) != GH_OK)
            refuse_busy(creation, &err);
        return;
    }
    if (creation->request)
        gh_reply_success(creation->request);
    creation_free(creation);
}

/* ---- step 3 ---- */

static void
refuse(struct creation *creation, enum gh_pyclass pyclass, const char *text)
{
    if (creation->request)
        gh_reply_exception(creation->request, pyclass, "%s", text);
    creation_free(creation);
}

static void
hold_and_start(struct creation *creation)
{
    static const enum gh_pyclass classes[] = {
        [GH_LEDGER_NOT_FREE] = GH_PY_EXCEPTION,
        [GH_LEDGER_BAD_VALUE] = GH_PY_VALUE_ERROR,
        [GH_LEDGER_BAD_TYPE] = GH_PY_TYPE_ERROR,
    };
    struct gh_api *api = creation->api;
    struct gh_buf why GH_SCOPED(gh_buf_done) = {0};
    struct gh_process *process = gh_pool_find(api->pool, creation->name);

    if (process) {
        use_existing(creation, process);
        return;
    }
    enum gh_ledger_verdict verdict =
        gh_ledger_hold(api->node->ledger, creation->name, creation->compute, &why);
    if (verdict == GH_LEDGER_HELD)
        start(creation);
    else
        refuse(creation, classes[verdict], gh_buf_text(&why));
}

/* ---- step 2 ---- */

static void
look_up(uv_work_t *work)
{
    struct creation *creation = work->data;

    if (gh_envs_find(creation->runtime_env, &creation->python, &creation->err) == GH_OK)
        creation->err.code = GH_OK;
}

static void
on_looked_up(uv_work_t *work, int status)
{
    struct creation *creation = work->data;

    (void)status; /* never cancelled */
    if (creation->err.code == GH_OK)
        hold_and_start(creation);
    else
        refuse(creation, GH_PY_VALUE_ERROR, creation->err.text);
}

static void
on_env_end(void *context, const struct gh_made_env *env)
{
    struct creation *creation = context;

    if (env->state == GH_MADE_ENV_FAILED) {
        refuse(creation, GH_PY_RUNTIME_ERROR, env->text);
        return;
    }
    creation->python = gh_strdup(env->python);
    hold_and_start(creation);
}

/* There is no env NAME: name those that are. */
static void
refuse_unknown_env(struct creation *creation, const char *name)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    const struct gh_made_env *env;

    gh_buf_addf(&text,
                "runtime_env asks for the env '%.200s', which this node's configuration does "
                "not declare under envs. It declares",
                name);
    for (size_t i = 0; (env = gh_envmaker_at(creation->api->envs, i)); i++)
        gh_buf_addf(&text, "%s '%s'", i ? "," : "", env->spec->name);
    gh_buf_add_text(&text, gh_envmaker_at(creation->api->envs, 0) ? "." : " none.");
    refuse(creation, GH_PY_VALUE_ERROR, gh_buf_text(&text));
}

/* {"env": NAME}: one that the configuration declares; waited for while it is being made. */
static void
find_declared(struct creation *creation, const json_t *value)
{
    struct gh_envmaker *maker = creation->api->envs;
    const char *name = json_string_value(value);

    if (!name || gh_envs_is_asked(creation->runtime_env)) {
        refuse(
            creation, GH_PY_VALUE_ERROR,
            name ? "runtime_env has 'env' and another env beside it; a process runs in one of them."
                 : "runtime_env has an 'env' that is no text: give the name of a declared env.");
        return;
    }
    const struct gh_made_env *env = gh_envmaker_find(maker, name);
    if (!env) {
        refuse_unknown_env(creation, name);
    } else if (env->state == GH_MADE_ENV_UNDER_WAY) {
        creation->env_waiter.on_end = on_env_end;
        creation->env_waiter.context = creation;
        gh_envmaker_wait(maker, env, &creation->env_waiter);
    } else {
        on_env_end(creation, env);
    }
}

static void
find_env(void *context)
{
    struct creation *creation = context;
    const json_t *declared = json_object_get(creation->runtime_env, "env");

    if (declared && !json_is_null(declared)) {
        find_declared(creation, declared);
        return;
    }
    if (!gh_envs_is_asked(creation->runtime_env)) {
        hold_and_start(creation);
        return;
    }
    creation->work.data = creation;
    uv_queue_work(creation->api->loop, &creation->work, look_up, on_looked_up);
}

/* ---- step 1 ---- */

/* Can this one node give what COMPUTE asks? Answers when not. */
static int
check_node(struct gh_request *request, const json_t *compute)
{
    const json_t *node = json_object_get(compute, "node_idx");
    bool asks_resources = json_object_get(compute, "CPU") || json_object_get(compute, "GPU");

    if (node && !json_is_integer(node) && !json_is_null(node)) {
        gh_reply_exception(request, GH_PY_TYPE_ERROR,
                           "compute has a node_idx that is no whole number.");
        return -1;
    }
    if (json_integer_value(node) != 0 && json_integer_value(node) != -1) { /* -1: the last one */
        gh_reply_exception(request, GH_PY_VALUE_ERROR,
                           "Node index %lld is out of bounds for cluster with 1 nodes.",
                           (long long)json_integer_value(node));
        return -1;
    }
    if (node && asks_resources) {
        gh_reply_exception(request, GH_PY_VALUE_ERROR,
                           "Cannot specify both node_idx and CPU/GPU ray_resources for a process.");
        return -1;
    }
    return 0;
}

/* Their values become environment variables: text, or the interpreter cannot be given them. */
static int
check_runtime_env_vars(struct gh_request *request, const json_t *runtime_env)
{
    json_t *variables = json_object_get(runtime_env, "env_vars");
    const char *name;
    json_t *value;

    if (variables && !json_is_null(variables) && !json_is_object(variables)) {
        gh_reply_exception(request, GH_PY_TYPE_ERROR,
                           "runtime_env['env_vars'] must be a dict of text to text.");
        return -1;
    }
    json_object_foreach(variables, name, value)
    {
        if (json_is_string(value) && *name && !strchr(name, '='))
            continue;
        gh_reply_exception(
            request, GH_PY_TYPE_ERROR,
            "runtime_env['env_vars'] must be a dict of text to text, but '%s' is not: "
            "write it as {'%s': '...'}.",
            name, name);
        return -1;
    }
    return 0;
}

#define DIGITS_ENOUGH 15 /* for most numbers that people write; 17 are for all */
#define DIGITS_FOR_ALL 17

/* TREE as text, with the fewest digits from which the same numbers are read again: 0.1 stays 0.1. */
static char *
dump_shortest(json_t *tree)
{
    for (unsigned digits = DIGITS_ENOUGH; digits < DIGITS_FOR_ALL; digits++) {
        char *text = json_dumps(tree, JSON_REAL_PRECISION(digits));
        json_t *again = json_loads(text, 0, NULL);
        bool is_same = json_equal(tree, again);
        json_decref(again);
        if (is_same)
            return text;
        free(text);
    }
    return json_dumps(tree, JSON_REAL_PRECISION(DIGITS_FOR_ALL));
}

/* As the client gave it: {} when it is absent, null when it is null. */
static char *
dump_as_given(const struct gh_value *value)
{
    if (value->tree)
        return dump_shortest(value->tree);
    return gh_strdup(value->raw.len ? "null" : "{}");
}

void
gh_route_create_process(struct gh_api *api, struct gh_request *request)
{
    enum { NAME, COMPUTE, RUNTIME_ENV, ENV_VARS, COUNT };
    static const struct gh_field fields[COUNT] = {
        [NAME] = {"name", GH_FIELD_NAME, true},
        [COMPUTE] = {"compute", GH_FIELD_OBJECT, false},
        [RUNTIME_ENV] = {"runtime_env", GH_FIELD_OBJECT, false},
        [ENV_VARS] = {"env_vars", GH_FIELD_VARIABLES, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    if (check_node(request, values[COMPUTE].tree) != 0 ||
        check_runtime_env_vars(request, values[RUNTIME_ENV].tree) != 0) {
        gh_fields_done(values, COUNT);
        return;
    }

    struct creation *creation = gh_alloc(sizeof *creation);
    creation->api = api;
    creation->name = gh_strndup(values[NAME].text.bytes, values[NAME].text.len);
    creation->compute_text = dump_as_given(&values[COMPUTE]);
    creation->runtime_text = dump_as_given(&values[RUNTIME_ENV]);
    creation->env_text = dump_as_given(&values[ENV_VARS]);
    creation->compute = json_incref(values[COMPUTE].tree);
    creation->runtime_env = json_incref(values[RUNTIME_ENV].tree);
    gh_request_hold(request, &creation->request);
    gh_fields_done(values, COUNT);

    creation->waiter.on_counted = find_env;
    creation->waiter.context = creation;
    if (json_object_get(creation->compute, "GPU"))
        gh_gpus_when_counted(api->node->gpus, &creation->waiter);
    else
        find_env(creation);
}
