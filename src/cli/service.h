/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/service.h - what is done to a daemon that systemd runs, by asking systemd: it would start again what ends
 * otherwise than it wants, and what we started instead would be none of its. */
#ifndef GH_CLI_SERVICE_H
#define GH_CLI_SERVICE_H

#include <stdint.h>

#include "base/err.h"
#include "base/unit.h"

/* systemctl VERB (stop, restart) of UNIT, and wait for it. Errors: GH_EXIT_NOT_ALLOWED, GH_EXIT_TIMED_OUT (the job
 * goes on), GH_EXIT_FAILED; ERR has systemctl's words and the command. */
int gh_service_ask(const struct gh_unit *unit, const char *verb, uint64_t timeout_ms,
                   struct gh_err *err) GH_MUST_USE;

#endif
