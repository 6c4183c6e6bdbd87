/* SPDX-License-Identifier: Apache-2.0
 *
 * store/sql.h - statements of an SQLite file in one line each. TYPES has a letter for each argument behind it:
 *
 *     i  int64_t                      t  const char *, NULL for null
 *     s  const struct gh_slice *      d  const struct gh_digest *, NULL for null
 *
 * Errors are GH_E_SYSTEM: the name of the file, and SQLite's own words. */
#ifndef GH_STORE_SQL_H
#define GH_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/digest.h"

/* Run one statement that gives no rows. */
int gh_sql_run(sqlite3 *db, struct gh_err *err, const char *sql, const char *types, ...)
    GH_MUST_USE;

/* Run SQL, several statements without arguments. */
int gh_sql_exec(sqlite3 *db, const char *sql, struct gh_err *err) GH_MUST_USE;

/* Begin a query, for gh_sql_next. NULL: ERR says why. */
sqlite3_stmt *gh_sql_query(sqlite3 *db, struct gh_err *err, const char *sql, const char *types,
                           ...);

/* Is there a next row? At the end, or on an error, ROWS is let go of and NULL, and *RC_OUT tells which. */
bool gh_sql_next(sqlite3_stmt **rows, int *rc_out, struct gh_err *err);

/* Let go of ROWS before its end. For GH_SCOPED. */
void gh_sql_drop(sqlite3_stmt **rows);

/* Append the text in COLUMN to OUT. */
void gh_sql_add_text(sqlite3_stmt *rows, int column, struct gh_buf *out);

/* A copy of the text in COLUMN, or NULL. */
char *gh_sql_text(sqlite3_stmt *rows, int column);

/* Take the digest in COLUMN. Returns false when it is none. */
bool gh_sql_digest(sqlite3_stmt *rows, int column, struct gh_digest *digest_out);

/* Several changes as one: all of them, when RC says that each went well, or none. Returns RC, or why the
 * whole could not be written. */
int gh_sql_begin(sqlite3 *db, struct gh_err *err) GH_MUST_USE;
int gh_sql_end(sqlite3 *db, int rc, struct gh_err *err) GH_MUST_USE;

#endif
