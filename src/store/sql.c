/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

static int
fail(sqlite3 *db, struct gh_err *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    const char *slash = path ? strrchr(path, '/') : NULL;

    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", slash ? slash + 1 : "?", sqlite3_errmsg(db));
}

static void
bind_slice(sqlite3_stmt *statement, int column, const struct gh_slice *text)
{
    sqlite3_bind_text(statement, column, text->bytes ? text->bytes : "", (int)text->len,
                      SQLITE_STATIC);
}

/* What is bound is borrowed until the statement is let go of. */
static void
bind_all(sqlite3_stmt *statement, const char *types, va_list args)
{
    for (int column = 1; *types; types++, column++) {
        const struct gh_digest *digest;
        switch (*types) {
        case 'i':
            sqlite3_bind_int64(statement, column, va_arg(args, int64_t));
            break;
        case 't':
            sqlite3_bind_text(statement, column, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 's':
            bind_slice(statement, column, va_arg(args, const struct gh_slice *));
            break;
        case 'd':
            digest = va_arg(args, const struct gh_digest *);
            sqlite3_bind_blob(statement, column, digest ? digest->bytes : NULL, GH_DIGEST_BYTES,
                              SQLITE_STATIC);
            break;
        default:
            assert(!"a letter of sql.h");
        }
    }
}

int
gh_sql_run(sqlite3 *db, struct gh_err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list args;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(db, err);
    va_start(args, types);
    bind_all(statement, types, args);
    va_end(args);
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    int rc = is_done ? GH_OK : fail(db, err);
    sqlite3_finalize(statement);
    return rc;
}

int
gh_sql_exec(sqlite3 *db, const char *sql, struct gh_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? GH_OK : fail(db, err);
}

sqlite3_stmt *
gh_sql_query(sqlite3 *db, struct gh_err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list args;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail(db, err);
        return NULL;
    }
    va_start(args, types);
    bind_all(statement, types, args);
    va_end(args);
    return statement;
}

bool
gh_sql_next(sqlite3_stmt **rows, int *rc_out, struct gh_err *err)
{
    if (!*rows) {
        *rc_out = GH_E_SYSTEM; /* the query could not begin; ERR has said why */
        return false;
    }
    int step = sqlite3_step(*rows);
    *rc_out = GH_OK;
    if (step == SQLITE_ROW)
        return true;
    if (step != SQLITE_DONE)
        *rc_out = fail(sqlite3_db_handle(*rows), err);
    gh_sql_drop(rows);
    return false;
}

void
gh_sql_drop(sqlite3_stmt **rows)
{
    sqlite3_finalize(*rows);
    *rows = NULL;
}

void
gh_sql_add_text(sqlite3_stmt *rows, int column, struct gh_buf *out)
{
    const unsigned char *text = sqlite3_column_text(rows, column);

    if (text)
        gh_buf_add(out, text, (size_t)sqlite3_column_bytes(rows, column));
}

char *
gh_sql_text(sqlite3_stmt *rows, int column)
{
    const char *text = (const char *)sqlite3_column_text(rows, column);
    return text ? gh_strdup(text) : NULL;
}

bool
gh_sql_digest(sqlite3_stmt *rows, int column, struct gh_digest *digest_out)
{
    if (sqlite3_column_bytes(rows, column) != GH_DIGEST_BYTES)
        return false;
    memcpy(digest_out->bytes, sqlite3_column_blob(rows, column), GH_DIGEST_BYTES);
    return true;
}

int
gh_sql_begin(sqlite3 *db, struct gh_err *err)
{
    return gh_sql_exec(db, "BEGIN IMMEDIATE", err);
}

int
gh_sql_end(sqlite3 *db, int rc, struct gh_err *err)
{
    if (rc == GH_OK)
        rc = gh_sql_exec(db, "COMMIT", err);
    if (rc != GH_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
