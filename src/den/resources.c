/* SPDX-License-Identifier: Apache-2.0 */
#include "den/resources.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "store/sql.h"
#include "den/uri.h"

/* ---- in memory ---- */

static void
add(struct gh_den *den, struct gh_den_resource *resource)
{
    HASH_ADD_KEYPTR(hh, den->resources, resource->uri, strlen(resource->uri), resource);
    HASH_ADD(by_id, den->resources_by_id, id, sizeof resource->id, resource);
    resource->owner->resource_count++;
}

static void
resource_free(struct gh_den_resource *resource)
{
    gh_den_grants_done(resource);
    free(resource->uri);
    free(resource->type);
    free(resource);
}

static void
forget(struct gh_den *den, struct gh_den_resource *resource)
{
    HASH_DEL(den->resources, resource);
    HASH_DELETE(by_id, den->resources_by_id, resource);
    resource->owner->resource_count--;
    resource_free(resource);
}

static void
take_row(struct gh_den *den, sqlite3_stmt *rows)
{
    struct gh_den_user *owner = gh_den_user_by_id(den, sqlite3_column_int64(rows, 2));

    if (!owner)
        return;
    struct gh_den_resource *resource = gh_alloc(sizeof *resource);
    resource->id = sqlite3_column_int64(rows, 0);
    resource->uri = gh_sql_text(rows, 1);
    resource->owner = owner;
    resource->type = gh_sql_text(rows, 3);
    resource->is_public = sqlite3_column_int(rows, 4) != 0;
    add(den, resource);
}

int
gh_den_resources_load(struct gh_den *den, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows = gh_sql_query(
        den->db, err, "SELECT id, uri, owner_id, type, is_public FROM resource ORDER BY id", "");

    while (gh_sql_next(&rows, &rc, err))
        take_row(den, rows);
    return rc;
}

void
gh_den_resources_done(struct gh_den *den)
{
    struct gh_den_resource *resource, *next;

    HASH_ITER(hh, den->resources, resource, next)
    {
        forget(den, resource);
    }
}

struct gh_den_resource *
gh_den_resource_find(const struct gh_den *den, struct gh_slice uri)
{
    struct gh_den_resource *resource;

    HASH_FIND(hh, den->resources, uri.bytes, uri.len, resource);
    return resource;
}

/* ---- saved ---- */

static int
is_same(struct gh_den *den, const struct gh_den_resource *resource,
        const struct gh_den_config *config, bool *is_same_out, struct gh_err *err)
{
    struct gh_buf there GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_den_resource_config(den, resource, &there, err);
    *is_same_out = there.len == config->text.len &&
                   (there.len == 0 || memcmp(there.bytes, config->text.bytes, there.len) == 0);
    return rc;
}

/* One more version, and the oldest ones gone. */
static int
keep_version(struct gh_den *den, int64_t id, const char *user, const struct gh_den_config *config,
             int64_t now_s, struct gh_err *err)
{
    int rc = gh_sql_run(den->db, err,
                        "INSERT INTO version (resource_id, user, at_s, config)"
                        " VALUES (?, ?, ?, ?)",
                        "itis", id, user, now_s, &config->text);
    if (rc != GH_OK)
        return rc;
    return gh_sql_run(den->db, err,
                      "DELETE FROM version WHERE resource_id = ? AND id NOT IN (SELECT id FROM"
                      " version WHERE resource_id = ? ORDER BY id DESC LIMIT ?)",
                      "iii", id, id, (int64_t)GH_DEN_HISTORY_MAX);
}

static int
update(struct gh_den *den, const struct gh_den_user *user, struct gh_den_resource *resource,
       const struct gh_den_config *config, struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);
    bool is_unchanged;

    int rc = is_same(den, resource, config, &is_unchanged, err);
    if (rc != GH_OK || is_unchanged)
        return rc;
    rc = gh_sql_begin(den->db, err);
    if (rc == GH_OK)
        rc = gh_sql_run(den->db, err,
                        "UPDATE resource SET type = ?, is_public = ?, config = ?, changed_s = ?"
                        " WHERE id = ?",
                        "sisii", &config->type, (int64_t)config->is_public, &config->text, now_s,
                        resource->id);
    if (rc == GH_OK)
        rc = keep_version(den, resource->id, user->name, config, now_s, err);
    rc = gh_sql_end(den->db, rc, err);
    if (rc != GH_OK)
        return rc;
    free(resource->type);
    resource->type = gh_strndup(config->type.bytes, config->type.len);
    resource->is_public = config->is_public;
    return GH_OK;
}

static int
insert(struct gh_den *den, const struct gh_den_user *user, struct gh_den_resource *resource,
       const struct gh_den_config *config, struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);

    int rc = gh_sql_begin(den->db, err);
    if (rc == GH_OK)
        rc = gh_sql_run(den->db, err,
                        "INSERT INTO resource (uri, owner_id, type, is_public, config, created_s,"
                        " changed_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                        "sisisii", &config->uri, resource->owner->id, &config->type,
                        (int64_t)config->is_public, &config->text, now_s, now_s);
    if (rc == GH_OK) {
        resource->id = sqlite3_last_insert_rowid(den->db);
        rc = keep_version(den, resource->id, user->name, config, now_s, err);
    }
    return gh_sql_end(den->db, rc, err);
}

static int
add_new(struct gh_den *den, const struct gh_den_user *user, const struct gh_den_config *config,
        struct gh_err *err)
{
    struct gh_slice folder = gh_den_uri_folder(config->uri);
    struct gh_den_user *owner;

    HASH_FIND(hh, den->users, folder.bytes, folder.len, owner);
    if (!owner)
        return gh_err_set(err, GH_E_INPUT, "the folder '%.*s' is no user's", (int)folder.len,
                          folder.bytes);
    if (owner->resource_count >= GH_DEN_RESOURCES_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "there are %u resources of %s already; delete some",
                          GH_DEN_RESOURCES_MAX, owner->name);
    struct gh_den_resource *resource = gh_alloc(sizeof *resource);
    resource->owner = owner;
    resource->uri = gh_strndup(config->uri.bytes, config->uri.len);
    resource->type = gh_strndup(config->type.bytes, config->type.len);
    resource->is_public = config->is_public;
    int rc = insert(den, user, resource, config, err);
    if (rc != GH_OK) {
        resource_free(resource);
        return rc;
    }
    add(den, resource);
    return GH_OK;
}

int
gh_den_resource_save(struct gh_den *den, const struct gh_den_user *user,
                     const struct gh_den_config *config, struct gh_err *err)
{
    struct gh_den_resource *resource = gh_den_resource_find(den, config->uri);
    return resource ? update(den, user, resource, config, err) : add_new(den, user, config, err);
}

int
gh_den_resource_delete(struct gh_den *den, struct gh_den_resource *resource, struct gh_err *err)
{
    int rc = gh_sql_run(den->db, err, "DELETE FROM resource WHERE id = ?", "i", resource->id);

    if (rc != GH_OK)
        return rc;
    forget(den, resource);
    return GH_OK;
}

/* ---- read ---- */

int
gh_den_resource_config(struct gh_den *den, const struct gh_den_resource *resource,
                       struct gh_buf *out, struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err, "SELECT config FROM resource WHERE id = ?", "i", resource->id);
    int rc;

    if (gh_sql_next(&rows, &rc, err))
        gh_sql_add_text(rows, 0, out);
    return rc;
}

void
gh_den_config_add(struct gh_buf *out, struct gh_slice config, const char *more)
{
    size_t end = config.len;

    while (end > 0 && config.bytes[end - 1] != '}')
        end--;
    gh_buf_add(out, config.bytes, end > 0 ? end - 1 : 0);
    gh_buf_addf(out, ",%s}", more);
}

int
gh_den_resource_history(struct gh_den *den, const struct gh_den_resource *resource, unsigned limit,
                        struct gh_buf *out, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows = gh_sql_query(den->db, err,
                                      "SELECT user, at_s, config FROM version"
                                      " WHERE resource_id = ? ORDER BY id DESC LIMIT ?",
                                      "ii", resource->id, (int64_t)limit);
    const char *between = "[";

    while (gh_sql_next(&rows, &rc, err)) {
        gh_buf_addf(out, "%s{\"user\":", between);
        gh_jsontext_quote(out, (const char *)sqlite3_column_text(rows, 0),
                          (size_t)sqlite3_column_bytes(rows, 0), GH_JSONTEXT_UTF8);
        gh_buf_addf(out, ",\"at_s\":%lld,\"config\":", (long long)sqlite3_column_int64(rows, 1));
        gh_sql_add_text(rows, 2, out);
        gh_buf_add_byte(out, '}');
        between = ",";
    }
    gh_buf_add_text(out, *between == '[' ? "[]" : "]");
    return rc;
}
