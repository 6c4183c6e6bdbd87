/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_ari.c - the CA's own advice when to renew: a window, in which each node takes a time by chance. A CA
 * that must revoke moves it into the past. Source: RFC 9773 section 4. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/acme_inner.h"
#include "net/acme_time.h"

#define ASK_AGAIN_S 21600 /* 6 hours, where the CA does not say */
#define ASK_AGAIN_LEAST_S 60
#define ASK_AGAIN_MOST_S 86400

/* What REPLY advises; false when it makes no sense. */
static bool
read_window(const json_t *json, int64_t *from_s_out, int64_t *to_s_out)
{
    const json_t *window = json_object_get(json, "suggestedWindow");
    const char *from = json_string_value(json_object_get(window, "start"));
    const char *to = json_string_value(json_object_get(window, "end"));

    if (!from || !to)
        return false;
    *from_s_out = gh_acme_time(from);
    *to_s_out = gh_acme_time(to);
    return *from_s_out >= 0 && *to_s_out > *from_s_out;
}

static void
on_advice(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_name *name = context;
    int64_t now_s = gh_acme_now_s(), wait_s = ASK_AGAIN_S, from_s, to_s;

    if (reply->retry_after_s > 0)
        wait_s = reply->retry_after_s;
    wait_s = wait_s < ASK_AGAIN_LEAST_S ? ASK_AGAIN_LEAST_S : wait_s;
    wait_s = wait_s > ASK_AGAIN_MOST_S ? ASK_AGAIN_MOST_S : wait_s;
    name->ask_ari_at_s = now_s + wait_s;

    if (reply->outcome == GH_ACME_OK && read_window(reply->json, &from_s, &to_s)) {
        int64_t at_s = gh_acme_within(from_s, to_s, gh_acme_chance());
        /* A time that was taken within the same window stays. */
        if (name->renew_at_s < from_s || name->renew_at_s > to_s)
            name->renew_at_s = at_s;
        gh_log(GH_LOG_DEBUG, "acme.advice", "name=%s renew_in_s=%lld", name->name,
               (long long)(name->renew_at_s - now_s));
    }
    gh_acme_look_soon(name->acme);
}

/* The directory is known now, or is to be had later. */
static void
on_directory(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_name *name = context;
    int64_t now_s = gh_acme_now_s();

    name->ask_ari_at_s = reply->outcome == GH_ACME_OK ? now_s : now_s + ASK_AGAIN_S;
    gh_acme_look_soon(name->acme);
}

void
gh_acme_ari_look(struct gh_acme_name *name, int64_t now_s)
{
    struct gh_acme *acme = name->acme;
    const json_t *directory = gh_acme_client_directory(acme->client);
    const char *base = json_string_value(json_object_get(directory, "renewalInfo"));

    if (!name->has_cert || !name->cert.id[0] || name->order || name->ari ||
        now_s < name->ask_ari_at_s)
        return;
    name->ask_ari_at_s = now_s + ASK_AGAIN_S;
    if (!directory) {
        gh_acme_get(acme->client, &name->ari, NULL, on_directory, name);
    } else if (base) {
        char *url GH_SCOPED(gh_free) = gh_asprintf("%s/%s", base, name->cert.id);
        gh_acme_get(acme->client, &name->ari, url, on_advice, name);
    }
}
