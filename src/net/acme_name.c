/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_name.c - one name: what is kept of it, when it is due, its orders and what comes of them. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "net/acme_inner.h"
#include "net/acme_time.h"
#include "tls/certs.h"

static struct gh_slice
slice_of(const struct gh_buf *buf)
{
    return (struct gh_slice){(const char *)buf->bytes, buf->len};
}

static void
wipe(struct gh_buf *buf)
{
    if (buf->bytes)
        explicit_bzero(buf->bytes, buf->capacity);
    gh_buf_done(buf);
}

static void
keep_state(struct gh_acme_name *name)
{
    struct gh_err err;

    if (gh_acme_state_write(&name->acme->store, name->name, &name->state, &err) != GH_OK)
        gh_log(GH_LOG_ERR, "acme.not_kept", "reason=%s", gh_log_quote(err.text));
}

/* ---- the certificate ---- */

/* Show the certificate in PEM, key before chain as it is kept, and plan when to renew it. */
static int
put(struct gh_acme_name *name, struct gh_buf *pem, struct gh_err *err)
{
    struct gh_acme *acme = name->acme;
    const char *text = gh_buf_text(pem), *chain = strstr(text, "-----BEGIN CERTIFICATE-----");
    struct gh_acme_cert cert;

    if (!chain)
        return gh_err_set(err, GH_E_INPUT, "there is no certificate in it");
    struct gh_slice chain_pem = {chain, strlen(chain)};
    int rc = gh_acme_cert_read(chain_pem, &cert, err);
    if (rc == GH_OK)
        rc = gh_certs_put(acme->certs, name->name, chain_pem,
                          (struct gh_slice){text, (size_t)(chain - text)}, err);
    if (rc != GH_OK)
        return rc;
    name->cert = cert;
    name->has_cert = true;
    name->renew_at_s = gh_acme_renew_at(cert.not_before_s, cert.not_after_s, gh_acme_chance());
    name->ask_ari_at_s = 0;
    return GH_OK;
}

static char *
path_of(const struct gh_acme_name *name)
{
    return gh_asprintf("certs/%s.pem", name->name);
}

static void
load_cert(struct gh_acme_name *name)
{
    char *path GH_SCOPED(gh_free) = path_of(name);
    struct gh_buf pem GH_SCOPED(wipe) = {0};
    struct gh_err err;

    int rc = gh_acme_store_read(&name->acme->store, path, &pem, &err);
    if (rc == GH_E_NOT_FOUND)
        return;
    if (rc == GH_OK)
        rc = put(name, &pem, &err);
    if (rc != GH_OK)
        gh_log(GH_LOG_ERR, "acme.not_usable", "name=%s reason=%s", name->name,
               gh_log_quote(err.text));
}

struct gh_acme_name *
gh_acme_name_load(struct gh_acme *acme, const char *text)
{
    struct gh_acme_name *name = gh_alloc(sizeof *name);

    name->acme = acme;
    name->name = gh_strdup(text);
    gh_acme_state_read(&acme->store, text, &name->state);
    name->is_wanted = name->state.failures > 0 || name->state.order_url;
    load_cert(name);
    return name;
}

void
gh_acme_name_free(struct gh_acme_name *name)
{
    gh_acme_order_cancel(&name->order);
    gh_acme_cancel(&name->ari);
    gh_p256_free(&name->key);
    gh_acme_state_done(&name->state);
    free(name->name);
    free(name);
}

void
gh_acme_name_give_up(struct gh_acme_name *name)
{
    gh_certs_give_up(name->acme->certs, name->name);
}

/* ---- when ---- */

bool
gh_acme_name_is_due(const struct gh_acme_name *name, int64_t now_s, int64_t *when_s_out)
{
    int64_t when_s = name->has_cert ? name->renew_at_s : 0;

    *when_s_out = 0;
    if (name->order || (!name->has_cert && !name->is_wanted))
        return false;
    if (name->state.next_try_s > when_s)
        when_s = name->state.next_try_s;
    *when_s_out = when_s;
    return now_s >= when_s;
}

/* ---- the order ---- */

static void
on_placed(void *context, const char *url)
{
    struct gh_acme_name *name = context;
    struct gh_buf secret GH_SCOPED(wipe) = {0};

    gh_p256_add_pem(name->key, &secret);
    gh_acme_state_set_order(&name->state, url, slice_of(&secret));
    keep_state(name);
}

static void
log_issued(const struct gh_acme_name *name, int64_t now_s)
{
    gh_log(GH_LOG_INFO, "acme.issued", "name=%s took_ms=%llu days=%.1f renew_in_h=%.1f", name->name,
           (unsigned long long)(uv_now(name->acme->loop) - name->ordered_at_ms),
           (double)(name->cert.not_after_s - now_s) / 86400,
           (double)(name->renew_at_s - now_s) / 3600);
}

/* The chain is there. A disk that does not take it costs the next start an order, not this one its certificate. */
static int
take(struct gh_acme_name *name, struct gh_slice chain, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = path_of(name);
    struct gh_buf pem GH_SCOPED(wipe) = {0};
    struct gh_err disk;

    gh_buf_reserve(&pem, chain.len + 4096); /* grown, it would leave the key behind */
    gh_p256_add_pem(name->key, &pem);
    gh_buf_add(&pem, chain.bytes, chain.len);
    int rc = put(name, &pem, err);
    if (rc == GH_OK &&
        gh_acme_store_write(&name->acme->store, path, slice_of(&pem), &disk) != GH_OK)
        gh_log(GH_LOG_ERR, "acme.not_kept", "name=%s reason=%s", name->name,
               gh_log_quote(disk.text));
    return rc;
}

static void
succeed(struct gh_acme_name *name)
{
    gh_acme_state_done(&name->state);
    name->state = (struct gh_acme_state){.by_alpn = name->state.by_alpn};
    name->is_wanted = false;
    keep_state(name);
    log_issued(name, gh_acme_now_s());
}

/* May the next try come at once? The first failure of a challenge may be that of its kind, and an account that the
 * CA has forgotten is made anew. */
static bool
may_retry_at_once(struct gh_acme_name *name, const struct gh_acme_reply *reply,
                  bool has_failed_challenge)
{
    bool is_auto = strcmp(name->acme->settings->acme_challenge, "auto") == 0;

    return name->state.failures == 1 &&
           ((has_failed_challenge && is_auto) || strcmp(reply->type, "accountDoesNotExist") == 0);
}

static void
fail(struct gh_acme_name *name, const struct gh_acme_reply *reply, bool is_lost,
     bool has_failed_challenge)
{
    struct gh_acme_state *state = &name->state;
    int64_t wait_s = 0;

    state->failures++;
    if (is_lost)
        gh_acme_state_set_order(state, NULL, (struct gh_slice){0});
    if (has_failed_challenge)
        state->by_alpn = !state->by_alpn;
    if (strcmp(reply->type, "accountDoesNotExist") == 0)
        gh_acme_forget_account(name->acme);
    if (!may_retry_at_once(name, reply, has_failed_challenge))
        wait_s = gh_acme_pause_s(name->acme, state->failures, reply);
    state->next_try_s = gh_acme_now_s() + wait_s;
    gh_acme_state_set_problem(state, reply->problem);
    keep_state(name);
    gh_log(GH_LOG_ERR, "acme.failed", "name=%s failures=%u next_try_in_s=%lld reason=%s",
           name->name, state->failures, (long long)wait_s, gh_log_quote(reply->problem));
    if (wait_s > 0)
        gh_acme_name_give_up(name);
}

static void
on_over(void *context, const struct gh_acme_reply *reply, bool is_lost, bool has_failed_challenge)
{
    struct gh_acme_name *name = context;
    struct gh_acme_reply useless = *reply;
    struct gh_err err;

    name->order = NULL;
    name->acme->order_count--;
    if (reply->outcome != GH_ACME_OK) {
        fail(name, reply, is_lost, has_failed_challenge);
    } else if (take(name, reply->body, &err) != GH_OK) {
        useless.outcome = GH_ACME_UNREACHABLE;
        useless.problem = err.text;
        fail(name, &useless, true, false);
    } else {
        succeed(name);
    }
    gh_p256_free(&name->key);
    gh_acme_look_soon(name->acme);
}

/* The key of the order that is gone on with, or a new one. */
static int
choose_key(struct gh_acme_name *name, struct gh_err *err)
{
    const char *kept = name->state.order_key_pem;

    if (kept && gh_p256_read((struct gh_slice){kept, strlen(kept)}, &name->key, NULL) == GH_OK)
        return GH_OK;
    gh_acme_state_set_order(&name->state, NULL, (struct gh_slice){0});
    return gh_p256_make(&name->key, err);
}

void
gh_acme_name_order(struct gh_acme_name *name)
{
    struct gh_acme *acme = name->acme;
    const struct gh_settings *settings = acme->settings;
    const char *challenge = settings->acme_challenge;
    bool is_auto = strcmp(challenge, "auto") == 0;
    struct gh_err err;

    if (choose_key(name, &err) != GH_OK) {
        const struct gh_acme_reply reply = {
            .outcome = GH_ACME_UNREACHABLE, .type = "", .problem = err.text};
        fail(name, &reply, false, false);
        return;
    }
    const struct gh_acme_order_plan plan = {
        .loop = acme->loop,
        .client = acme->client,
        .certs = acme->certs,
        .challenges = &acme->challenges,
        .account = acme->account_key,
        .key = name->key,
        .name = name->name,
        .profile = settings->acme_profile,
        .replaces = name->has_cert ? name->cert.id : "",
        .url = name->state.order_url,
        .by_alpn = is_auto ? name->state.by_alpn : strcmp(challenge, "tls-alpn-01") == 0,
        .is_strict = !is_auto,
        .on_placed = on_placed,
        .on_over = on_over,
        .context = name,
    };
    acme->order_count++;
    name->ordered_at_ms = uv_now(acme->loop);
    name->order = gh_acme_order_start(&plan);
    gh_log(GH_LOG_INFO, "acme.order", "name=%s is_renewal=%d", name->name, name->has_cert);
}
