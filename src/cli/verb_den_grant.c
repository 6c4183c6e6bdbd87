/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse den grant list, add, revoke - who may use what others saved in the embedded Den. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"
#include "cli/denverb.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

/* ---- list ---- */

static void
show(const json_t *grants)
{
    static const char *const heads[] = {"RESOURCE", "USER", "ACCESS"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 3);
    size_t i;
    json_t *grant;

    json_array_foreach(grants, i, grant)
    {
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(grant, "resource"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(grant, "user"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(grant, "access"));
    }
    gh_table_print(table);
}

static int
list(struct gh_cli *cli, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_den_request(cli, "GET", "grants", NULL, &answer, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, answer, "grants"))
        show(json_object_get(answer, "grants"));
    return rc;
}

static const struct gh_example list_examples[] = {
    {"gatehouse den grant list", "who may use what of whom"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_grant_list = {
    .name = "den grant list",
    .synopsis = "",
    .summary = "List who may use what in the embedded Den",
    .text = "Owners are not among them: they may use what is in their folder. --json prints a list "
            "of objects.",
    .examples = list_examples,
    .run = list,
};

/* ---- add ---- */

static int
add(struct gh_cli *cli, struct gh_err *err)
{
    const char *access = gh_cli_value(cli, "--access", "read");
    json_t *body GH_SCOPED(gh_json_drop) = json_pack("{s:s, s:s, s:s}", "resource", cli->words[0],
                                                     "user", cli->words[1], "access", access);
    json_t *grant GH_SCOPED(gh_json_drop) = NULL;

    if (strcmp(access, "read") != 0 && strcmp(access, "write") != 0)
        return gh_err_set(err, GH_EXIT_USAGE, "den grant add: --access must be read or write");
    int rc = gh_den_request(cli, "POST", "grants", body, &grant, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, grant, NULL))
        printf("%s may %s %s.\n", cli->words[1], access, cli->words[0]);
    return rc;
}

static const struct gh_option add_options[] = {
    {"--access", "-a", "LEVEL", "read: load and call, the default; write: also change and share"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example add_examples[] = {
    {"gatehouse den grant add /alice/concat bob", "as alice's own .share(\"bob\") does"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_grant_add = {
    .name = "den grant add",
    .synopsis = "ADDRESS USER",
    .summary = "Let a user use what another one saved",
    .text = "Read on a cluster is enough to run commands on its node; read on a function or module "
            "is enough to call that.",
    .options = add_options,
    .examples = add_examples,
    .words_min = 2,
    .words_max = 2,
    .run = add,
};

/* ---- revoke ---- */

static int
revoke(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    json_t *grant GH_SCOPED(gh_json_drop) = NULL;

    gh_buf_add_text(&path, "grants/");
    int rc = gh_den_add_address(cli, &path, cli->words[0], err);
    if (rc != GH_EXIT_OK)
        return rc;
    gh_buf_add_byte(&path, '/');
    gh_client_quote(&path, cli->words[1]);
    rc = gh_den_request(cli, "DELETE", gh_buf_text(&path), NULL, &grant, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, grant, NULL))
        printf("%s may not use %s any more.\n", cli->words[1], cli->words[0]);
    return rc;
}

static const struct gh_example revoke_examples[] = {
    {"gatehouse den grant revoke /alice/concat bob", "from bob's next call on"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_grant_revoke = {
    .name = "den grant revoke",
    .synopsis = "ADDRESS USER",
    .summary = "Let a user use it no more",
    .text = "At once; calls that were let in run to their end. What is public all users may read.",
    .examples = revoke_examples,
    .words_min = 2,
    .words_max = 2,
    .run = revoke,
};
