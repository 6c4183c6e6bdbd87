/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse den user add, list, remove - whom the embedded Den knows. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/denverb.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

/* ---- add ---- */

static int
add(struct gh_cli *cli, struct gh_err *err)
{
    const char *email = gh_cli_value(cli, "--email", NULL);
    json_t *body GH_SCOPED(gh_json_drop) = json_pack("{s:s}", "name", cli->words[0]);
    json_t *user GH_SCOPED(gh_json_drop) = NULL;

    if (email)
        json_object_set_new(body, "email", json_string(email));
    int rc = gh_den_request(cli, "POST", "users", body, &user, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, user, NULL))
        printf("%s is a user. A token to log in with: gatehouse den token create %s\n",
               gh_facts_text(user, "name"), gh_facts_text(user, "name"));
    return rc;
}

static const struct gh_option add_options[] = {
    {"--email", "-E", "ADDRESS", "by which others may share with this user; no mail is sent"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example add_examples[] = {
    {"gatehouse den user add alice --email alice@example.org", "whose folder is /alice"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_user_add = {
    .name = "den user add",
    .synopsis = "NAME",
    .summary = "Add a user to the embedded Den",
    .text = "The name is also the folder of what the user saves: letters, digits, - and _, 64 at "
            "most.",
    .options = add_options,
    .examples = add_examples,
    .words_min = 1,
    .words_max = 1,
    .run = add,
};

/* ---- list ---- */

static void
show(const json_t *users)
{
    static const char *const heads[] = {"NAME", "EMAIL", "TOKENS", "RESOURCES"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    size_t i;
    json_t *user;

    json_array_foreach(users, i, user)
    {
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(user, "name"));
        gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(user, "email"));
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(user, "tokens"));
        gh_table_addf(table, GH_STYLE_PLAIN, "%.0f", gh_facts_number(user, "resources"));
    }
    gh_table_print(table);
}

static int
list(struct gh_cli *cli, struct gh_err *err)
{
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_den_request(cli, "GET", "users", NULL, &answer, err);
    if (rc == GH_EXIT_OK && !gh_den_is_shown(cli, answer, "users"))
        show(json_object_get(answer, "users"));
    return rc;
}

static const struct gh_example list_examples[] = {
    {"gatehouse den user list", "who they are, and how much they have"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_user_list = {
    .name = "den user list",
    .synopsis = "",
    .summary = "List the users of the embedded Den",
    .text = "--json prints a list of objects.",
    .examples = list_examples,
    .run = list,
};

/* ---- remove ---- */

static int
remove_each(struct gh_cli *cli, struct gh_err *err)
{
    return gh_den_delete_each(cli, "users", false, "User", "removed", err);
}

static const struct gh_example remove_examples[] = {
    {"gatehouse den user remove bob", "with all that was bob's"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_den_user_remove = {
    .name = "den user remove",
    .synopsis = "NAME...",
    .summary = "Remove users from the embedded Den",
    .text = "At once, with their tokens, their resources and secrets, and what others let them "
            "use. There is no way back.",
    .examples = remove_examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .run = remove_each,
};
