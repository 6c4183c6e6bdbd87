/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/shim.h - the commands `runhouse` and `ray` that the client of the protocol runs on a node.
 *
 * They are symbolic links to the program gatehouse, which does what argv[0] names: no interpreter is
 * started, an upgrade renews them, whose they are shows in the link, and the program finds its
 * gatehoused by /proc/self/exe however it was called. Source: docs/ssh.md. */
#ifndef GH_CLI_SHIM_H
#define GH_CLI_SHIM_H

#include <stdbool.h>

#include "cli/cli.h"

/* The main of the shim that ARGV0 names ("/usr/local/bin/ray"), NULL when it names none. */
typedef int gh_shim_main(int argc, char **argv);
gh_shim_main *gh_shim_find(const char *argv0);

int gh_runhouse_main(int argc, char **argv); /* runhouse.c */
int gh_ray_main(int argc, char **argv);      /* ray.c */

/* Is there a link at PATH that `shim install` made (also one that leads nowhere any more)? */
bool gh_shim_is_ours(const char *path);

/* Where they are put when nothing else is said: /usr/local/bin for root, else ~/.local/bin. The caller
 * frees it. */
char *gh_shim_default_dir(void);

/* Print "NAME: why" of ERR, or of a warning, as the shims do; returns STATUS. */
int gh_shim_say(const char *name, int status, const struct gh_err *err);

#endif
