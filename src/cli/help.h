/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/help.h - the table of verbs as people read it. */
#ifndef GH_CLI_HELP_H
#define GH_CLI_HELP_H

#include "base/buf.h"
#include "cli/cli.h"

struct gh_exit_row {
    int status; /* -1 ends the list */
    const char *meaning;
};

extern const struct gh_exit_row gh_exit_rows[];

/* Append what `gatehouse VERB --help` prints. */
void gh_help_add(struct gh_buf *out, const struct gh_verb *verb);

/* Append what `gatehouse --help` prints; or, of those verbs that begin with the words GROUP, what
 * `gatehouse GROUP --help` does. */
void gh_help_add_all(struct gh_buf *out, const char *group);

#endif
