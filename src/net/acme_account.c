/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_account.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/jws.h"

static void
finish(struct gh_acme_account *account, const struct gh_acme_reply *reply)
{
    account->on_done(account->context, reply);
}

static void
refuse(struct gh_acme_account *account, enum gh_acme_outcome outcome, const char *problem)
{
    const struct gh_acme_reply reply = {
        .outcome = outcome, .body = {"", 0}, .type = "", .problem = problem};
    finish(account, &reply);
}

static void
on_account(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_account *account = context;
    bool has_url = reply->location && strstr(reply->location, "://");

    if (reply->outcome == GH_ACME_OK && !has_url) {
        refuse(account, GH_ACME_UNREACHABLE, "the CA does not say where the account is");
        return;
    }
    if (reply->outcome == GH_ACME_OK)
        gh_acme_client_set_account(account->client, reply->location);
    finish(account, reply);
}

/* What newAccount is told; a new reference. */
static json_t *
payload_of(const struct gh_acme_account *account, const char *url)
{
    json_t *payload = json_pack("{s:b}", "termsOfServiceAgreed", 1);

    if (*account->email) {
        char *mail GH_SCOPED(gh_free) = gh_asprintf("mailto:%s", account->email);
        json_object_set_new(payload, "contact", json_pack("[s]", mail));
    }
    if (*account->eab_kid)
        json_object_set_new(payload, "externalAccountBinding",
                            gh_jws_bind(account->key, account->eab_kid, account->eab_secret, url));
    return payload;
}

static void
on_directory(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_account *account = context;
    const json_t *directory = gh_acme_client_directory(account->client);
    const json_t *meta = json_object_get(directory, "meta");
    const char *url = json_string_value(json_object_get(directory, "newAccount"));
    const char *terms = json_string_value(json_object_get(meta, "termsOfService"));

    if (reply->outcome != GH_ACME_OK) {
        finish(account, reply);
        return;
    }
    if (json_is_true(json_object_get(meta, "externalAccountRequired")) && !*account->eab_kid) {
        refuse(account, GH_ACME_REFUSED,
               "the CA wants an account of its own kind: set acme_eab_kid and acme_eab_key_file to "
               "what it has given");
        return;
    }
    if (terms)
        gh_log(GH_LOG_INFO, "acme.terms", "agreed_to=%s", gh_log_quote(terms));
    json_t *payload = payload_of(account, url ? url : "");
    gh_acme_post(account->client, &account->ask, "newAccount", payload, on_account, account);
    json_decref(payload);
}

void
gh_acme_account_register(struct gh_acme_account *account)
{
    gh_acme_client_set_account(account->client, NULL);
    gh_acme_get(account->client, &account->ask, NULL, on_directory, account);
}
