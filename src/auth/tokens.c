/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/sql.h"

#define FORM_VERSION 1

static const char form[] = "CREATE TABLE token ("
                           " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                           " digest BLOB NOT NULL UNIQUE,"
                           " user TEXT NOT NULL,"
                           " module TEXT,"
                           " level INTEGER NOT NULL,"
                           " created_s INTEGER NOT NULL,"
                           " expires_s INTEGER NOT NULL);"
                           "PRAGMA user_version = 1;";

/* ---- the file ---- */

static int
fail(struct gh_tokens *tokens, struct gh_err *err, const char *what)
{
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", what, sqlite3_errmsg(tokens->db));
}

static int
run(struct gh_tokens *tokens, const char *sql, struct gh_err *err)
{
    return gh_sql_exec(tokens->db, sql, err) == GH_OK ? GH_OK
                                                      : fail(tokens, err, "cannot be prepared");
}

static int
form_version(struct gh_tokens *tokens)
{
    struct gh_err err;
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(tokens->db, &err, "PRAGMA user_version", "");
    int rc;

    return gh_sql_next(&rows, &rc, &err) ? sqlite3_column_int(rows, 0) : -1;
}

static void
token_free(struct gh_token *token)
{
    free(token->user);
    free(token->module);
    free(token);
}

static void
add(struct gh_tokens *tokens, struct gh_token *token)
{
    HASH_ADD(hh, tokens->by_digest, digest, sizeof token->digest, token);
}

static int
read_all(struct gh_tokens *tokens, struct gh_err *err)
{
    sqlite3_stmt *rows = gh_sql_query(tokens->db, err,
                                      "SELECT id, digest, user, module, level, created_s, expires_s"
                                      " FROM token ORDER BY id",
                                      "");
    struct gh_digest digest;
    int rc;

    while (gh_sql_next(&rows, &rc, err)) {
        int level = sqlite3_column_int(rows, 4);
        if (!gh_sql_digest(rows, 1, &digest) || level < GH_LEVEL_READ || level > GH_LEVEL_WRITE)
            continue; /* of no token that could be presented */
        struct gh_token *token = gh_alloc(sizeof *token);
        token->digest = digest;
        token->id = sqlite3_column_int64(rows, 0);
        token->user = gh_sql_text(rows, 2);
        token->module = gh_sql_text(rows, 3);
        token->level = (enum gh_level)level;
        token->created_s = sqlite3_column_int64(rows, 5);
        token->expires_s = sqlite3_column_int64(rows, 6);
        add(tokens, token);
    }
    return rc == GH_OK ? GH_OK : fail(tokens, err, "cannot be read");
}

static void
close_file(struct gh_tokens *tokens)
{
    sqlite3_close(tokens->db);
    tokens->db = NULL;
}

static int
prepare_file(struct gh_tokens *tokens, struct gh_err *err)
{
    int fd =
        open(tokens->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would ask the umask */

    if (fd >= 0)
        close(fd);
    if (sqlite3_open_v2(tokens->path, &tokens->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return fail(tokens, err, "cannot be opened");
    sqlite3_busy_timeout(tokens->db, 0);
    int rc = run(tokens, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", err);
    if (rc != GH_OK)
        return rc;
    int version = form_version(tokens);
    if (version > FORM_VERSION)
        return gh_err_set(err, GH_E_INPUT, "has form %d, this version reads up to %d", version,
                          FORM_VERSION);
    return version == 0 ? run(tokens, form, err) : GH_OK;
}

/* Open it, or make it. */
static int
open_file(struct gh_tokens *tokens, struct gh_err *err)
{
    int rc = prepare_file(tokens, err);

    if (rc != GH_OK)
        close_file(tokens);
    return rc;
}

/* Errors leave TOKENS empty. */
static int
load(struct gh_tokens *tokens, struct gh_err *err)
{
    if (access(tokens->path, F_OK) != 0 && errno == ENOENT)
        return GH_OK;
    int rc = open_file(tokens, err);
    if (rc == GH_OK)
        rc = read_all(tokens, err);
    if (rc == GH_OK)
        return GH_OK;
    gh_err_add(err, "%s", tokens->path);
    gh_tokens_close(tokens);
    return rc;
}

int
gh_tokens_open(struct gh_tokens *tokens, const char *state_dir, struct gh_err *err)
{
    *tokens = (struct gh_tokens){.path = gh_asprintf("%s/tokens.db", state_dir)};
    return load(tokens, err);
}

int
gh_tokens_reload(struct gh_tokens *tokens, struct gh_err *err)
{
    struct gh_tokens fresh = {.path = gh_strdup(tokens->path)};

    int rc = load(&fresh, err);
    if (rc != GH_OK)
        return rc;
    gh_tokens_close(tokens);
    *tokens = fresh;
    return GH_OK;
}

void
gh_tokens_close(struct gh_tokens *tokens)
{
    struct gh_token *token, *next;

    HASH_ITER(hh, tokens->by_digest, token, next)
    {
        HASH_DEL(tokens->by_digest, token);
        token_free(token);
    }
    close_file(tokens);
    gh_free(&tokens->path);
}

/* ---- changes ---- */

static int
insert(struct gh_tokens *tokens, struct gh_token *token, struct gh_err *err)
{
    if (gh_sql_run(tokens->db, err,
                   "INSERT INTO token (digest, user, module, level, created_s, expires_s)"
                   " VALUES (?, ?, ?, ?, ?, ?)",
                   "dttiii", &token->digest, token->user, token->module, (int64_t)token->level,
                   token->created_s, token->expires_s) != GH_OK)
        return fail(tokens, err, "cannot be written");
    token->id = sqlite3_last_insert_rowid(tokens->db);
    return GH_OK;
}

static int
check(const struct gh_tokens *tokens, const struct gh_token_order *order, int64_t now_s,
      struct gh_err *err)
{
    if (!gh_token_user_is_valid(order->user))
        return gh_err_set(err, GH_E_INPUT,
                          "user is '%.*s', but must be 1 to %u visible ASCII characters without "
                          "\" \\ , ;",
                          (int)(order->user.len < 100 ? order->user.len : 100), order->user.bytes,
                          GH_TOKEN_USER_MAX_BYTES);
    if (order->expires_s != 0 && order->expires_s <= now_s)
        return gh_err_set(err, GH_E_INPUT, "expires_s is %lld, which is over",
                          (long long)order->expires_s);
    if (HASH_COUNT(tokens->by_digest) >= GH_TOKENS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "there are %u tokens already; revoke some",
                          GH_TOKENS_MAX);
    return GH_OK;
}

int
gh_tokens_create(struct gh_tokens *tokens, const struct gh_token_order *order,
                 char text_out[GH_TOKEN_TEXT_BYTES], const struct gh_token **made_out,
                 struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);
    int rc = check(tokens, order, now_s, err);

    if (rc == GH_OK && !tokens->db)
        rc = open_file(tokens, err);
    if (rc != GH_OK)
        return rc;
    gh_tokentext_make(GH_TOKEN_PREFIX, text_out);
    struct gh_token *token = gh_alloc(sizeof *token);
    token->digest = gh_digest_of((struct gh_slice){text_out, strlen(text_out)});
    token->user = gh_strndup(order->user.bytes, order->user.len);
    if (order->module.len)
        token->module = gh_strndup(order->module.bytes, order->module.len);
    token->level = order->level;
    token->created_s = now_s;
    token->expires_s = order->expires_s;
    rc = insert(tokens, token, err);
    if (rc != GH_OK) {
        token_free(token);
        explicit_bzero(text_out, GH_TOKEN_TEXT_BYTES);
        return rc;
    }
    add(tokens, token);
    *made_out = token;
    return GH_OK;
}

int
gh_tokens_revoke(struct gh_tokens *tokens, int64_t id, struct gh_err *err)
{
    struct gh_token *token, *next;

    HASH_ITER(hh, tokens->by_digest, token, next)
    {
        if (token->id == id)
            break;
    }
    if (!token)
        return gh_err_set(err, GH_E_NOT_FOUND, "there is no token %lld", (long long)id);
    if (gh_sql_run(tokens->db, err, "DELETE FROM token WHERE id = ?", "i", id) != GH_OK)
        return fail(tokens, err, "cannot be written");
    HASH_DEL(tokens->by_digest, token);
    token_free(token);
    return GH_OK;
}

const struct gh_token *
gh_tokens_find(const struct gh_tokens *tokens, const struct gh_digest *digest, int64_t now_s)
{
    struct gh_token *token;

    HASH_FIND(hh, tokens->by_digest, digest, sizeof *digest, token);
    if (!token || (token->expires_s != 0 && token->expires_s <= now_s))
        return NULL;
    return token;
}
