/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/localask.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"

int
gh_local_ask(const struct gh_cli *cli, const char *what, const char *method, const char *path,
             json_t *body, json_t **answer_out, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (gh_cli_has(cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "%s: %s on the node itself, by its control socket; run it there, without "
                          "--url",
                          cli->verb->name, what);
    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_fetch(client, method, path, body, &text, err);
    if (rc != GH_EXIT_OK)
        return gh_err_add(err, "%s", cli->verb->name);
    *answer_out = json_loadb((const char *)text.bytes, text.len, 0, NULL);
    if (!*answer_out) /* integers of any length may be in what others saved */
        *answer_out = json_loadb((const char *)text.bytes, text.len, JSON_DECODE_INT_AS_REAL, NULL);
    explicit_bzero(text.bytes, text.len);
    if (!*answer_out)
        return gh_err_set(err, GH_EXIT_FAILED, "%s: %s answers with no JSON; is it a gatehouse?",
                          cli->verb->name, gh_client_place(client));
    return GH_EXIT_OK;
}
