/* SPDX-License-Identifier: Apache-2.0 */
#include "den/posts.h"

#include <time.h>

#include "base/alloc.h"
#include "store/sql.h"

/* Reports come often, from each node, and are soon replaced by others: they are written without waiting for the
 * disk, which would hold the loop. They outlive the daemon all the same; should the machine go down, those since
 * the last change of another kind may be gone, and nothing else. Source: sqlite.org/pragma.html#pragma_synchronous,
 * on NORMAL in WAL mode. */
static int
begin_report(struct gh_den *den, struct gh_err *err)
{
    int rc = gh_sql_exec(den->db, "PRAGMA synchronous = NORMAL", err);
    return rc == GH_OK ? gh_sql_begin(den->db, err) : rc;
}

/* Returns RC, or why the whole could not be written. All else is synced from here on again. */
static int
end_report(struct gh_den *den, int rc, struct gh_err *err)
{
    struct gh_err second;

    rc = gh_sql_end(den->db, rc, err);
    int full_rc = gh_sql_exec(den->db, "PRAGMA synchronous = FULL", &second);
    if (rc != GH_OK || full_rc == GH_OK)
        return rc;
    *err = second;
    return full_rc;
}

int
gh_den_status_post(struct gh_den *den, const struct gh_den_resource *resource,
                   struct gh_slice status, struct gh_slice state, struct gh_err *err)
{
    int rc = begin_report(den, err);
    if (rc == GH_OK)
        rc = gh_sql_run(den->db, err,
                        "UPDATE resource SET status = ?, state = ?, status_s = ? WHERE id = ?",
                        "ssii", &status, &state, (int64_t)time(NULL), resource->id);
    return end_report(den, rc, err);
}

int
gh_den_status_read(struct gh_den *den, const struct gh_den_resource *resource, struct gh_buf *out,
                   struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err, "SELECT status FROM resource WHERE id = ?", "i", resource->id);
    int rc;

    if (gh_sql_next(&rows, &rc, err))
        gh_sql_add_text(rows, 0, out);
    return rc;
}

/* The end of TEXT, from the begin of a line where there is one. */
static struct gh_slice
last_of(struct gh_slice text)
{
    if (text.len <= GH_DEN_LOGS_MAX_BYTES)
        return text;
    size_t from = text.len - GH_DEN_LOGS_MAX_BYTES;
    for (size_t i = from; i < text.len; i++)
        if (text.bytes[i] == '\n' && i + 1 < text.len) {
            from = i + 1;
            break;
        }
    return (struct gh_slice){text.bytes + from, text.len - from};
}

/* Delete the oldest posts of RESOURCE, as many as are too much. */
static int
drop_oldest(struct gh_den *den, const struct gh_den_resource *resource, struct gh_err *err)
{
    return gh_sql_run(den->db, err,
                      "DELETE FROM log WHERE resource_id = ?1 AND id IN (SELECT id FROM (SELECT id,"
                      " sum(length(CAST(lines AS BLOB))) OVER newest AS bytes,"
                      " row_number() OVER newest AS place FROM log WHERE resource_id = ?1"
                      " WINDOW newest AS (ORDER BY id DESC)) WHERE bytes > ?2 OR place > ?3)",
                      "iii", resource->id, (int64_t)GH_DEN_LOGS_MAX_BYTES,
                      (int64_t)GH_DEN_LOGS_MAX_COUNT);
}

int
gh_den_logs_post(struct gh_den *den, const struct gh_den_resource *resource,
                 const struct gh_den_lines *lines, struct gh_err *err)
{
    struct gh_slice kept = last_of(lines->text);

    int rc = begin_report(den, err);
    if (rc == GH_OK)
        rc =
            gh_sql_run(den->db, err,
                       "INSERT INTO log (resource_id, at_s, file_name, start_line, end_line, lines)"
                       " VALUES (?, ?, ?, ?, ?, ?)",
                       "iisiis", resource->id, (int64_t)time(NULL), &lines->file_name,
                       lines->start_line, lines->end_line, &kept);
    if (rc == GH_OK)
        rc = drop_oldest(den, resource, err);
    return end_report(den, rc, err);
}

int
gh_den_logs_read(struct gh_den *den, const struct gh_den_resource *resource, int64_t since_s,
                 struct gh_buf *out, bool *is_any_out, struct gh_err *err)
{
    int64_t from_s = since_s > 0 ? (int64_t)time(NULL) - since_s : 0;
    int rc;
    sqlite3_stmt *rows =
        gh_sql_query(den->db, err, "SELECT at_s, lines FROM log WHERE resource_id = ? ORDER BY id",
                     "i", resource->id);

    *is_any_out = false;
    while (gh_sql_next(&rows, &rc, err)) {
        *is_any_out = true;
        if (sqlite3_column_int64(rows, 0) >= from_s)
            gh_sql_add_text(rows, 1, out);
    }
    return rc;
}
