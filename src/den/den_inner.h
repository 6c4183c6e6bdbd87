/* SPDX-License-Identifier: Apache-2.0
 *
 * den/den_inner.h - what the files of den/ share: the part of den.db that is in memory.
 *
 * Everything is owned by the Den and goes with gh_den_reload, which reads the file anew. */
#ifndef GH_DEN_DEN_INNER_H
#define GH_DEN_DEN_INNER_H

#include <sqlite3.h>
#include <uthash.h>

#include "den/den.h"
#include "den/meter.h"

struct gh_den_user {
    UT_hash_handle hh; /* by name; in order of ids */
    UT_hash_handle by_id;
    int64_t id;
    char *name;
    char *email; /* or NULL */
    int64_t created_s;
    unsigned token_count, resource_count;
    struct gh_den_meter meter; /* of what the user changes */
};

/* A digest under which a token is found. */
struct gh_den_bearer {
    UT_hash_handle hh; /* by digest, while IS_IN */
    struct gh_digest digest;
    struct gh_den_token *token;
    bool is_in;
};

/* A user's own token; or, with a parent, one for clusters of a folder (keyring.h). */
struct gh_den_token {
    UT_hash_handle hh; /* by id, in order of ids */
    int64_t id;
    struct gh_den_user *user;
    struct gh_den_token *parent;
    struct gh_den_user *folder; /* whose clusters it is for; NULL of one's own */
    int64_t generation;         /* how often it was revoked */
    int64_t created_s, expires_s;
    struct gh_den_bearer text, old; /* as it is sent, and in the older form */
};

struct gh_den_grant {
    UT_hash_handle hh; /* by user_id */
    int64_t user_id;
    struct gh_den_user *user;
    enum gh_level level;
};

struct gh_den_resource {
    UT_hash_handle hh; /* by uri */
    UT_hash_handle by_id;
    char *uri;
    int64_t id;
    struct gh_den_user *owner;
    char *type;
    bool is_public;
    struct gh_den_grant *grants;
    struct gh_den_meter meter; /* of what is reported about it */
};

struct gh_den {
    char *path;
    sqlite3 *db;
    struct gh_den_user *users, *users_by_id;
    struct gh_den_token *tokens;
    struct gh_den_bearer *bearers;
    struct gh_den_resource *resources, *resources_by_id;
    uint8_t ticket_key[GH_DIGEST_BYTES]; /* of this run of the daemon */
};

/* Read all that is in memory anew, after a change that reaches far. On an error nobody is known any more,
 * since whoever was may have been removed. */
int gh_den_reload(struct gh_den *den, struct gh_err *err) GH_MUST_USE;

/* users.c, keyring.c, resources.c, grants.c: read one's own part of the file, after those before it. */
int gh_den_users_load(struct gh_den *den, struct gh_err *err) GH_MUST_USE;
int gh_den_keyring_load(struct gh_den *den, struct gh_err *err) GH_MUST_USE;
int gh_den_resources_load(struct gh_den *den, struct gh_err *err) GH_MUST_USE;
int gh_den_grants_load(struct gh_den *den, struct gh_err *err) GH_MUST_USE;

/* Let go of it. */
void gh_den_users_done(struct gh_den *den);
void gh_den_keyring_done(struct gh_den *den);
void gh_den_resources_done(struct gh_den *den);
void gh_den_grants_done(struct gh_den_resource *resource);

/* The user with that ID, or NULL. */
struct gh_den_user *gh_den_user_by_id(const struct gh_den *den, int64_t id);

#endif
