/* SPDX-License-Identifier: Apache-2.0 */
#include "den/secrets.h"

#include "base/alloc.h"
#include "store/sql.h"

static int
check_room(struct gh_den *den, const struct gh_den_resource *resource, struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err,
                     "SELECT count(*) FROM secret JOIN resource ON id = resource_id"
                     " WHERE owner_id = ? AND id != ?",
                     "ii", resource->owner->id, resource->id);
    int rc;

    if (gh_sql_next(&rows, &rc, err) && sqlite3_column_int64(rows, 0) >= GH_DEN_SECRETS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "there are %u secrets of %s already; delete some",
                          GH_DEN_SECRETS_MAX, resource->owner->name);
    return rc;
}

int
gh_den_secret_put(struct gh_den *den, const struct gh_den_resource *resource,
                  struct gh_slice content, struct gh_err *err)
{
    int rc = check_room(den, resource, err);

    if (rc != GH_OK)
        return rc;
    return gh_sql_run(den->db, err,
                      "INSERT INTO secret (resource_id, content) VALUES (?, ?)"
                      " ON CONFLICT (resource_id) DO UPDATE SET content = excluded.content",
                      "is", resource->id, &content);
}

int
gh_den_secret_read(struct gh_den *den, const struct gh_den_resource *resource, struct gh_buf *out,
                   struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) = gh_sql_query(
        den->db, err, "SELECT content FROM secret WHERE resource_id = ?", "i", resource->id);
    int rc;

    if (gh_sql_next(&rows, &rc, err))
        gh_sql_add_text(rows, 0, out);
    return rc;
}

int
gh_den_secret_delete(struct gh_den *den, const struct gh_den_resource *resource, struct gh_err *err)
{
    return gh_sql_run(den->db, err, "DELETE FROM secret WHERE resource_id = ?", "i", resource->id);
}

int
gh_den_secrets_each(struct gh_den *den, const struct gh_den_user *user,
                    void (*fn)(void *context, const char *uri), void *context, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows = gh_sql_query(den->db, err,
                                      "SELECT uri FROM secret JOIN resource ON id = resource_id"
                                      " WHERE owner_id = ? ORDER BY uri",
                                      "i", user->id);

    while (gh_sql_next(&rows, &rc, err))
        fn(context, (const char *)sqlite3_column_text(rows, 0));
    return rc;
}
