/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/capture.h - run a program and take what it says. */
#ifndef GH_CLI_CAPTURE_H
#define GH_CLI_CAPTURE_H

#include "base/buf.h"

/* Run ARGV (a name without a slash is looked for on PATH; NULL at the end) with nothing to read, in a
 * session of its own, and append both its outputs to OUT. What still runs after TIMEOUT_MS, or says more
 * than 64 KiB, is killed.
 * Returns its exit status; 127 when there is no such program; -1 when it was killed. */
int gh_capture(const char *const *argv, unsigned timeout_ms, struct gh_buf *out);

#endif
