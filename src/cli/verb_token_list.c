/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse token list - the tokens that this node gave out. */
#include <jansson.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/tokenask.h"
#include "cli/verbs.h"

static void
show(const json_t *tokens)
{
    static const char *const heads[] = {"ID", "USER", "ACCESS", "MODULE", "GOOD UNTIL"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 5);
    size_t i;
    json_t *token;

    json_array_foreach(tokens, i, token)
    {
        bool is_expired = json_is_true(json_object_get(token, "is_expired"));
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(token, "id"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(token, "user"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(token, "access"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(token, "module"));
        gh_table_addf(table, is_expired ? GH_STYLE_BAD : GH_STYLE_PLAIN, "%s%s",
                      gh_token_until(token), is_expired ? ", expired" : "");
    }
    gh_table_print(table);
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_token_ask(cli, "GET", GH_TOKENS_PATH, NULL, &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json)
        gh_out_json(json_object_get(answer, "tokens"));
    else
        show(json_object_get(answer, "tokens"));
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse token list", "whose tokens are good, for what and until when"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_token_list = {
    .name = "token list",
    .synopsis = "",
    .summary = "List the tokens that this node gave out",
    .text = "Never their texts, which the node does not have. The owner's own token (RH_TOKEN, "
            "~/.rh/config.yaml) is not among them. --json prints a list of objects.",
    .examples = examples,
    .run = run,
};
