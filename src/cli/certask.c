/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certask.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"

int
gh_cert_ask(const struct gh_cli *cli, json_t **list_out, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    if (gh_cli_has(cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "%s: asks the daemon of this machine; what another one shows is seen by "
                          "openssl s_client -connect HOST:PORT",
                          cli->verb->name);
    gh_buf_add_text(&path, "/_gatehouse/v1/certs");
    if (cli->word_count > 0) {
        gh_buf_add_text(&path, "?name=");
        gh_client_quote(&path, cli->words[0]);
    }
    int rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_get(client, gh_buf_text(&path), &answer, err);
    if (rc != GH_EXIT_OK)
        return gh_err_add(err, "%s", cli->verb->name);
    json_t *list = json_object_get(answer, "certificates");
    if (json_array_size(list) == 0)
        return gh_err_set(err, GH_EXIT_NOT_FOUND,
                          "%s: no port of this daemon speaks HTTPS; start it with --use-https",
                          cli->verb->name);
    *list_out = json_incref(list);
    return GH_EXIT_OK;
}
