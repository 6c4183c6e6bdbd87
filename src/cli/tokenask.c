/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tokenask.h"

#include <jansson.h>
#include <time.h>

#include "cli/expiry.h"
#include "cli/localask.h"

int
gh_token_ask(const struct gh_cli *cli, const char *method, const char *path, json_t *body,
             json_t **answer_out, struct gh_err *err)
{
    return gh_local_ask(cli, "tokens are given out", method, path, body, answer_out, err);
}

int
gh_token_expiry(const struct gh_cli *cli, json_t *body, struct gh_err *err)
{
    const char *expires = gh_cli_value(cli, "--expires", NULL);
    int64_t at_s;

    if (!expires)
        return GH_EXIT_OK;
    int rc = gh_expiry_read(expires, (int64_t)time(NULL), &at_s, err);
    if (rc == GH_EXIT_OK)
        json_object_set_new(body, "expires_s", json_integer(at_s));
    return rc;
}

const char *
gh_token_until(const json_t *token)
{
    static char text[32];
    const json_t *expires = json_object_get(token, "expires_s");
    time_t at_s = (time_t)json_integer_value(expires);
    struct tm utc;

    if (!json_is_integer(expires))
        return "it is revoked";
    gmtime_r(&at_s, &utc);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
    return text;
}
