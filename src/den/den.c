/* SPDX-License-Identifier: Apache-2.0 */
#include "den/den.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "den/den_inner.h"
#include "den/grants.h"
#include "den/keyring.h"
#include "den/tickets.h"
#include "den/uri.h"
#include "store/sql.h"

#define FORM_VERSION 1

static const char form[] =
    "BEGIN;"
    "CREATE TABLE user ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " email TEXT UNIQUE COLLATE NOCASE,"
    " config TEXT,"
    " created_s INTEGER NOT NULL);"
    "CREATE TABLE token ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
    " parent_id INTEGER REFERENCES token (id) ON DELETE CASCADE,"
    " folder_id INTEGER REFERENCES user (id) ON DELETE CASCADE,"
    " digest BLOB UNIQUE,"
    " old_digest BLOB UNIQUE,"
    " generation INTEGER NOT NULL DEFAULT 0,"
    " created_s INTEGER NOT NULL,"
    " expires_s INTEGER NOT NULL,"
    " UNIQUE (parent_id, folder_id));"
    "CREATE INDEX token_of_user ON token (user_id);"
    "CREATE INDEX token_of_folder ON token (folder_id);"
    "CREATE TABLE resource ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " uri TEXT NOT NULL UNIQUE,"
    " owner_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
    " type TEXT NOT NULL,"
    " is_public INTEGER NOT NULL,"
    " config TEXT NOT NULL,"
    " created_s INTEGER NOT NULL,"
    " changed_s INTEGER NOT NULL,"
    " status TEXT,"
    " state TEXT,"
    " status_s INTEGER);"
    "CREATE INDEX resource_of_owner ON resource (owner_id);"
    "CREATE TABLE access ("
    " resource_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,"
    " user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
    " level INTEGER NOT NULL,"
    " notified INTEGER NOT NULL,"
    " PRIMARY KEY (resource_id, user_id)) WITHOUT ROWID;"
    "CREATE INDEX access_of_user ON access (user_id);"
    "CREATE TABLE version ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " resource_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,"
    " user TEXT NOT NULL,"
    " at_s INTEGER NOT NULL,"
    " config TEXT NOT NULL);"
    "CREATE INDEX version_of_resource ON version (resource_id);"
    "CREATE TABLE log ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " resource_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,"
    " at_s INTEGER NOT NULL,"
    " file_name TEXT NOT NULL,"
    " start_line INTEGER NOT NULL,"
    " end_line INTEGER NOT NULL,"
    " lines TEXT NOT NULL);"
    "CREATE INDEX log_of_resource ON log (resource_id);"
    "CREATE TABLE secret ("
    " resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,"
    " content TEXT NOT NULL);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* ---- the file ---- */

static int
form_version(struct gh_den *den, int *version_out, struct gh_err *err)
{
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err, "PRAGMA user_version", "");
    int rc;

    if (gh_sql_next(&rows, &rc, err))
        *version_out = sqlite3_column_int(rows, 0);
    return rc;
}

/* SQLite's own words are "database is locked". Who has it is known as the holder of a lock on the bytes that SQLite
 * locks (sqlite3.h: those from 1 GiB on); 0 in another PID namespace. */
static int
tell_in_use(const struct gh_den *den, struct gh_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1 << 30, .l_len = 512};
    int fd = open(den->path, O_RDWR | O_CLOEXEC);
    char who[32] = "";

    if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
        snprintf(who, sizeof who, " (pid %d)", (int)lock.l_pid);
    if (fd >= 0)
        close(fd);
    return gh_err_set(
        err, GH_E_SYSTEM,
        "den.db: the database is locked: another gatehoused%s uses this state folder, "
        "and only one at a time can be a Den in it. control-PORT.sock in it tells its "
        "port, `gatehouse stop` ends it; or give this one a --state-dir of its own",
        who);
}

static int
open_file(struct gh_den *den, struct gh_err *err)
{
    int fd = open(den->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would ask the umask */
    int version = 0;

    if (fd >= 0)
        close(fd);
    if (sqlite3_open_v2(den->path, &den->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return gh_err_set(err, GH_E_SYSTEM, "den.db: cannot be opened: %s",
                          den->db ? sqlite3_errmsg(den->db) : "no memory");
    sqlite3_busy_timeout(den->db, 0);
    /* secure_delete: what was deleted, secrets above all, is not left behind in free pages. */
    int rc = gh_sql_exec(den->db,
                         "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                         "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                         "PRAGMA secure_delete = ON; BEGIN EXCLUSIVE; COMMIT",
                         err);
    if (rc != GH_OK && sqlite3_errcode(den->db) == SQLITE_BUSY)
        return tell_in_use(den, err);
    if (rc == GH_OK)
        rc = form_version(den, &version, err);
    if (rc == GH_OK && version > FORM_VERSION)
        return gh_err_set(err, GH_E_INPUT, "den.db: has form %d, this version reads up to %d",
                          version, FORM_VERSION);
    return rc == GH_OK && version == 0 ? gh_sql_exec(den->db, form, err) : rc;
}

/* ---- what is in memory ---- */

static void
let_go(struct gh_den *den)
{
    gh_den_resources_done(den);
    gh_den_keyring_done(den);
    gh_den_users_done(den);
}

static int
load(struct gh_den *den, struct gh_err *err)
{
    int rc = gh_den_users_load(den, err);

    if (rc == GH_OK)
        rc = gh_den_keyring_load(den, err);
    if (rc == GH_OK)
        rc = gh_den_resources_load(den, err);
    if (rc == GH_OK)
        rc = gh_den_grants_load(den, err);
    if (rc != GH_OK)
        let_go(den);
    return rc;
}

int
gh_den_reload(struct gh_den *den, struct gh_err *err)
{
    struct gh_den old = *den;

    den->users = den->users_by_id = NULL;
    den->tokens = NULL;
    den->bearers = NULL;
    den->resources = den->resources_by_id = NULL;
    int rc = load(den, err);
    let_go(&old);
    return rc;
}

int
gh_den_open(const char *state_dir, struct gh_den **den_out, struct gh_err *err)
{
    struct gh_den *den = gh_alloc(sizeof *den);

    den->path = gh_asprintf("%s/den.db", state_dir);
    gh_den_tickets_init(den);
    int rc = open_file(den, err);
    if (rc == GH_OK)
        rc = load(den, err);
    if (rc != GH_OK) {
        gh_err_add(err, "%s", state_dir);
        gh_den_close(&den);
    }
    *den_out = den;
    return rc;
}

void
gh_den_close(struct gh_den **den_of)
{
    struct gh_den *den = *den_of;

    if (!den)
        return;
    let_go(den);
    sqlite3_close(den->db);
    free(den->path);
    free(den);
    *den_of = NULL;
}

/* ---- who may what ---- */

struct gh_den_facts
gh_den_facts(const struct gh_den *den, const struct gh_digest *digest, const char *uri)
{
    const struct gh_den_token *token = gh_den_token_find(den, digest, (int64_t)time(NULL));
    struct gh_slice name = {uri, strlen(uri)};
    struct gh_den_facts facts = {0};

    if (!token)
        return facts;
    facts.user = token->user->name;
    if (!*uri || !gh_den_token_reaches(token, name))
        return facts;
    facts.level = gh_den_level(den, token->user, name);
    facts.is_valid = gh_den_owns(token->user, name);
    return facts;
}
