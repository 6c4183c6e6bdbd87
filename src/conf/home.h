/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/home.h - the home of the user the daemon runs as, and where it keeps its state. */
#ifndef GH_CONF_HOME_H
#define GH_CONF_HOME_H

/* HOME, else by the password file; "/" when there is neither. Borrowed. */
const char *gh_home(void);

/* PATH made absolute as the client means it: "~", "~/x" and relative paths are the home's. The
 * caller frees it. */
char *gh_home_path(const char *path);

/* SETTING when it is not empty, else what systemd made (STATE_DIRECTORY), else "gatehouse" in
 * XDG_STATE_HOME. The caller frees it. */
char *gh_state_dir_path(const char *setting);

/* The same, made when missing, its folders too; whether that worked shows when it is used. */
char *gh_state_dir(const char *setting);

#endif
