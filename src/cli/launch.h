/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/launch.h - start a gatehoused in the background and learn whether it came up. */
#ifndef GH_CLI_LAUNCH_H
#define GH_CLI_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/words.h"
#include "cli/cli.h"

#define GH_LAUNCH_LOG_MAX_BYTES                                                                    \
    (16u << 20) /* a longer log is put aside, as LOG.1, before a start */

struct gh_launch {
    const struct gh_words *options; /* of gatehoused */
    const char *log_path;           /* its output is appended to this file; made, its folder too */
    uint64_t timeout_ms;            /* for it to say that it is ready */
};

struct gh_launched {
    unsigned port;
    pid_t pid;
};

/* Start the gatehoused beside this program in a session of its own, with our environment and in our
 * folder, and wait until it listens.
 *
 * Returns GH_EXIT_OK; else ERR has the daemon's own words, and the status tells by its exit status:
 * GH_EXIT_USAGE (64, 78), GH_EXIT_NOT_ALLOWED (77), GH_EXIT_FAILED; GH_EXIT_TIMED_OUT when it said
 * nothing in time. What failed does not run any more. */
int gh_launch(const struct gh_launch *launch, struct gh_launched *launched_out, struct gh_err *err)
    GH_MUST_USE;

/* Become that gatehoused: input, output and folder stay as they are. Returns only when that fails. */
int gh_launch_here(const struct gh_words *options, struct gh_err *err) GH_MUST_USE;

#endif
