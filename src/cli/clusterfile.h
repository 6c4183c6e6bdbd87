/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/clusterfile.h - what ~/.rh/cluster_config.json says about the address to listen on.
 *
 * The client writes it before each start: server_connection_type "ssh" comes through a tunnel to
 * loopback, "none" and "docker" come to server_host as they are, "tls" speaks HTTPS. */
#ifndef GH_CLI_CLUSTERFILE_H
#define GH_CLI_CLUSTERFILE_H

#include "base/words.h"
#include "cli/cli.h"

/* GH_EXIT_USAGE for a server_connection_type that this version does not serve: "tls". */
int gh_clusterfile_check(struct gh_err *err) GH_MUST_USE;

/* Append the options of gatehoused that follow from the file: --host, --insecure, --port. HOST and PORT
 * were given on the command line and win; NULL when they were not. A missing file adds nothing, and
 * neither does a broken one: gatehoused reads it too, and refuses it in words of its own. */
void gh_clusterfile_options(const char *host, const char *port, struct gh_words *options);

/* The value of the member NAME as text, "" when there is none. The caller frees it. */
char *gh_clusterfile_text(const char *name);

#endif
