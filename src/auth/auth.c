/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/bearer.h"
#include "base/alloc.h"

int
gh_auth_open(struct gh_auth *auth, const char *state_dir, const char *owner_token,
             const char *owner_name, struct gh_err *err)
{
    *auth = (struct gh_auth){0};
    auth->owner_name = gh_strdup(owner_name && *owner_name ? owner_name : "owner");
    if (owner_token && *owner_token) {
        auth->has_owner = true;
        auth->owner = gh_digest_of((struct gh_slice){owner_token, strlen(owner_token)});
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
    gh_tokens_close(&auth->tokens);
    gh_throttle_done(&auth->throttle);
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
