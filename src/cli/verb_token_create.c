/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse token create - a token for somebody; its text is shown once. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/tokenask.h"
#include "cli/verbs.h"

static int
take_options(const struct gh_cli *cli, json_t *body, struct gh_err *err)
{
    const char *user = gh_cli_value(cli, "--user", NULL);
    const char *access = gh_cli_value(cli, "--access", NULL);
    const char *module = gh_cli_value(cli, "--module", NULL);

    if (!user)
        return gh_err_set(err, GH_EXIT_USAGE, "token create: --user is needed: whose is it?");
    if (!access || (strcmp(access, "read") != 0 && strcmp(access, "write") != 0))
        return gh_err_set(err, GH_EXIT_USAGE, "token create: --access must be read or write");
    json_object_set_new(body, "user", json_string(user));
    json_object_set_new(body, "access", json_string(access));
    if (module)
        json_object_set_new(body, "module", json_string(module));
    return gh_token_expiry(cli, body, err);
}

/* The token alone goes to standard output, so that it can be sent into a file. */
static void
show(json_t *token)
{
    const char *module = gh_facts_text(token, "module");

    fprintf(stderr, "Token %.0f for %s: %s%s%s, good until %s. It is shown this once.\n",
            gh_facts_number(token, "id"), gh_facts_text(token, "user"),
            gh_facts_text(token, "access"), module ? " on " : "", module ? module : "",
            gh_token_until(token));
    puts(gh_facts_text(token, "token"));
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    json_t *body GH_SCOPED(gh_json_drop) = json_object();
    json_t *token GH_SCOPED(gh_json_drop) = NULL;

    int rc = take_options(cli, body, err);
    if (rc == GH_EXIT_OK)
        rc = gh_token_ask(cli, "POST", GH_TOKENS_PATH, body, &token, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json)
        gh_out_json(token);
    else
        show(token);
    return GH_EXIT_OK;
}

static const struct gh_option options[] = {
    {"--user", "-u", "NAME", "whose it is, as logs and the code of calls will see it"},
    {"--access", "-a", "LEVEL", "read: call and look; write: also files of the node"},
    {"--module", "-m", "MODULE", "good for this module alone; else for the whole node"},
    GH_TOKEN_EXPIRES_OPTION,
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse token create --user ann --access write > ann.token", "for the whole node"},
    {"gatehouse token create -u shop -a read -m tax -e 30d", "to call one module, for a month"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_token_create = {
    .name = "token create",
    .synopsis = "",
    .summary = "Make a token for somebody",
    .text =
        "Callers send it as 'Authorization: Bearer TOKEN' while the node checks callers "
        "(use_den_auth); 'gatehouse call --url' takes it from a file. The node keeps its digest "
        "alone, so a lost token cannot be shown again: revoke it and make another. read on the "
        "node is enough to call everything and to run commands; --module makes a token for those "
        "who shall only call.",
    .options = options,
    .examples = examples,
    .run = run,
};
