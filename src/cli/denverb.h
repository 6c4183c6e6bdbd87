/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/denverb.h - what the verbs about the embedded Den share. */
#ifndef GH_CLI_DENVERB_H
#define GH_CLI_DENVERB_H

#include "base/buf.h"
#include "cli/cli.h"

struct json_t;

/* Ask the local daemon METHOD for PATH below /_gatehouse/v1/den ("users/alice"); as gh_local_ask. */
int gh_den_request(const struct gh_cli *cli, const char *method, const char *path,
                   struct json_t *body, struct json_t **answer_out, struct gh_err *err) GH_MUST_USE;

/* DELETE what each word of CLI names below LIST ("users"), an address where IS_ADDRESS says so. Tells "NOUN WORD
 * is DONE."; with --json the answers. */
int gh_den_delete_each(const struct gh_cli *cli, const char *list, bool is_address,
                       const char *noun, const char *done, struct gh_err *err) GH_MUST_USE;

/* Append WORD, an address like /alice/fn, as it stands in a path: "alice:fn".
 * Errors: GH_EXIT_USAGE it is none. */
int gh_den_add_address(const struct gh_cli *cli, struct gh_buf *out, const char *word,
                       struct gh_err *err) GH_MUST_USE;

/* With --json, print the member LIST of ANSWER (NULL: all of it). False: the verb shows it. */
bool gh_den_is_shown(const struct gh_cli *cli, const struct json_t *answer, const char *list);

#endif
