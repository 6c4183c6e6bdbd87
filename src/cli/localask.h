/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/localask.h - for verbs that manage a daemon of this machine, by its control socket alone. */
#ifndef GH_CLI_LOCALASK_H
#define GH_CLI_LOCALASK_H

#include "cli/cli.h"

struct json_t;

/* Ask the local daemon METHOD PATH with BODY (or NULL); *ANSWER_OUT is a new reference, and no copy of the
 * answer's text stays in memory. WHAT ("tokens are given out") is not done over --url: GH_EXIT_USAGE says so.
 * Other errors as gh_client_fetch. */
int gh_local_ask(const struct gh_cli *cli, const char *what, const char *method, const char *path,
                 struct json_t *body, struct json_t **answer_out, struct gh_err *err) GH_MUST_USE;

#endif
