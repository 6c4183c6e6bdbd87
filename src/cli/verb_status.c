/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse status - the node at a glance. Source of the fields: docs/http-api.md, GET /status. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

static void
print_memory(const char *what, const json_t *usage)
{
    char used[GH_QUANTITY_MAX_BYTES], total[GH_QUANTITY_MAX_BYTES];

    if (!usage)
        return;
    gh_out_bytes(used, sizeof used, gh_facts_number(usage, "used_memory"));
    gh_out_bytes(total, sizeof total, gh_facts_number(usage, "total_memory"));
    printf("%-8s %.0f %% busy, %s of %s memory used\n", what,
           gh_facts_number(usage, "utilization_percent"), used, total);
}

static void
print_node(const struct gh_client *client, const json_t *status, const json_t *node)
{
    const char *name = gh_facts_text(json_object_get(status, "cluster_config"), "name");
    const char *version = gh_facts_text(node, "version");
    const json_t *gpu = json_object_get(status, "server_gpu_usage");
    char uptime[GH_QUANTITY_MAX_BYTES];

    printf("%-8s %s\n", "node", gh_client_place(client));
    if (name)
        printf("%-8s %s\n", "name", name);
    printf("%-8s %s%sspeaks as runhouse %s, pid %.0f\n", "version", version ? version : "",
           version ? ", " : "", gh_facts_text(status, "runhouse_version"),
           gh_facts_number(status, "server_pid"));
    if (version) {
        gh_out_age(uptime, sizeof uptime, gh_facts_number(node, "uptime_s"));
        printf("%-8s %s%s\n", "up for", uptime,
               json_is_true(json_object_get(node, "is_draining")) ? ", and stopping" : "");
    }
    if (gh_facts_text(node, "unit"))
        printf("%-8s %s, run by systemd\n", "unit", gh_facts_text(node, "unit"));
    print_memory("cpu", json_object_get(status, "server_cpu_usage"));
    if (gpu)
        printf("%-8s %.0f\n", "gpus", gh_facts_number(gpu, "gpu_count"));
    print_memory("gpu", gpu);
}

static size_t
count_calls(json_t *keys)
{
    const char *name;
    json_t *key;
    size_t count = 0;

    json_object_foreach(keys, name, key) count +=
        json_array_size(json_object_get(key, "active_function_calls"));
    return count;
}

/* What a process reserved; where it runs is no reservation. */
static char *
reservation_of(const json_t *spec)
{
    json_t *compute GH_SCOPED(gh_json_drop) = json_copy(json_object_get(spec, "compute"));

    json_object_del(compute, "node_idx");
    if (json_object_size(compute) == 0)
        return NULL;
    return json_dumps(compute, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static void
add_memory(struct gh_table *table, const json_t *usage)
{
    char memory[GH_QUANTITY_MAX_BYTES];

    gh_out_bytes(memory, sizeof memory, gh_facts_number(usage, "used_memory"));
    gh_table_add(table, GH_STYLE_PLAIN, usage ? memory : NULL);
}

/* SPEC is of /processes, FACTS of /_gatehouse/v1/node; either may be missing. */
static void
add_process(struct gh_table *table, const char *name, const json_t *process, const json_t *spec,
            const json_t *facts)
{
    const json_t *cpu = json_object_get(process, "process_cpu_usage");
    json_t *keys = json_object_get(process, "process_resource_mapping");
    bool is_up = json_object_get(process, "pid") != NULL;
    const char *state = gh_facts_text(facts, "state");
    bool is_good = state ? strcmp(state, "ready") == 0 : is_up;
    char *reserved GH_SCOPED(gh_free) = reservation_of(spec);

    gh_table_add(table, GH_STYLE_PLAIN, name);
    gh_table_add(table, is_good ? GH_STYLE_GOOD : GH_STYLE_BAD,
                 state   ? state
                 : is_up ? "up"
                         : "down");
    gh_table_addf(table, GH_STYLE_PLAIN, "%.1f", gh_facts_number(cpu, "utilization_percent"));
    add_memory(table, cpu);
    add_memory(table, json_object_get(process, "process_gpu_usage"));
    gh_table_addf(table, GH_STYLE_PLAIN, "%zu", json_object_size(keys));
    gh_table_addf(table, GH_STYLE_PLAIN, "%zu", count_calls(keys));
    gh_table_add(table, GH_STYLE_DIM, reserved);
}

static void
print_processes(const json_t *status, const json_t *specs, const json_t *node)
{
    static const char *const heads[] = {"PROCESS", "STATE", "CPU %",   "MEMORY",
                                        "GPU MEM", "KEYS",  "RUNNING", "RESERVED"};
    const json_t *facts = json_object_get(node, "processes");
    struct gh_table *table GH_SCOPED(gh_table_free) =
        gh_table_new(heads, sizeof heads / sizeof heads[0]);
    const char *name;
    json_t *process;

    json_object_foreach(json_object_get(status, "processes"), name, process) add_process(
        table, name, process, json_object_get(specs, name), json_object_get(facts, name));
    putchar('\n');
    gh_table_print(table);
}

static int
show(struct gh_client *client, struct gh_err *err)
{
    json_t *status GH_SCOPED(gh_json_drop) = NULL;
    json_t *specs GH_SCOPED(gh_json_drop) = NULL;
    json_t *node GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_facts_status(client, &status, err);
    if (rc == GH_EXIT_OK)
        rc = gh_facts_processes(client, &specs, err);
    if (rc == GH_EXIT_OK)
        rc = gh_facts_node(client, &node, err);
    if (rc != GH_EXIT_OK)
        return rc;
    print_node(client, status, node);
    print_processes(status, specs, node);
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_client_open(cli, &client, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (!cli->is_json)
        return show(client, err);
    rc = gh_client_fetch(client, "GET", "/status", NULL, &text, err);
    if (rc == GH_EXIT_OK)
        puts(gh_buf_text(&text));
    return rc;
}

static const struct gh_example examples[] = {
    {"gatehouse status", "the daemon of this machine"},
    {"gatehouse status --url http://gpu-box:32300 --token-file ~/.rh/token", "another node"},
    {"gatehouse status --json | jq '.[0].processes | keys'", "for programs: what /status answers"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_status = {
    .name = "status",
    .synopsis = "",
    .summary = "Show the node and its processes",
    .text =
        "CPU is in percent of one CPU, memory what is resident and not shared; both of a process "
        "and all that it started. States are those of gatehouse ps. --json prints "
        "the answer of GET /status as it is.",
    .examples = examples,
    .run = run,
};
