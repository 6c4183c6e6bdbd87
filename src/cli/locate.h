/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/locate.h - which daemon of this machine is meant: its control socket
 * (docs/decisions/0007-control-socket.md). */
#ifndef GH_CLI_LOCATE_H
#define GH_CLI_LOCATE_H

#include "cli/cli.h"

/* A connection to the socket at PATH, made with FLAGS of socket(2) (SOCK_NONBLOCK), or -1 with errno. */
int gh_locate_connect(const char *path, int flags);

#define GH_MACHINE_STATE_DIR "/var/lib/gatehouse" /* of gatehoused.service */

/* The path of the socket by --state-dir (else GATEHOUSE_STATE_DIR, else the default and then the machine's) and --port;
 * without a port the only daemon that answers in that folder. *PATH_OUT is the caller's to free.
 * Errors: GH_EXIT_NO_CONNECTION no daemon answers; GH_EXIT_USAGE several do (ERR lists their ports), or
 * --port is no number. */
int gh_locate(const struct gh_cli *cli, char **path_out, struct gh_err *err) GH_MUST_USE;

#endif
