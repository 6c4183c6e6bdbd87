/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse ps - the processes and what they run just now. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

static double
now_unix_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
number_in(const json_t *object, const char *first, const char *second)
{
    return gh_facts_number(json_object_get(object, first), second);
}

/* ---- one document of the two answers ---- */

/* [{"call": "counter.add", "run_name": ..., "age_s": ...}, ...] */
static json_t *
calls_of(const json_t *usage)
{
    json_t *calls = json_array(), *entry, *call;
    double now = now_unix_s();
    const char *key;
    size_t i;

    json_object_foreach(json_object_get(usage, "process_resource_mapping"), key, entry)
    {
        json_array_foreach(json_object_get(entry, "active_function_calls"), i, call)
        {
            char *name GH_SCOPED(gh_free) =
                gh_asprintf("%s.%s", key, gh_facts_text(call, "method_name"));
            json_array_append_new(calls, json_pack("{s:s, s:s?, s:f}", "call", name, "run_name",
                                                   gh_facts_text(call, "run_name"), "age_s",
                                                   now - gh_facts_number(call, "start_time")));
        }
    }
    return calls;
}

/* USAGE is of /status, FACTS of /_gatehouse/v1/node. */
static json_t *
process_of(const json_t *usage, const json_t *facts)
{
    bool is_up = json_object_get(usage, "pid") != NULL;
    const char *state = gh_facts_text(facts, "state");
    json_t *process = json_object();

    json_object_update(process, (json_t *)(uintptr_t)facts);
    json_object_set_new(process, "state", json_string(state ? state : is_up ? "ready" : "down"));
    json_object_set_new(process, "pid", json_integer((json_int_t)gh_facts_number(usage, "pid")));
    json_object_set_new(process, "cpu_percent",
                        json_real(number_in(usage, "process_cpu_usage", "utilization_percent")));
    json_object_set_new(
        process, "memory_bytes",
        json_integer((json_int_t)number_in(usage, "process_cpu_usage", "used_memory")));
    json_object_set_new(
        process, "gpu_memory_bytes",
        json_integer((json_int_t)number_in(usage, "process_gpu_usage", "used_memory")));
    json_object_set_new(process, "calls", calls_of(usage));
    return process;
}

static int
get_processes(struct gh_client *client, json_t **processes_out, struct gh_err *err)
{
    json_t *status GH_SCOPED(gh_json_drop) = NULL, *node GH_SCOPED(gh_json_drop) = NULL;
    const char *name;
    json_t *usage;

    int rc = gh_facts_status(client, &status, err);
    if (rc == GH_EXIT_OK)
        rc = gh_facts_node(client, &node, err);
    if (rc != GH_EXIT_OK)
        return rc;
    *processes_out = json_object();
    json_object_foreach(json_object_get(status, "processes"), name, usage) json_object_set_new(
        *processes_out, name,
        process_of(usage, json_object_get(json_object_get(node, "processes"), name)));
    return GH_EXIT_OK;
}

/* ---- for people ---- */

static void
add_bytes(struct gh_table *table, double bytes)
{
    char text[GH_QUANTITY_MAX_BYTES];

    gh_out_bytes(text, sizeof text, bytes);
    gh_table_add(table, GH_STYLE_PLAIN, bytes > 0 ? text : NULL);
}

static void
add_process(struct gh_table *table, const char *name, const json_t *process)
{
    const char *state = gh_facts_text(process, "state");
    const char *env = gh_facts_text(process, "env");
    double pid = gh_facts_number(process, "pid");

    gh_table_add(table, GH_STYLE_PLAIN, name);
    gh_table_add(table, strcmp(state, "ready") == 0 ? GH_STYLE_GOOD : GH_STYLE_BAD, state);
    gh_table_addf(table, GH_STYLE_PLAIN, pid > 0 ? "%.0f" : "-", pid);
    gh_table_addf(table, GH_STYLE_PLAIN, "%.1f", gh_facts_number(process, "cpu_percent"));
    add_bytes(table, gh_facts_number(process, "memory_bytes"));
    add_bytes(table, gh_facts_number(process, "gpu_memory_bytes"));
    gh_table_addf(table, GH_STYLE_PLAIN, "%zu", json_array_size(json_object_get(process, "calls")));
    gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(process, "restarts"));
    gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(process, "version"));
    gh_table_add(table, GH_STYLE_PLAIN, env && *env ? env : gh_facts_text(process, "executable"));
}

static void
print_processes(json_t *processes)
{
    static const char *const heads[] = {"PROCESS", "STATE",   "PID",      "CPU %",  "MEMORY",
                                        "GPU MEM", "RUNNING", "RESTARTS", "PYTHON", "ENV"};
    struct gh_table *table GH_SCOPED(gh_table_free) =
        gh_table_new(heads, sizeof heads / sizeof heads[0]);
    const char *name;
    json_t *process;

    json_object_foreach(processes, name, process) add_process(table, name, process);
    gh_table_print(table);
    json_object_foreach(processes, name, process)
    {
        const char *reason = gh_facts_text(process, "reason");
        if (reason)
            printf("\n%s: %s\n", name, reason);
    }
}

static void
print_calls(json_t *processes)
{
    static const char *const heads[] = {"CALL", "AGE", "PROCESS", "RUN"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    char age[GH_QUANTITY_MAX_BYTES];
    size_t i, count = 0;
    json_t *process, *call;
    const char *name;

    json_object_foreach(processes, name, process)
    {
        json_array_foreach(json_object_get(process, "calls"), i, call)
        {
            gh_out_age(age, sizeof age, gh_facts_number(call, "age_s"));
            gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(call, "call"));
            gh_table_add(table, GH_STYLE_PLAIN, age);
            gh_table_add(table, GH_STYLE_PLAIN, name);
            gh_table_add(table, GH_STYLE_DIM, gh_facts_text(call, "run_name"));
            count++;
        }
    }
    if (count == 0)
        return;
    putchar('\n');
    gh_table_print(table);
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    json_t *processes GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = get_processes(client, &processes, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json) {
        gh_out_json(processes);
        return GH_EXIT_OK;
    }
    print_processes(processes);
    print_calls(processes);
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse ps", "processes, and below them the calls that run"},
    {"gatehouse ps --json | jq -r '.[].calls[].run_name'", "run names, for gatehouse logs -f"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_ps = {
    .name = "ps",
    .synopsis = "",
    .summary = "List the processes with what they use, and the calls that run",
    .text = "A process is ready, starting, draining (about to be restarted), waiting (for its "
            "restart after a "
            "death) or parked (it died too often; its next call, or restart, tries again). "
            "RESTARTS counts "
            "the workers that it had after the first. ENV is the interpreter, venv or conda env "
            "that it "
            "was given. --json prints an object by process.",
    .examples = examples,
    .run = run,
};
