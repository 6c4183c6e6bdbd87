/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/bearer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/identity.h"

int
gh_auth_open(struct gh_auth *auth, const char *state_dir, const struct gh_identity *identity,
             struct gh_err *err)
{
    struct gh_slice user = {identity->user, identity->user ? strlen(identity->user) : 0};

    *auth = (struct gh_auth){0};
    auth->owner_name = gh_strdup(gh_token_user_is_valid(user) ? identity->user : "owner");
    auth->den_url = identity->den_url ? gh_strdup(identity->den_url) : NULL;
    if (identity->token) {
        auth->has_owner = true;
        auth->owner = gh_digest_of((struct gh_slice){identity->token, strlen(identity->token)});
    }
    int rc = gh_tokens_open(&auth->tokens, state_dir, err);
    if (rc != GH_OK)
        gh_auth_close(auth);
    return rc;
}

void
gh_auth_close(struct gh_auth *auth)
{
    gh_free(&auth->owner_name);
    gh_free(&auth->den_url);
    gh_tokens_close(&auth->tokens);
    gh_throttle_done(&auth->throttle);
}

void
gh_auth_announce(const struct gh_auth *auth)
{
    unsigned count = HASH_COUNT(auth->tokens.by_digest);

    gh_log(GH_LOG_INFO, "auth.on", "owner=%s tokens=%u",
           auth->has_owner ? gh_log_quote(auth->owner_name) : "none", count);
    if (!auth->has_owner && count == 0)
        gh_log(GH_LOG_WARN, "auth.nobody_gets_in", "note=%s",
               "\"there is no token yet, so only programs of this node get in, by the control "
               "socket: make one with gatehouse token create --user NAME --access write\"");
    if (auth->den_url)
        gh_log(GH_LOG_WARN, "auth.den_not_asked", "url=%s note=%s", gh_log_quote(auth->den_url),
               "\"this version asks no Den: of the tokens that it gave out only the owner's own is "
               "known here\"");
}

struct gh_caller
gh_auth_caller(const struct gh_auth *auth, const char *authorization)
{
    struct gh_slice text = gh_bearer_token(authorization);
    struct gh_caller caller = {.kind = GH_CALLER_NOBODY, .user = ""};

    if (text.len == 0)
        return caller;
    struct gh_digest digest = gh_digest_of(text);
    const struct gh_token *token = gh_tokens_find(&auth->tokens, &digest, (int64_t)time(NULL));
    if (auth->has_owner && gh_digest_is(&digest, &auth->owner)) {
        caller.kind = GH_CALLER_KNOWN;
        caller.level = GH_LEVEL_WRITE;
        caller.user = auth->owner_name;
    } else if (token) {
        caller.kind = GH_CALLER_KNOWN;
        caller.level = token->level;
        caller.user = token->user;
        caller.module = token->module;
    } else {
        caller.kind = GH_CALLER_STRANGER;
    }
    return caller;
}
