/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/denverb.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/localask.h"
#include "cli/out.h"

int
gh_den_request(const struct gh_cli *cli, const char *method, const char *path, json_t *body,
               json_t **answer_out, struct gh_err *err)
{
    char *whole GH_SCOPED(gh_free) = gh_asprintf("/_gatehouse/v1/den/%s", path);
    return gh_local_ask(cli, "a Den is managed", method, whole, body, answer_out, err);
}

int
gh_den_add_address(const struct gh_cli *cli, struct gh_buf *out, const char *word,
                   struct gh_err *err)
{
    char *uri GH_SCOPED(gh_free) = NULL;

    if (word[0] != '/' || !word[1] || strchr(word, ':'))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "%s: '%s' is no address of a resource, which is like /alice/fn",
                          cli->verb->name, word);
    uri = gh_strdup(word + 1);
    for (char *c = uri; *c; c++)
        *c = *c == '/' ? ':' : *c;
    gh_client_quote(out, uri);
    return GH_EXIT_OK;
}

static int
delete_one(const struct gh_cli *cli, const char *list, bool is_address, const char *word,
           json_t **answer_out, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    int rc = GH_EXIT_OK;

    if (!*word)
        return gh_err_set(err, GH_EXIT_USAGE, "%s: a word is empty", cli->verb->name);
    gh_buf_addf(&path, "%s/", list);
    if (is_address)
        rc = gh_den_add_address(cli, &path, word, err);
    else
        gh_client_quote(&path, word);
    return rc == GH_EXIT_OK
               ? gh_den_request(cli, "DELETE", gh_buf_text(&path), NULL, answer_out, err)
               : rc;
}

int
gh_den_delete_each(const struct gh_cli *cli, const char *list, bool is_address, const char *noun,
                   const char *done, struct gh_err *err)
{
    for (size_t i = 0; i < cli->word_count; i++) {
        json_t *answer GH_SCOPED(gh_json_drop) = NULL;
        int rc = delete_one(cli, list, is_address, cli->words[i], &answer, err);
        if (rc != GH_EXIT_OK)
            return rc;
        if (cli->is_json)
            gh_out_json(answer);
        else
            printf("%s %s is %s.\n", noun, cli->words[i], done);
    }
    return GH_EXIT_OK;
}

bool
gh_den_is_shown(const struct gh_cli *cli, const json_t *answer, const char *list)
{
    if (cli->is_json)
        gh_out_json(list ? json_object_get(answer, list) : answer);
    return cli->is_json;
}
