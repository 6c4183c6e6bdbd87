/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/clusterfile.h - what ~/.rh/cluster_config.json says beside the settings that conf/ takes from it. */
#ifndef GH_CLI_CLUSTERFILE_H
#define GH_CLI_CLUSTERFILE_H

#include "base/words.h"
#include "cli/cli.h"

/* Append what follows from the file beside its settings: a server that clients reach directly ("none",
 * "tls", "docker") listens on all addresses unless HOST was given (NULL: it was not) or the file has one, and a
 * container's network is as open as "none" says. */
void gh_clusterfile_options(const char *host, struct gh_words *options);

/* The value of the member NAME as text, "" when there is none. The caller frees it. */
char *gh_clusterfile_text(const char *name);

#endif
