/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/faults.h - everything that is wrong with a configuration, for people to read in one go.
 *
 *     struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
 *     ... gh_faults_add(&faults, "%s:%u:%u: ...", file, line, column); ...
 *     for (size_t i = 0; i < faults.texts.count; i++)
 *         fprintf(stderr, "gatehoused: %s\n", faults.texts.list[i]);
 *
 * A zeroed struct gh_faults is empty and valid. Any thread. */
#ifndef GH_CONF_FAULTS_H
#define GH_CONF_FAULTS_H

#include <stdbool.h>

#include "base/words.h"

#define GH_FAULTS_MAX 20u /* more are counted only */

struct gh_faults {
    struct gh_words texts; /* a line each, without its end */
    size_t omitted;        /* behind these */
};

void gh_faults_add(struct gh_faults *faults, const char *format, ...) GH_PRINTF(2, 3);

/* How many there are, those omitted included. */
size_t gh_faults_count(const struct gh_faults *faults);

void gh_faults_done(struct gh_faults *faults);

#endif
