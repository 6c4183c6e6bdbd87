/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/paths.h - settings that name files, with commas between: ssl_certfile and its like. Wherever the daemon
 * was started, and wherever it works, they must mean the same. */
#ifndef GH_CONF_PATHS_H
#define GH_CONF_PATHS_H

#include <stdbool.h>

struct gh_row;
struct gh_settings;

/* Is the value of ROW such a list? */
bool gh_paths_in(const struct gh_row *row);

/* LIST with each file absolute: "~" is home, what is relative counts from FOLDER. The caller frees it. */
char *gh_paths_from(const char *list, const char *folder);

/* What flags and the environment gave counts from the folder that we were started in. What comes of a file is
 * absolute already. */
void gh_paths_settle(struct gh_settings *settings);

#endif
