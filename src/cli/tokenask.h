/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/tokenask.h - what the verbs about tokens share. */
#ifndef GH_CLI_TOKENASK_H
#define GH_CLI_TOKENASK_H

#include "cli/cli.h"

struct json_t;

#define GH_TOKENS_PATH "/_gatehouse/v1/tokens"

/* Ask the local daemon METHOD PATH with BODY (or NULL); *ANSWER_OUT is a new reference. A node reached by --url
 * gives no tokens out: GH_EXIT_USAGE says so. Other errors as gh_client_fetch. */
int gh_token_ask(const struct gh_cli *cli, const char *method, const char *path,
                 struct json_t *body, struct json_t **answer_out, struct gh_err *err) GH_MUST_USE;

#define GH_TOKEN_EXPIRES_OPTION                                                                    \
    {                                                                                              \
        "--expires", "-e", "WHEN",                                                                 \
            "how long it is good (30d, 12h, 90m, 2w) or until when (2027-01-31, "                  \
            "2027-01-31T18:00Z)"                                                                   \
    }

/* Put what --expires says into BODY. Errors: GH_EXIT_USAGE it is no time, or over. */
int gh_token_expiry(const struct gh_cli *cli, struct json_t *body, struct gh_err *err) GH_MUST_USE;

/* Until when TOKEN is good: "2027-01-31 18:00 UTC", "it is revoked"; in a static buffer. */
const char *gh_token_until(const struct json_t *token);

#endif
