/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/completion.h - the script that completes `gatehouse` in bash, out of the table of verbs. Names of
 * modules, processes and runs it asks of the daemon, by the hidden verb `names`.
 * `gatehouse --print-completion` writes it. */
#ifndef GH_CLI_COMPLETION_H
#define GH_CLI_COMPLETION_H

#include "base/buf.h"

void gh_completion_add(struct gh_buf *out);

#endif
