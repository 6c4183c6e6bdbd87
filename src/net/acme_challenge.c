/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_challenge.h"

#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "net/acme_cert.h"
#include "tls/certs.h"

#define TOKEN_MAX_CHARS 512u

void
gh_acme_challenge_show(struct gh_acme_challenges *all, struct gh_acme_challenge *challenge)
{
    DL_APPEND(all->list, challenge);
}

void
gh_acme_challenge_hide(struct gh_acme_challenges *all, struct gh_acme_challenge *challenge)
{
    DL_DELETE(all->list, challenge);
}

const char *
gh_acme_challenge_fetch(struct gh_acme_challenges *all, struct gh_slice token)
{
    struct gh_acme_challenge *challenge;

    DL_FOREACH(all->list, challenge)
    {
        if (!gh_slice_is(token, challenge->token))
            continue;
        challenge->on_fetched(challenge->context);
        return challenge->answer;
    }
    return NULL;
}

bool
gh_acme_challenge_is_token(const char *token)
{
    size_t len = strlen(token);

    return len > 0 && len <= TOKEN_MAX_CHARS &&
           strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

int
gh_acme_challenge_show_in_tls(struct gh_certs *certs, const char *name, const char *answer,
                              struct gh_err *err)
{
    struct gh_p256 *key GH_SCOPED(gh_p256_free) = NULL;
    struct gh_buf chain GH_SCOPED(gh_buf_done) = {0}, secret GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_p256_make(&key, err);
    if (rc == GH_OK)
        rc = gh_acme_cert_challenge(key, name, (struct gh_slice){answer, strlen(answer)}, &chain,
                                    err);
    if (rc != GH_OK)
        return rc;
    gh_p256_add_pem(key, &secret);
    return gh_certs_put_challenge(certs, name, (struct gh_slice){gh_buf_text(&chain), chain.len},
                                  (struct gh_slice){gh_buf_text(&secret), secret.len}, err);
}
