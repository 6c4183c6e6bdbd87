/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/commandline.h - the options of gatehoused. */
#ifndef GH_CONF_COMMANDLINE_H
#define GH_CONF_COMMANDLINE_H

#include <stddef.h>

#include "base/err.h"
#include "conf/settings.h"

struct gh_row;

/* One option as it was given. */
struct gh_option {
    const struct gh_row *row; /* NULL for --module */
    const char *value;        /* borrowed from the arguments */
};

struct gh_commandline {
    struct gh_option *options; /* in order */
    size_t count;
};

/* Part the arguments into options; no value is looked at yet. --help and --version are done at once.
 * Returns GH_SETTINGS_RUN, DONE, or USAGE with one fault. */
enum gh_settings_result gh_commandline_read(struct gh_commandline *line, int argc, char **argv,
                                            struct gh_faults *faults) GH_MUST_USE;
void gh_commandline_done(struct gh_commandline *line);

/* The value that ROW is given last, or NULL. */
const char *gh_commandline_value(const struct gh_commandline *line, const struct gh_row *row);

/* Put the options into SETTINGS. Returns GH_OK; or GH_E_INPUT, with one fault. */
int gh_commandline_apply(const struct gh_commandline *line, struct gh_settings *settings,
                         struct gh_faults *faults) GH_MUST_USE;

#endif
