/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/confread.h - the configuration as gatehoused would read it, for verbs that need no daemon. */
#ifndef GH_CLI_CONFREAD_H
#define GH_CLI_CONFREAD_H

#include "cli/cli.h"
#include "conf/faults.h"

struct json_t;
struct gh_settings;

/* Fill SETTINGS as a gatehoused without flags would, but with --config FILE where FILE is not NULL;
 * to be let go of in any case. Returns GH_EXIT_OK; or GH_EXIT_CONFIG, and FAULTS says why. */
int gh_confread_load(struct gh_settings *settings, const char *file, struct gh_faults *faults)
    GH_MUST_USE;

/* Print FAULTS to standard error, a line each. */
void gh_confread_complain(const struct gh_faults *faults);

/* The same as JSON (conf/show.h), a new reference. Errors: GH_EXIT_CONFIG; the faults are printed. */
int gh_confread_show(struct json_t **config_out, struct gh_err *err) GH_MUST_USE;

#endif
