/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse status - the node at a glance. Source of the fields: docs/http-api.md, GET /status. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/out.h"
#include "cli/verbs.h"

static double
number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void
print_memory(const char *what, const json_t *usage)
{
    char used[GH_QUANTITY_MAX_BYTES], total[GH_QUANTITY_MAX_BYTES];

    if (!usage)
        return;
    gh_out_bytes(used, sizeof used, number_of(usage, "used_memory"));
    gh_out_bytes(total, sizeof total, number_of(usage, "total_memory"));
    printf("%-8s %.0f %% busy, %s of %s memory used\n", what,
           number_of(usage, "utilization_percent"), used, total);
}

static void
print_node(const struct gh_client *client, const json_t *status)
{
    const json_t *config = json_object_get(status, "cluster_config");
    const char *name = json_string_value(json_object_get(config, "name"));
    const json_t *gpu = json_object_get(status, "server_gpu_usage");

    printf("%-8s %s\n", "node", gh_client_place(client));
    if (name)
        printf("%-8s %s\n", "name", name);
    printf("%-8s %s (as clients see it), pid %.0f\n", "version",
           json_string_value(json_object_get(status, "runhouse_version")),
           number_of(status, "server_pid"));
    print_memory("cpu", json_object_get(status, "server_cpu_usage"));
    if (gpu)
        printf("%-8s %.0f\n", "gpus", number_of(gpu, "gpu_count"));
    print_memory("gpu", gpu);
}

static size_t
count_calls(const json_t *keys)
{
    const char *name;
    json_t *key;
    size_t count = 0;

    json_object_foreach((json_t *)(uintptr_t)keys, name, key) count +=
        json_array_size(json_object_get(key, "active_function_calls"));
    return count;
}

static void
add_process(struct gh_table *table, const char *name, const json_t *process, const json_t *reserved)
{
    const json_t *cpu = json_object_get(process, "process_cpu_usage");
    const json_t *gpu = json_object_get(process, "process_gpu_usage");
    const json_t *keys = json_object_get(process, "process_resource_mapping");
    char memory[GH_QUANTITY_MAX_BYTES];
    bool is_up = json_object_get(process, "pid") != NULL;
    char *compute GH_SCOPED(gh_free) = json_dumps(reserved, JSON_COMPACT | JSON_ENCODE_ANY);

    gh_table_add(table, GH_STYLE_PLAIN, name);
    gh_table_add(table, is_up ? GH_STYLE_GOOD : GH_STYLE_BAD, is_up ? "up" : "down");
    gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", number_of(process, "pid"));
    gh_table_addf(table, GH_STYLE_PLAIN, "%.1f", number_of(cpu, "utilization_percent"));
    gh_out_bytes(memory, sizeof memory, number_of(cpu, "used_memory"));
    gh_table_add(table, GH_STYLE_PLAIN, is_up ? memory : NULL);
    gh_out_bytes(memory, sizeof memory, number_of(gpu, "used_memory"));
    gh_table_add(table, GH_STYLE_PLAIN, gpu ? memory : NULL);
    gh_table_addf(table, GH_STYLE_PLAIN, "%zu", json_object_size(keys));
    gh_table_addf(table, GH_STYLE_PLAIN, "%zu", count_calls(keys));
    gh_table_add(table, GH_STYLE_DIM, json_object_size(reserved) ? compute : NULL);
}

/* What the processes reserved: {name: compute}, from /processes, whose data is JSON in a string. */
static int
get_processes(struct gh_client *client, json_t **processes_out, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_get(client, "/processes", &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    const char *text = json_string_value(json_object_get(answer, "data"));
    *processes_out = json_loads(text ? text : "{}", 0, NULL);
    return GH_EXIT_OK;
}

static int
print_processes(struct gh_client *client, const json_t *status, struct gh_err *err)
{
    static const char *const heads[] = {"PROCESS", "STATE", "PID",   "CPU %",   "MEMORY",
                                        "GPU MEM", "KEYS",  "CALLS", "RESERVED"};
    json_t *specs GH_SCOPED(gh_json_drop) = NULL;
    const char *name;
    json_t *process;

    int rc = get_processes(client, &specs, err);
    if (rc != GH_EXIT_OK)
        return rc;
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 9);
    json_object_foreach(json_object_get(status, "processes"), name, process)
        add_process(table, name, process, json_object_get(json_object_get(specs, name), "compute"));
    putchar('\n');
    gh_table_print(table);
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_fetch(client, "GET", "/status", NULL, &text, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json) {
        puts(gh_buf_text(&text));
        return GH_EXIT_OK;
    }
    json_t *answer GH_SCOPED(gh_json_drop) =
        json_loadb((const char *)text.bytes, text.len, 0, NULL);
    const json_t *status = json_array_get(answer, 0);
    if (!json_is_object(status))
        return gh_err_set(err, GH_EXIT_FAILED, "%s: its /status is of an unknown form",
                          gh_client_place(client));
    print_node(client, status);
    return print_processes(client, status, err);
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
        "and all that it started. A process is down while it waits for its restart. --json prints "
        "the answer of GET /status as it is.",
    .examples = examples,
    .run = run,
};
