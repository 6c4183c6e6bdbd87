/* SPDX-License-Identifier: Apache-2.0 */
#include "den/keyring.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "store/sql.h"
#include "den/uri.h"

/* ---- in memory ---- */

static void
put_bearer(struct gh_den *den, struct gh_den_bearer *bearer, struct gh_den_token *token,
           const struct gh_digest *digest)
{
    bearer->token = token;
    bearer->digest = *digest;
    bearer->is_in = true;
    HASH_ADD(hh, den->bearers, digest, sizeof bearer->digest, bearer);
}

static void
take_bearer(struct gh_den *den, struct gh_den_bearer *bearer)
{
    if (bearer->is_in)
        HASH_DEL(den->bearers, bearer);
    bearer->is_in = false;
}

static void
add(struct gh_den *den, struct gh_den_token *token)
{
    HASH_ADD(hh, den->tokens, id, sizeof token->id, token);
    if (!token->parent)
        token->user->token_count++;
}

static struct gh_den_token *
by_id(const struct gh_den *den, int64_t id)
{
    struct gh_den_token *token;

    HASH_FIND(hh, den->tokens, &id, sizeof id, token);
    return token;
}

/* Parents have lower ids, and so are there before. */
static void
take_row(struct gh_den *den, sqlite3_stmt *rows)
{
    struct gh_den_user *user = gh_den_user_by_id(den, sqlite3_column_int64(rows, 1));
    bool is_own = sqlite3_column_type(rows, 2) == SQLITE_NULL;
    struct gh_den_token *parent = is_own ? NULL : by_id(den, sqlite3_column_int64(rows, 2));
    struct gh_den_user *folder =
        is_own ? NULL : gh_den_user_by_id(den, sqlite3_column_int64(rows, 3));
    struct gh_digest digest;

    if (!user || (!is_own && (!parent || !folder)))
        return; /* the foreign keys keep such rows out; whoever edits the file may let them in */
    struct gh_den_token *token = gh_alloc(sizeof *token);
    token->id = sqlite3_column_int64(rows, 0);
    token->user = user;
    token->parent = parent;
    token->folder = folder;
    token->generation = sqlite3_column_int64(rows, 6);
    token->created_s = sqlite3_column_int64(rows, 7);
    token->expires_s = sqlite3_column_int64(rows, 8);
    add(den, token);
    if (gh_sql_digest(rows, 4, &digest))
        put_bearer(den, &token->text, token, &digest);
    if (gh_sql_digest(rows, 5, &digest))
        put_bearer(den, &token->old, token, &digest);
}

int
gh_den_keyring_load(struct gh_den *den, struct gh_err *err)
{
    int rc;
    sqlite3_stmt *rows =
        gh_sql_query(den->db, err,
                     "SELECT id, user_id, parent_id, folder_id, digest, old_digest, generation,"
                     " created_s, expires_s FROM token ORDER BY id",
                     "");

    while (gh_sql_next(&rows, &rc, err))
        take_row(den, rows);
    return rc;
}

void
gh_den_keyring_done(struct gh_den *den)
{
    struct gh_den_token *token, *next;

    HASH_ITER(hh, den->tokens, token, next)
    {
        take_bearer(den, &token->text);
        take_bearer(den, &token->old);
        HASH_DEL(den->tokens, token);
        free(token);
    }
}

struct gh_den_token *
gh_den_token_find(const struct gh_den *den, const struct gh_digest *digest, int64_t now_s)
{
    struct gh_den_bearer *bearer;

    HASH_FIND(hh, den->bearers, digest, sizeof *digest, bearer);
    if (!bearer || (bearer->token->expires_s != 0 && bearer->token->expires_s <= now_s))
        return NULL;
    return bearer->token;
}

bool
gh_den_token_reaches(const struct gh_den_token *token, struct gh_slice uri)
{
    struct gh_slice folder = gh_den_uri_folder(uri);

    return !token->folder || (strlen(token->folder->name) == folder.len &&
                              memcmp(token->folder->name, folder.bytes, folder.len) == 0);
}

/* ---- a user's own ---- */

static int
insert(struct gh_den *den, struct gh_den_token *token, const struct gh_digest *digest,
       struct gh_err *err)
{
    int rc;

    if (token->parent)
        rc = gh_sql_run(den->db, err,
                        "INSERT INTO token (user_id, parent_id, folder_id, digest, created_s,"
                        " expires_s) VALUES (?, ?, ?, ?, ?, ?)",
                        "iiidii", token->user->id, token->parent->id, token->folder->id, digest,
                        token->created_s, token->expires_s);
    else
        rc = gh_sql_run(den->db, err,
                        "INSERT INTO token (user_id, digest, created_s, expires_s)"
                        " VALUES (?, ?, ?, ?)",
                        "idii", token->user->id, digest, token->created_s, token->expires_s);
    if (rc == GH_OK)
        token->id = sqlite3_last_insert_rowid(den->db);
    return rc;
}

int
gh_den_token_create(struct gh_den *den, struct gh_den_user *user, int64_t expires_s,
                    char text_out[GH_TOKEN_TEXT_BYTES], const struct gh_den_token **token_out,
                    struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);

    if (expires_s != 0 && expires_s <= now_s)
        return gh_err_set(err, GH_E_INPUT, "expires_s is %lld, which is over",
                          (long long)expires_s);
    if (user->token_count >= GH_DEN_TOKENS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "%s has %u tokens already; revoke some", user->name,
                          GH_DEN_TOKENS_MAX);
    gh_tokentext_make(GH_DEN_TOKEN_PREFIX, text_out);
    struct gh_digest digest = gh_digest_of((struct gh_slice){text_out, strlen(text_out)});
    struct gh_den_token *token = gh_alloc(sizeof *token);
    token->user = user;
    token->created_s = now_s;
    token->expires_s = expires_s;
    int rc = insert(den, token, &digest, err);
    if (rc != GH_OK) {
        explicit_bzero(text_out, GH_TOKEN_TEXT_BYTES);
        free(token);
        return rc;
    }
    add(den, token);
    put_bearer(den, &token->text, token, &digest);
    *token_out = token;
    return GH_OK;
}

int
gh_den_token_revoke(struct gh_den *den, int64_t id, struct gh_err *err)
{
    struct gh_den_token *token = by_id(den, id);
    int rc;

    if (!token || (!token->text.is_in && !token->old.is_in))
        return gh_err_set(err, GH_E_NOT_FOUND, "there is no token %lld", (long long)id);
    if (!token->parent) {
        rc = gh_sql_run(den->db, err, "DELETE FROM token WHERE id = ?", "i", id);
        return rc == GH_OK ? gh_den_reload(den, err) : rc;
    }
    /* The row stays, since the next one is to be another. */
    rc = gh_sql_run(den->db, err,
                    "UPDATE token SET digest = NULL, old_digest = NULL,"
                    " generation = generation + 1 WHERE id = ?",
                    "i", id);
    if (rc != GH_OK)
        return rc;
    take_bearer(den, &token->text);
    take_bearer(den, &token->old);
    token->generation++;
    return GH_OK;
}

/* ---- for the nodes of a folder ---- */

static int
find_or_add(struct gh_den *den, struct gh_den_token *own, struct gh_den_user *folder,
            struct gh_den_token **token_out, struct gh_err *err)
{
    struct gh_den_token *token;
    unsigned count = 0;

    for (token = own; token; token = token->hh.next) {
        if (token->parent != own)
            continue;
        if (token->folder == folder)
            break;
        count++;
    }
    *token_out = token;
    if (token)
        return GH_OK;
    if (count >= GH_DEN_FOLDERS_MAX)
        return gh_err_set(err, GH_E_NO_ROOM, "this token has cluster tokens for %u folders already",
                          GH_DEN_FOLDERS_MAX);
    token = gh_alloc(sizeof *token);
    token->user = own->user;
    token->parent = own;
    token->folder = folder;
    token->created_s = (int64_t)time(NULL);
    token->expires_s = own->expires_s;
    int rc = insert(den, token, NULL, err);
    if (rc != GH_OK) {
        free(token);
        return rc;
    }
    add(den, token);
    *token_out = token;
    return GH_OK;
}

/* Who knows the own token and nobody else can make it. */
static void
derive(struct gh_slice own_text, const char *folder, int64_t generation,
       char text_out[GH_TOKEN_TEXT_BYTES])
{
    char *about GH_SCOPED(gh_free) =
        gh_asprintf("cluster token %lld for %s", (long long)generation, folder);
    uint8_t bytes[GH_TOKEN_RANDOM_BYTES];

    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, own_text.bytes, own_text.len, about, strlen(about),
                         bytes) != 0)
        abort(); /* the library lost its own HMAC */
    gh_tokentext_write(GH_DEN_CLUSTER_TOKEN_PREFIX, bytes, text_out);
    explicit_bzero(bytes, sizeof bytes);
}

int
gh_den_token_for_folder(struct gh_den *den, struct gh_den_token *own, struct gh_slice own_text,
                        struct gh_den_user *folder, char text_out[GH_TOKEN_TEXT_BYTES],
                        struct gh_err *err)
{
    struct gh_den_token *token;

    int rc = find_or_add(den, own, folder, &token, err);
    if (rc != GH_OK)
        return rc;
    derive(own_text, folder->name, token->generation, text_out);
    if (token->text.is_in)
        return GH_OK;
    struct gh_digest digest = gh_digest_of((struct gh_slice){text_out, strlen(text_out)});
    rc = gh_sql_run(den->db, err, "UPDATE token SET digest = ? WHERE id = ?", "di", &digest,
                    token->id);
    if (rc != GH_OK) {
        explicit_bzero(text_out, GH_TOKEN_TEXT_BYTES);
        return rc;
    }
    put_bearer(den, &token->text, token, &digest);
    return GH_OK;
}

/* HEX+OWNER+USER. Source: auth.md section 2. */
static struct gh_digest
old_form(const struct gh_den_token *own, struct gh_slice own_text, const char *folder)
{
    struct gh_buf text = {0};

    gh_buf_add(&text, own_text.bytes, own_text.len);
    gh_buf_add_text(&text, folder);
    struct gh_digest digest = gh_digest_of((struct gh_slice){(char *)text.bytes, text.len});
    explicit_bzero(text.bytes, text.len);
    text.len = 0;
    for (size_t i = 0; i < GH_DIGEST_BYTES; i++)
        gh_buf_addf(&text, "%02x", digest.bytes[i]);
    gh_buf_addf(&text, "+%s+%s", folder, own->user->name);
    digest = gh_digest_of((struct gh_slice){(char *)text.bytes, text.len});
    explicit_bzero(text.bytes, text.len);
    gh_buf_done(&text);
    return digest;
}

void
gh_den_token_learn(struct gh_den *den, struct gh_den_token *own, struct gh_slice own_text,
                   struct gh_den_user *folder)
{
    struct gh_digest digest = old_form(own, own_text, folder->name);
    struct gh_den_token *token;
    struct gh_den_bearer *known;
    struct gh_err err;

    HASH_FIND(hh, den->bearers, &digest, sizeof digest, known);
    if (known)
        return;
    int rc = find_or_add(den, own, folder, &token, &err);
    if (rc == GH_OK && token->generation > 0)
        return; /* that one was revoked */
    if (rc == GH_OK)
        rc = gh_sql_run(den->db, &err, "UPDATE token SET old_digest = ? WHERE id = ?", "di",
                        &digest, token->id);
    if (rc != GH_OK) {
        gh_log(GH_LOG_WARN, "den.old_token_not_kept", "user=%s folder=%s reason=%s",
               gh_log_quote(own->user->name), gh_log_quote(folder->name), gh_log_quote(err.text));
        return;
    }
    put_bearer(den, &token->old, token, &digest);
}
