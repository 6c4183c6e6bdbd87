/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/change.h - settings that change while the daemon runs.
 *
 * A change is checked whole before any of it is made: either all of it holds afterwards, or nothing is
 * as it was not. It holds until the next reload or restart. Loop thread only. */
#ifndef GH_CONF_CHANGE_H
#define GH_CONF_CHANGE_H

#include <jansson.h>

#include "base/err.h"
#include "conf/faults.h"

struct gh_settings;

/* Make WANTED, a JSON object of names and values, hold. Each fault is added to FAULTS: what is no
 * setting, cannot be changed without a restart, or has a value that cannot be. Errors: GH_E_INPUT. */
int gh_change_apply(struct gh_settings *settings, const json_t *wanted, struct gh_faults *faults)
    GH_MUST_USE;

/* Look at all sources again, as gh_settings_load does, and make the settings that are live hold. What
 * would need a restart is logged as a warning. Errors: GH_E_INPUT, as gh_settings_load; nothing is
 * changed then. */
int gh_change_reload(struct gh_settings *settings, int argc, char **argv, struct gh_faults *faults)
    GH_MUST_USE;

/* Make log_level and log_format hold. */
void gh_change_apply_log(const struct gh_settings *settings);

#endif
