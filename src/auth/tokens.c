/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

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
    return sqlite3_exec(tokens->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? GH_OK
               : fail(tokens, err, "cannot be prepared");
}

static int
form_version(struct gh_tokens *tokens)
{
    sqlite3_stmt *statement;
    int version = -1;

    if (sqlite3_prepare_v2(tokens->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

static char *
text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? gh_strdup(text) : NULL;
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
    sqlite3_stmt *rows;
    int step;

    if (sqlite3_prepare_v2(tokens->db,
                           "SELECT id, digest, user, module, level, created_s, expires_s"
                           " FROM token ORDER BY id",
                           -1, &rows, NULL) != SQLITE_OK)
        return fail(tokens, err, "cannot be read");
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        int level = sqlite3_column_int(rows, 4);
        if (sqlite3_column_bytes(rows, 1) != GH_DIGEST_BYTES || level < GH_LEVEL_READ ||
            level > GH_LEVEL_WRITE)
            continue; /* of no token that could be presented */
        struct gh_token *token = gh_alloc(sizeof *token);
        memcpy(token->digest.bytes, sqlite3_column_blob(rows, 1), GH_DIGEST_BYTES);
        token->id = sqlite3_column_int64(rows, 0);
        token->user = text_of(rows, 2);
        token->module = text_of(rows, 3);
        token->level = (enum gh_level)level;
        token->created_s = sqlite3_column_int64(rows, 5);
        token->expires_s = sqlite3_column_int64(rows, 6);
        add(tokens, token);
    }
    sqlite3_finalize(rows);
    return step == SQLITE_DONE ? GH_OK : fail(tokens, err, "cannot be read");
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
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(tokens->db,
                           "INSERT INTO token (digest, user, module, level, created_s, expires_s)"
                           " VALUES (?, ?, ?, ?, ?, ?)",
                           -1, &statement, NULL) != SQLITE_OK)
        return fail(tokens, err, "cannot be written");
    sqlite3_bind_blob(statement, 1, token->digest.bytes, GH_DIGEST_BYTES, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, token->user, -1, SQLITE_STATIC);
    if (token->module)
        sqlite3_bind_text(statement, 3, token->module, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, (int)token->level);
    sqlite3_bind_int64(statement, 5, token->created_s);
    sqlite3_bind_int64(statement, 6, token->expires_s);
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    if (!is_done)
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
    sqlite3_stmt *statement;

    HASH_ITER(hh, tokens->by_digest, token, next)
    {
        if (token->id == id)
            break;
    }
    if (!token)
        return gh_err_set(err, GH_E_NOT_FOUND, "there is no token %lld", (long long)id);
    if (sqlite3_prepare_v2(tokens->db, "DELETE FROM token WHERE id = ?", -1, &statement, NULL) !=
        SQLITE_OK)
        return fail(tokens, err, "cannot be written");
    sqlite3_bind_int64(statement, 1, id);
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    if (!is_done)
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
