/* SPDX-License-Identifier: Apache-2.0 */
#include "den/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "den/resources.h"
#include "store/sql.h"
#include "den/uri.h"

/* ---- in memory ---- */

static struct gh_den_grant *
find(const struct gh_den_resource *resource, int64_t user_id)
{
    struct gh_den_grant *grant;

    HASH_FIND(hh, resource->grants, &user_id, sizeof user_id, grant);
    return grant;
}

static void
set(struct gh_den_resource *resource, struct gh_den_user *user, enum gh_level level)
{
    struct gh_den_grant *grant = find(resource, user->id);

    if (!grant && level != GH_LEVEL_NONE) {
        grant = gh_alloc(sizeof *grant);
        grant->user_id = user->id;
        grant->user = user;
        HASH_ADD(hh, resource->grants, user_id, sizeof grant->user_id, grant);
    }
    if (grant)
        grant->level = level;
    if (grant && level == GH_LEVEL_NONE) {
        HASH_DEL(resource->grants, grant);
        free(grant);
    }
}

void
gh_den_grants_done(struct gh_den_resource *resource)
{
    struct gh_den_grant *grant, *next;

    HASH_ITER(hh, resource->grants, grant, next)
    {
        HASH_DEL(resource->grants, grant);
        free(grant);
    }
}

int
gh_den_grants_load(struct gh_den *den, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows =
        gh_sql_query(den->db, err, "SELECT resource_id, user_id, level FROM access", "");

    while (gh_sql_next(&rows, &rc, err)) {
        int64_t id = sqlite3_column_int64(rows, 0);
        struct gh_den_user *user = gh_den_user_by_id(den, sqlite3_column_int64(rows, 1));
        int level = sqlite3_column_int(rows, 2);
        struct gh_den_resource *resource;

        HASH_FIND(by_id, den->resources_by_id, &id, sizeof id, resource);
        if (resource && user && level >= GH_LEVEL_READ && level <= GH_LEVEL_WRITE)
            set(resource, user, (enum gh_level)level);
    }
    return rc;
}

/* ---- what follows ---- */

bool
gh_den_owns(const struct gh_den_user *user, struct gh_slice uri)
{
    struct gh_slice folder = gh_den_uri_folder(uri);
    return strlen(user->name) == folder.len && memcmp(user->name, folder.bytes, folder.len) == 0;
}

enum gh_level
gh_den_level(const struct gh_den *den, const struct gh_den_user *user, struct gh_slice uri)
{
    const struct gh_den_resource *resource = gh_den_resource_find(den, uri);

    if (gh_den_owns(user, uri))
        return GH_LEVEL_WRITE;
    if (!resource)
        return GH_LEVEL_NONE;
    const struct gh_den_grant *grant = find(resource, user->id);
    if (grant)
        return grant->level;
    return resource->is_public ? GH_LEVEL_READ : GH_LEVEL_NONE;
}

/* ---- changes ---- */

static int
write_one(struct gh_den *den, const struct gh_den_resource *resource,
          const struct gh_den_user *user, enum gh_level level, bool is_notified, struct gh_err *err)
{
    if (level == GH_LEVEL_NONE)
        return gh_sql_run(den->db, err, "DELETE FROM access WHERE resource_id = ? AND user_id = ?",
                          "ii", resource->id, user->id);
    return gh_sql_run(den->db, err,
                      "INSERT INTO access (resource_id, user_id, level, notified)"
                      " VALUES (?, ?, ?, ?) ON CONFLICT (resource_id, user_id)"
                      " DO UPDATE SET level = excluded.level, notified = excluded.notified",
                      "iiii", resource->id, user->id, (int64_t)level, (int64_t)is_notified);
}

int
gh_den_grant(struct gh_den *den, struct gh_den_resource *resource, struct gh_den_user *const *users,
             size_t count, enum gh_level level, bool is_notified, struct gh_err *err)
{
    size_t added = 0;

    for (size_t i = 0; i < count; i++)
        added += users[i] != resource->owner && !find(resource, users[i]->id);
    if (level != GH_LEVEL_NONE && HASH_COUNT(resource->grants) + added > GH_DEN_GRANTS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "a resource can be shared with %u users at most",
                          GH_DEN_GRANTS_MAX);
    int rc = gh_sql_begin(den->db, err);
    for (size_t i = 0; rc == GH_OK && i < count; i++)
        if (users[i] != resource->owner)
            rc = write_one(den, resource, users[i], level, is_notified, err);
    rc = gh_sql_end(den->db, rc, err);
    if (rc != GH_OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (users[i] != resource->owner)
            set(resource, users[i], level);
    return GH_OK;
}

int
gh_den_revoke_all(struct gh_den *den, struct gh_den_resource *resource, struct gh_err *err)
{
    int rc =
        gh_sql_run(den->db, err, "DELETE FROM access WHERE resource_id = ?", "i", resource->id);

    if (rc != GH_OK)
        return rc;
    gh_den_grants_done(resource);
    return GH_OK;
}
