/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/rows.h - the rows of GH_SETTINGS as data: how each is spelled, read, checked and shown.
 *
 * Whoever lists, documents or changes settings goes over gh_rows and has no names of its own. Pure
 * functions but for what they write into a struct gh_settings; any thread. */
#ifndef GH_CONF_ROWS_H
#define GH_CONF_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/settings.h"

enum gh_row_kind { GH_ROW_UINT, GH_ROW_TEXT, GH_ROW_FLAG };

struct gh_row {
    enum gh_row_kind kind;
    const char *name;   /* body_max_bytes */
    const char *preset; /* the default, as text */
    uint64_t lowest, highest;
    const char *unit; /* "ms", "N", "auto|text|json"; "" for flags */
    bool is_live;     /* may be changed while the daemon runs */
    const char *help;
    size_t offset; /* in struct gh_settings */
};

extern const struct gh_row gh_rows[GH_ROW_COUNT];

#define GH_ROW_SPELLING_BYTES 80u

/* What a value of ROW must be: "a number", "text", "true or false". */
const char *gh_row_takes(const struct gh_row *row);

/* NULL when there is none of that name. */
const struct gh_row *gh_row_find(const char *name);

/* "--body-max-bytes"; "GATEHOUSE_BODY_MAX_BYTES". */
void gh_row_flag(const struct gh_row *row, char out[GH_ROW_SPELLING_BYTES]);
void gh_row_variable(const struct gh_row *row, char out[GH_ROW_SPELLING_BYTES]);

/* Can TEXT be the value of ROW? Errors: GH_E_INPUT; ERR names the setting, the value, what may be. */
int gh_row_check(const struct gh_row *row, const char *text, struct gh_err *err) GH_MUST_USE;

/* Give ROW the value TEXT, which comes from SOURCE ("flag --port"). Errors as gh_row_check, and nothing
 * is changed. */
int gh_row_set(struct gh_settings *settings, const struct gh_row *row, const char *text,
               const char *source, struct gh_err *err) GH_MUST_USE;

/* The value of ROW as gh_row_set takes it; the caller frees it. */
char *gh_row_text(const struct gh_settings *settings, const struct gh_row *row)
    __attribute__((malloc, returns_nonnull));

/* Where that value comes from. Borrowed. */
const char *gh_row_source(const struct gh_settings *settings, const struct gh_row *row);

/* Let go of the value and its source. */
void gh_row_drop(struct gh_settings *settings, const struct gh_row *row);

#endif
