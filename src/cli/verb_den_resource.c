/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse den resource list, show, remove - what users saved in the embedded Den. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"
#include "cli/denverb.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

/* ---- list ---- */

static void
show(const json_t *resources)
{
    static const char *const heads[] = {"NAME", "TYPE", "VISIBILITY", "SHARED WITH"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    size_t i;
    json_t *resource;

    json_array_foreach(resources, i, resource)
    {
        bool is_public = json_is_true(json_object_get(resource, "is_public"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(resource, "name"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(resource, "type"));
        gh_table_add(table, GH_STYLE_PLAIN, is_public ? "public" : "private");
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(resource, "grants"));
    }
    gh_table_print(table);
}

static int
list(struct gh_cli *cli, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_den_request(cli, "GET", "resources", NULL, &answer, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, answer, "resources"))
        show(json_object_get(answer, "resources"));
    return rc;
}

static const struct gh_example list_examples[] = {
    {"gatehouse den resource list", "of all users"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_resource_list = {
    .name = "den resource list",
    .synopsis = "",
    .summary = "List what is saved in the embedded Den",
    .text = "--json prints a list of objects.",
    .examples = list_examples,
    .run = list,
};

/* ---- show ---- */

static int
show_one(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    gh_buf_add_text(&path, "resources/");
    int rc = gh_den_add_address(cli, &path, cli->words[0], err);
    if (rc == GH_EXIT_OK)
        rc = gh_den_request(cli, "GET", gh_buf_text(&path), NULL, &answer, err);
    if (rc != GH_EXIT_OK || gh_den_is_shown(cli, answer, NULL))
        return rc;
    char *text GH_SCOPED(gh_free) = json_dumps(json_object_get(answer, "config"), JSON_INDENT(2));
    puts(text ? text : "null");
    return rc;
}

static const struct gh_example show_examples[] = {
    {"gatehouse den resource show /alice/concat", "its config, as the client saved it"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_resource_show = {
    .name = "den resource show",
    .synopsis = "ADDRESS",
    .summary = "Show a config that is saved in the embedded Den",
    .text = "Values of secrets are no part of it. With --json also its owner and how it is shared.",
    .examples = show_examples,
    .words_min = 1,
    .words_max = 1,
    .run = show_one,
};

/* ---- remove ---- */

static int
remove_each(struct gh_cli *cli, struct gh_err *err)
{
    return gh_den_delete_each(cli, "resources", true, "Resource", "removed", err);
}

static const struct gh_example remove_examples[] = {
    {"gatehouse den resource remove /alice/concat", "and nobody loads it any more"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_resource_remove = {
    .name = "den resource remove",
    .synopsis = "ADDRESS...",
    .summary = "Remove what is saved in the embedded Den",
    .text = "With its grants, its history, and the value when it is a secret. What runs on a node "
            "goes on.",
    .examples = remove_examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .run = remove_each,
};
