/* SPDX-License-Identifier: Apache-2.0 */
#include "den/users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "store/sql.h"
#include "den/uri.h"

/* ---- in memory ---- */

static void
add(struct gh_den *den, struct gh_den_user *user)
{
    HASH_ADD_KEYPTR(hh, den->users, user->name, strlen(user->name), user);
    HASH_ADD(by_id, den->users_by_id, id, sizeof user->id, user);
}

static void
user_free(struct gh_den_user *user)
{
    free(user->name);
    free(user->email);
    free(user);
}

static void
take_row(struct gh_den *den, sqlite3_stmt *rows)
{
    struct gh_den_user *user = gh_alloc(sizeof *user);

    user->id = sqlite3_column_int64(rows, 0);
    user->name = gh_sql_text(rows, 1);
    user->email = gh_sql_text(rows, 2);
    user->created_s = sqlite3_column_int64(rows, 3);
    add(den, user);
}

int
gh_den_users_load(struct gh_den *den, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows =
        gh_sql_query(den->db, err, "SELECT id, name, email, created_s FROM user ORDER BY id", "");

    while (gh_sql_next(&rows, &rc, err))
        take_row(den, rows);
    return rc;
}

void
gh_den_users_done(struct gh_den *den)
{
    struct gh_den_user *user, *next;

    HASH_ITER(hh, den->users, user, next)
    {
        HASH_DEL(den->users, user);
        HASH_DELETE(by_id, den->users_by_id, user);
        user_free(user);
    }
}

struct gh_den_user *
gh_den_user_by_id(const struct gh_den *den, int64_t id)
{
    struct gh_den_user *user;

    HASH_FIND(by_id, den->users_by_id, &id, sizeof id, user);
    return user;
}

static struct gh_den_user *
find_by_email(const struct gh_den *den, struct gh_slice email)
{
    struct gh_den_user *user = den->users;

    while (user && !(user->email && strlen(user->email) == email.len &&
                     strncasecmp(user->email, email.bytes, email.len) == 0))
        user = user->hh.next;
    return user;
}

struct gh_den_user *
gh_den_user_find(const struct gh_den *den, struct gh_slice name)
{
    struct gh_den_user *user;

    if (name.len > 0 && memchr(name.bytes, '@', name.len))
        return find_by_email(den, name);
    HASH_FIND(hh, den->users, name.bytes, name.len, user);
    return user;
}

/* ---- changes ---- */

static bool
email_is_valid(struct gh_slice email)
{
    const char *at = memchr(email.bytes, '@', email.len);

    if (!at || at == email.bytes || at + 1 == email.bytes + email.len ||
        email.len > GH_DEN_EMAIL_MAX_BYTES)
        return false;
    for (size_t i = 0; i < email.len; i++)
        if (email.bytes[i] <= ' ' || email.bytes[i] > '~' || strchr("\"\\,;<>", email.bytes[i]))
            return false;
    return true;
}

static int
check(const struct gh_den *den, struct gh_slice name, struct gh_slice email, struct gh_err *err)
{
    if (!gh_den_name_is_valid(name))
        return gh_err_set(err, GH_E_INPUT,
                          "name is '%.*s', but must be 1 to %u letters, digits, - and _, a letter "
                          "or digit first",
                          (int)(name.len < 100 ? name.len : 100), name.bytes,
                          GH_DEN_NAME_MAX_BYTES);
    if (email.len > 0 && !email_is_valid(email))
        return gh_err_set(err, GH_E_INPUT, "email is '%.*s', which is no e-mail address",
                          (int)(email.len < 100 ? email.len : 100), email.bytes);
    if (gh_den_user_find(den, name))
        return gh_err_set(err, GH_E_INPUT, "name is '%.*s', who is a user already", (int)name.len,
                          name.bytes);
    if (email.len > 0 && gh_den_user_find(den, email))
        return gh_err_set(err, GH_E_INPUT, "email is '%.*s', which is another user's",
                          (int)email.len, email.bytes);
    if (HASH_COUNT(den->users) >= GH_DEN_USERS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "there are %u users already; remove some",
                          GH_DEN_USERS_MAX);
    return GH_OK;
}

int
gh_den_user_add(struct gh_den *den, struct gh_slice name, struct gh_slice email,
                const struct gh_den_user **user_out, struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);
    int rc = check(den, name, email, err);

    if (rc != GH_OK)
        return rc;
    struct gh_den_user *user = gh_alloc(sizeof *user);
    user->name = gh_strndup(name.bytes, name.len);
    user->email = email.len > 0 ? gh_strndup(email.bytes, email.len) : NULL;
    user->created_s = now_s;
    rc = gh_sql_run(den->db, err, "INSERT INTO user (name, email, created_s) VALUES (?, ?, ?)",
                    "tti", user->name, user->email, now_s);
    if (rc != GH_OK) {
        user_free(user);
        return rc;
    }
    user->id = sqlite3_last_insert_rowid(den->db);
    add(den, user);
    *user_out = user;
    return GH_OK;
}

int
gh_den_user_remove(struct gh_den *den, const struct gh_den_user *user, struct gh_err *err)
{
    int rc = gh_sql_run(den->db, err, "DELETE FROM user WHERE id = ?", "i", user->id);
    return rc == GH_OK ? gh_den_reload(den, err) : rc;
}

/* ---- what the client keeps here ---- */

int
gh_den_user_config(struct gh_den *den, const struct gh_den_user *user, struct gh_buf *out,
                   struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err, "SELECT config FROM user WHERE id = ?", "i", user->id);
    int rc;

    if (gh_sql_next(&rows, &rc, err))
        gh_sql_add_text(rows, 0, out);
    return rc;
}

int
gh_den_user_set_config(struct gh_den *den, const struct gh_den_user *user, struct gh_slice config,
                       struct gh_err *err)
{
    return gh_sql_run(den->db, err, "UPDATE user SET config = ? WHERE id = ?", "si", &config,
                      user->id);
}
