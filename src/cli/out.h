/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/out.h - what verbs print: JSON, aligned tables, quantities as people read them, and colours where
 * there is a terminal.
 *
 * Text of a node is shown without control characters, so that no name moves the cursor of whoever looks
 * at it. What calls print themselves is passed on as it is. */
#ifndef GH_CLI_OUT_H
#define GH_CLI_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct json_t;

enum gh_style { GH_STYLE_PLAIN, GH_STYLE_HEAD, GH_STYLE_GOOD, GH_STYLE_BAD, GH_STYLE_DIM };

/* May STREAM be coloured: a terminal that knows colours, and NO_COLOR is not set. Source: no-color.org. */
bool gh_out_has_colour(FILE *stream);

/* Print TEXT in STYLE to STREAM; plainly where it has no colours. */
void gh_out_text(FILE *stream, enum gh_style style, const char *text);

/* VALUE as one line of JSON on standard output. */
void gh_out_json(const struct json_t *value);

/* ---- tables ---- */

struct gh_table;

/* A table of COLUMN_COUNT columns; HEADS are borrowed. */
struct gh_table *gh_table_new(const char *const *heads, unsigned column_count);

/* The next cell, left to right and row after row; a NULL text is "-". */
void gh_table_add(struct gh_table *table, enum gh_style style, const char *text);
void gh_table_addf(struct gh_table *table, enum gh_style style, const char *format, ...)
    GH_PRINTF(3, 4);

/* To standard output, each column as wide as its widest cell, two blanks between. */
void gh_table_print(const struct gh_table *table);
void gh_table_free(struct gh_table **table_of);

/* ---- quantities ---- */

/* "512 B", "1.5 MiB" */
void gh_out_bytes(char *text, size_t size, double bytes);

/* "0.4 s", "12 s", "3 min", "5 h", "12 d" */
void gh_out_age(char *text, size_t size, double seconds);

#define GH_QUANTITY_MAX_BYTES 32 /* enough for either */

#endif
