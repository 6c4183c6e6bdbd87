/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse den token create, list, revoke - what users of the embedded Den log in with. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/denverb.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/tokenask.h"
#include "cli/verbs.h"

/* ---- create ---- */

static int
create(struct gh_cli *cli, struct gh_err *err)
{
    json_t *body GH_SCOPED(gh_json_drop) = json_pack("{s:s}", "user", cli->words[0]);
    json_t *token GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_token_expiry(cli, body, err);
    if (rc == GH_EXIT_OK)
        rc = gh_den_request(cli, "POST", "tokens", body, &token, err);
    if (rc != GH_EXIT_OK || gh_den_is_shown(cli, token, NULL))
        return rc;
    fprintf(stderr, "Token %.0f of %s, good until %s. It is shown this once.\n",
            gh_facts_number(token, "id"), gh_facts_text(token, "user"), gh_token_until(token));
    puts(gh_facts_text(token, "token")); /* alone, so that it can be sent into a file */
    return rc;
}

static const struct gh_option create_options[] = {
    GH_TOKEN_EXPIRES_OPTION,
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example create_examples[] = {
    {"gatehouse den token create alice > alice.token", "to log in with: runhouse login"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_token_create = {
    .name = "den token create",
    .synopsis = "USER",
    .summary = "Make a token for a user of the embedded Den",
    .text =
        "The user logs in with it (runhouse login, or rh.login(token=...)), with API_SERVER_URL "
        "or api_server_url in ~/.rh/config.yaml being this node's URL. The Den keeps its digest "
        "alone, so a lost token cannot be shown again: revoke it and make another.",
    .options = create_options,
    .examples = create_examples,
    .words_min = 1,
    .words_max = 1,
    .run = create,
};

/* ---- list ---- */

static void
show(const json_t *tokens)
{
    static const char *const heads[] = {"ID", "USER", "FOR", "GOOD UNTIL"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    size_t i;
    json_t *token;

    json_array_foreach(tokens, i, token)
    {
        bool is_expired = json_is_true(json_object_get(token, "is_expired"));
        const char *folder = gh_facts_text(token, "folder");
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(token, "id"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(token, "user"));
        gh_table_addf(table, GH_STYLE_PLAIN, folder ? "clusters in /%s" : "all", folder);
        gh_table_addf(table, is_expired ? GH_STYLE_BAD : GH_STYLE_PLAIN, "%s%s",
                      gh_token_until(token), is_expired ? ", expired" : "");
    }
    gh_table_print(table);
}

static int
list(struct gh_cli *cli, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_den_request(cli, "GET", "tokens", NULL, &answer, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, answer, "tokens"))
        show(json_object_get(answer, "tokens"));
    return rc;
}

static const struct gh_example list_examples[] = {
    {"gatehouse den token list", "whose they are and what they are for"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_token_list = {
    .name = "den token list",
    .synopsis = "",
    .summary = "List the tokens that the embedded Den knows",
    .text = "Never their texts, which the Den does not have. Those for clusters were asked for by "
            "the client, to show them to nodes in place of the user's own. --json prints a list of "
            "objects.",
    .examples = list_examples,
    .run = list,
};

/* ---- revoke ---- */

static int
revoke(struct gh_cli *cli, struct gh_err *err)
{
    return gh_den_delete_each(cli, "tokens", false, "Token", "revoked", err);
}

static const struct gh_example revoke_examples[] = {
    {"gatehouse den token revoke 3", "and the tokens for clusters that were made of it"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_token_revoke = {
    .name = "den token revoke",
    .synopsis = "ID...",
    .summary = "Make tokens of the embedded Den worthless",
    .text = "At once. With a user's own go the tokens for clusters that the client made of it; of "
            "these, revoked alone, the client gets another one when it asks again.",
    .examples = revoke_examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .run = revoke,
};
