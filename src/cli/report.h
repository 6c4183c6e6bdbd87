/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/report.h - what is said of a daemon that was brought up or down: by up, stop and restart alike. */
#ifndef GH_CLI_REPORT_H
#define GH_CLI_REPORT_H

#include "cli/bringup.h"

/* On standard output, as text or, with --json, as one object. */
void gh_report_brought(const struct gh_cli *cli, const struct gh_brought *brought);
void gh_report_stopped(const struct gh_cli *cli, pid_t pid);

#endif
