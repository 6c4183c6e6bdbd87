/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tokenask.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"

int
gh_token_ask(const struct gh_cli *cli, const char *method, const char *path, json_t *body,
             json_t **answer_out, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (gh_cli_has(cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "%s: tokens are given out on the node itself, by its control socket; run "
                          "it there, without --url",
                          cli->verb->name);
    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_fetch(client, method, path, body, &text, err);
    if (rc != GH_EXIT_OK)
        return gh_err_add(err, "%s", cli->verb->name);
    *answer_out = json_loadb((const char *)text.bytes, text.len, 0, NULL);
    explicit_bzero(text.bytes, text.len);
    if (!*answer_out)
        return gh_err_set(err, GH_EXIT_FAILED, "%s: %s answers with no JSON; is it a gatehouse?",
                          cli->verb->name, gh_client_place(client));
    return GH_EXIT_OK;
}

const char *
gh_token_until(const json_t *token)
{
    static char text[32];
    const json_t *expires = json_object_get(token, "expires_s");
    time_t at_s = (time_t)json_integer_value(expires);
    struct tm utc;

    if (!json_is_integer(expires))
        return "revoked";
    gmtime_r(&at_s, &utc);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
    return text;
}
