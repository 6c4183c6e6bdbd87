/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/certask.h - what the verbs about certificates share. */
#ifndef GH_CLI_CERTASK_H
#define GH_CLI_CERTASK_H

#include "cli/cli.h"

struct json_t;

/* The certificates of the local daemon, by the words of CLI: the one that it shows for a name, or all, the
 * default first. *LIST_OUT is a new reference to an array that is not empty. Errors: GH_EXIT_NOT_FOUND no port speaks
 * HTTPS; GH_EXIT_USAGE another node's, by --url, are seen by connecting to it; else as gh_client_get. */
int gh_cert_ask(const struct gh_cli *cli, struct json_t **list_out, struct gh_err *err) GH_MUST_USE;

#endif
