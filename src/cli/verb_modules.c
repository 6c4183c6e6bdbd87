/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse modules - what is served, and what each of it can do. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

/* "runhouse.resources.functions.function.Function" is a Function to people. */
static const char *
short_type(const char *type)
{
    const char *dot = type ? strrchr(type, '.') : NULL;
    return dot ? dot + 1 : type;
}

static int
list_all(struct gh_client *client, bool is_json, struct gh_err *err)
{
    static const char *const heads[] = {"KEY", "TYPE", "PROCESS", "CALLS"};
    json_t *keys GH_SCOPED(gh_json_drop) = NULL;
    const char *name;
    json_t *key;

    int rc = gh_facts_keys(client, &keys, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (is_json) {
        gh_out_json(keys);
        return GH_EXIT_OK;
    }
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    json_object_foreach(keys, name, key)
    {
        gh_table_add(table, GH_STYLE_PLAIN, name);
        gh_table_add(table, GH_STYLE_PLAIN, short_type(gh_facts_text(key, "type")));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(key, "process"));
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(key, "calls"));
    }
    gh_table_print(table);
    return GH_EXIT_OK;
}

static int
show_one(struct gh_client *client, const struct gh_cli *cli, struct gh_err *err)
{
    static const char *const heads[] = {"METHOD", "ABOUT"};
    json_t *methods GH_SCOPED(gh_json_drop) = NULL;
    bool shows_all = gh_cli_has(cli, "--all");
    size_t i;
    json_t *method;

    int rc = gh_facts_methods(client, cli->words[0], &methods, err);
    if (rc != GH_EXIT_OK)
        return gh_err_add(err, "modules %s", cli->words[0]);
    if (cli->is_json) {
        gh_out_json(methods);
        return GH_EXIT_OK;
    }
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 2);
    json_array_foreach(methods, i, method)
    {
        if (!shows_all && json_is_true(json_object_get(method, "is_inherited")))
            continue;
        gh_table_addf(table, GH_STYLE_PLAIN, "%s.%s%s", cli->words[0],
                      gh_facts_text(method, "name"), gh_facts_text(method, "signature"));
        gh_table_add(table, GH_STYLE_DIM, gh_facts_text(method, "summary"));
    }
    gh_table_print(table);
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;

    int rc = gh_client_open(cli, &client, err);
    if (rc != GH_EXIT_OK)
        return rc;
    return cli->word_count ? show_one(client, cli, err) : list_all(client, cli->is_json, err);
}

static const struct gh_option options[] = {
    {"--all", "-a", NULL, "show also the methods that every function has (map, starmap, ...)"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse modules", "all keys"},
    {"gatehouse modules counter", "the methods of one, with what they take and give"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_modules = {
    .name = "modules",
    .synopsis = "[MODULE]",
    .summary = "List what is served, or the methods of one module",
    .text = "Types are those of JSON, as in the module's OpenAPI document (GET "
            "/MODULE/openapi.json); an "
            "argument without a type takes anything. --json prints an object by key, or a list of "
            "methods.",
    .options = options,
    .examples = examples,
    .words_max = 1,
    .words = GH_WORD_MODULE,
    .run = run,
};
