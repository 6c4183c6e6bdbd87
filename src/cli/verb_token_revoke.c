/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse token revoke - tokens that are good no more. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"
#include "cli/out.h"
#include "cli/tokenask.h"
#include "cli/verbs.h"

static int
revoke(const struct gh_cli *cli, const char *id, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    if (!*id || strspn(id, "0123456789") != strlen(id))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "token revoke: '%s' is no number of a token; 'gatehouse token list' has "
                          "them",
                          id);
    gh_buf_addf(&path, "%s/%s", GH_TOKENS_PATH, id);
    int rc = gh_token_ask(cli, "DELETE", gh_buf_text(&path), NULL, &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json)
        gh_out_json(answer);
    else
        printf("Token %s is revoked.\n", id);
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    int rc = GH_EXIT_OK;

    for (size_t i = 0; rc == GH_EXIT_OK && i < cli->word_count; i++)
        rc = revoke(cli, cli->words[i], err);
    return rc;
}

static const struct gh_example examples[] = {
    {"gatehouse token revoke 3", "from now on, also on connections that are open"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_token_revoke = {
    .name = "token revoke",
    .synopsis = "ID...",
    .summary = "Make tokens worthless",
    .text = "At once, also on connections that are open; calls that were let in run to their end.",
    .examples = examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .run = run,
};
