/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse config show - each setting, its value, and where that comes from. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/confread.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "conf/settings.h"
#include "conf/show.h"

/* By the daemon; or, where none answers, as one would start now. *FROM_OUT says which, the caller's to
 * free. */
static int
find_config(struct gh_cli *cli, json_t **config_out, char **from_out, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;

    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_get(client, "/_gatehouse/v1/config", config_out, err);
    if (rc == GH_EXIT_OK) {
        *from_out = gh_asprintf("of the daemon at %s", gh_client_place(client));
        return rc;
    }
    if (rc == GH_EXIT_NOT_FOUND)
        return gh_err_set(err, rc,
                          "%s: it shows its configuration only on its control socket, to "
                          "programs of its own machine",
                          gh_client_place(client));
    if (rc != GH_EXIT_NO_CONNECTION || gh_cli_value(cli, "--url", NULL))
        return rc;
    *from_out = gh_strdup("no daemon answers; as gatehoused would start now");
    return gh_confread_show(config_out, err);
}

static void
print_value(struct gh_table *table, const json_t *row)
{
    const json_t *value = json_object_get(row, "value");

    if (json_is_string(value))
        gh_table_add(table, GH_STYLE_PLAIN, json_string_value(value));
    else if (json_is_boolean(value))
        gh_table_add(table, GH_STYLE_PLAIN, json_is_true(value) ? "true" : "false");
    else
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", json_number_value(value));
}

static void
print_settings(const json_t *settings)
{
    static const char *const heads[] = {"SETTING", "VALUE", "FROM", "LIVE"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    const char *name;
    json_t *row;

    json_object_foreach((json_t *)(uintptr_t)settings, name, row)
    {
        const char *source = gh_facts_text(row, "source");
        bool is_default = source && strcmp(source, "default") == 0;
        gh_table_add(table, GH_STYLE_PLAIN, name);
        print_value(table, row);
        gh_table_add(table, is_default ? GH_STYLE_DIM : GH_STYLE_PLAIN, source);
        gh_table_add(table, GH_STYLE_DIM,
                     json_is_true(json_object_get(row, "live")) ? "live" : NULL);
    }
    gh_table_print(table);
}

static void
print_modules(const json_t *modules)
{
    static const char *const heads[] = {"MODULE", "SERVES", "PROCESS", "ENV", "FROM"};
    static const char *const members[] = {"process", "env", "source"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 5);
    const char *name;
    json_t *module;

    if (json_object_size(modules) == 0)
        return;
    json_object_foreach((json_t *)(uintptr_t)modules, name, module)
    {
        gh_table_add(table, GH_STYLE_PLAIN, name);
        gh_table_addf(table, GH_STYLE_PLAIN, "%s:%s", gh_facts_text(module, "file"),
                      gh_facts_text(module, "attr"));
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(module, members[i]));
    }
    putchar('\n');
    gh_table_print(table);
}

static const char *
which_python(const json_t *env)
{
    static const char *const kinds[] = {"python", "venv", "conda"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (json_object_get(env, kinds[i]))
            return gh_facts_text(env, kinds[i]);
    return NULL;
}

/* Why those that failed did: too long for a cell. */
static void
print_failures(const json_t *envs)
{
    const char *name;
    json_t *env;

    json_object_foreach((json_t *)(uintptr_t)envs, name, env)
    {
        const char *state = gh_facts_text(env, "state");
        if (state && strcmp(state, "failed") == 0)
            printf("%s\n", gh_facts_text(env, "text"));
    }
}

static void
print_envs(const json_t *envs)
{
    static const char *const heads[] = {"ENV", "PYTHON", "STATE", "FROM"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    const char *name;
    json_t *env;

    if (json_object_size(envs) == 0)
        return;
    json_object_foreach((json_t *)(uintptr_t)envs, name, env)
    {
        const char *state = gh_facts_text(env, "state");
        bool is_ready = state && strcmp(state, "ready") == 0;
        bool has_failed = state && strcmp(state, "failed") == 0;
        gh_table_add(table, GH_STYLE_PLAIN, name);
        gh_table_add(table, GH_STYLE_PLAIN, which_python(env));
        gh_table_add(table,
                     is_ready     ? GH_STYLE_GOOD
                     : has_failed ? GH_STYLE_BAD
                                  : GH_STYLE_PLAIN,
                     state);
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(env, "source"));
    }
    putchar('\n');
    gh_table_print(table);
    print_failures(envs);
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    json_t *config GH_SCOPED(gh_json_drop) = NULL;
    char *from GH_SCOPED(gh_free) = NULL;

    int rc = find_config(cli, &config, &from, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json) {
        json_object_set_new(config, "from", json_string(from));
        gh_out_json(config);
        return GH_EXIT_OK;
    }
    const char *file = gh_facts_text(config, "file");
    printf("Configuration %s\nFile: %s\n\n", from, file ? file : "none");
    print_settings(json_object_get(config, "settings"));
    print_modules(json_object_get(config, "modules"));
    print_envs(json_object_get(config, "envs"));
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse config show", "what holds, and why"},
    {"gatehouse config show --json | jq -r .settings.port.source", "for programs"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_config_show = {
    .name = "config show",
    .synopsis = "",
    .summary = "Show each setting, its value, and where that comes from",
    .text = "Of the daemon that runs; where none answers, what gatehoused would start with now: it "
            "is said which. Settings that are live can be changed with 'gatehouse config set'.",
    .examples = examples,
    .run = run,
};
