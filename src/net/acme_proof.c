/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_proof.c - how an order proves its names, one authorisation after the other. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/acme_order_inner.h"
#include "net/jws.h"
#include "tls/certs.h"

#define HTTP_01 "http-01"
#define TLS_ALPN_01 "tls-alpn-01"

/* The CA is asked how it went as soon as nobody has come for the answer for so long: CAs look from several places
 * at once. Where nobody is seen to come (tls-alpn-01), after the longer time. */
#define SETTLE_MS 25u
#define UNSEEN_MS 250u
#define NOBODY_CAME_MS 2000u

static void next(struct gh_acme_order *order);

static const char *
status_of(const json_t *json)
{
    const char *status = json_string_value(json_object_get(json, "status"));
    return status ? status : "";
}

void
gh_acme_proof_end(struct gh_acme_order *order)
{
    if (order->is_shown)
        gh_acme_challenge_hide(order->plan.challenges, &order->shown);
    if (order->is_in_tls)
        gh_certs_drop_challenge(order->plan.certs, order->plan.name);
    order->is_shown = order->is_in_tls = false;
    gh_free(&order->token);
    gh_free(&order->answer);
}

/* ---- how it went ---- */

/* What the CA says of the challenge that failed, or of the authorisation. */
static void
refuse(struct gh_acme_order *order, const json_t *authorization)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    const json_t *challenge;
    size_t i;

    gh_buf_addf(&text, "the CA could not verify %s", order->plan.name);
    json_array_foreach(json_object_get(authorization, "challenges"), i, challenge)
    {
        const json_t *error = json_object_get(challenge, "error");
        const char *type = json_string_value(json_object_get(challenge, "type"));
        if (!error)
            continue;
        gh_buf_addf(&text, " by %s: ", type ? type : "?");
        gh_acme_add_problem(error, &text);
    }
    gh_acme_order_refuse(order, GH_ACME_REFUSED, gh_buf_text(&text), true);
}

static void on_validation(void *context, const struct gh_acme_reply *reply);

static const char *
authorization_url(const struct gh_acme_order *order)
{
    const char *url =
        json_string_value(json_array_get(order->authorizations, order->authorization));
    return url ? url : "";
}

static void
ask_how_it_went(uv_timer_t *timer)
{
    struct gh_acme_order *order = timer->data;

    gh_acme_post(order->plan.client, &order->ask, authorization_url(order), NULL, on_validation,
                 order);
}

static void
on_validation(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;
    const char *status = status_of(reply->json);

    if (reply->outcome != GH_ACME_OK)
        gh_acme_order_finish(order, reply, reply->outcome == GH_ACME_REFUSED, false);
    else if (strcmp(status, "pending") == 0 || strcmp(status, "processing") == 0)
        gh_acme_order_poll(order, gh_acme_order_pause_ms(order, reply), ask_how_it_went);
    else if (strcmp(status, "valid") == 0)
        next(order);
    else
        refuse(order, reply->json);
}

/* Somebody has come for the answer: the CA will know soon. Not once it has said when to ask again. */
static void
on_fetched(void *context)
{
    struct gh_acme_order *order = context;

    order->was_fetched = true;
    if (order->step == GH_ACME_STEP_VALIDATION && order->polls == 0 && !order->ask)
        uv_timer_start(&order->timer, ask_how_it_went, SETTLE_MS, 0);
}

/* ---- the challenge ---- */

static void
on_challenge(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    if (reply->outcome != GH_ACME_OK) {
        gh_acme_order_finish(order, reply, reply->outcome == GH_ACME_REFUSED, false);
        return;
    }
    gh_acme_order_enter(order, GH_ACME_STEP_VALIDATION);
    unsigned wait_ms = order->was_fetched ? SETTLE_MS
                       : order->is_in_tls ? UNSEEN_MS
                                          : NOBODY_CAME_MS;
    gh_acme_order_poll(order, wait_ms, ask_how_it_went);
}

static int
show(struct gh_acme_order *order, const char *type, const char *token, struct gh_err *err)
{
    struct gh_buf answer GH_SCOPED(gh_buf_done) = {0};

    gh_buf_addf(&answer, "%s.", token);
    gh_jws_add_thumbprint(order->plan.account, &answer);
    order->token = gh_strdup(token);
    order->answer = gh_strdup(gh_buf_text(&answer));
    if (strcmp(type, TLS_ALPN_01) == 0) {
        int rc =
            gh_acme_challenge_show_in_tls(order->plan.certs, order->plan.name, order->answer, err);
        order->is_in_tls = rc == GH_OK;
        return rc;
    }
    order->shown = (struct gh_acme_challenge){
        .token = order->token,
        .answer = order->answer,
        .on_fetched = on_fetched,
        .context = order,
    };
    gh_acme_challenge_show(order->plan.challenges, &order->shown);
    order->is_shown = true;
    order->was_fetched = false;
    return GH_OK;
}

/* The challenge of TYPE among those that AUTHORIZATION offers, or NULL. */
static const json_t *
find_challenge(const json_t *authorization, const char *type)
{
    const json_t *challenge;
    size_t i;

    json_array_foreach(json_object_get(authorization, "challenges"), i, challenge)
    {
        const char *its = json_string_value(json_object_get(challenge, "type"));
        if (its && strcmp(its, type) == 0)
            return challenge;
    }
    return NULL;
}

static void
meet(struct gh_acme_order *order, const json_t *authorization)
{
    const char *wanted = order->plan.by_alpn ? TLS_ALPN_01 : HTTP_01;
    const char *other = order->plan.by_alpn ? HTTP_01 : TLS_ALPN_01;
    const json_t *challenge = find_challenge(authorization, wanted);
    struct gh_err err;

    if (!challenge && !order->plan.is_strict)
        challenge = find_challenge(authorization, wanted = other);
    const char *url = json_string_value(json_object_get(challenge, "url"));
    const char *token = json_string_value(json_object_get(challenge, "token"));
    if (!url || !token || !gh_acme_challenge_is_token(token)) {
        gh_acme_order_refuse(order, GH_ACME_REFUSED,
                             "the CA offers no challenge that this node can meet", false);
        return;
    }
    if (show(order, wanted, token, &err) != GH_OK) {
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, err.text, false);
        return;
    }
    gh_acme_order_enter(order, GH_ACME_STEP_CHALLENGE);
    json_t *payload = json_object();
    gh_acme_post(order->plan.client, &order->ask, url, payload, on_challenge, order);
    json_decref(payload);
}

/* ---- the authorisation ---- */

static void
on_authorization(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;
    const char *status = status_of(reply->json);

    if (reply->outcome != GH_ACME_OK)
        gh_acme_order_finish(order, reply, reply->outcome == GH_ACME_REFUSED, false);
    else if (strcmp(status, "valid") == 0)
        next(order);
    else if (strcmp(status, "pending") == 0)
        meet(order, reply->json);
    else
        refuse(order, reply->json);
}

static void
prove(struct gh_acme_order *order)
{
    gh_acme_order_enter(order, GH_ACME_STEP_AUTHORISATION);
    gh_acme_post(order->plan.client, &order->ask, authorization_url(order), NULL, on_authorization,
                 order);
}

static void
next(struct gh_acme_order *order)
{
    gh_acme_proof_end(order);
    if (++order->authorization < json_array_size(order->authorizations))
        prove(order);
    else
        gh_acme_order_finalise(order);
}

void
gh_acme_proof_begin(struct gh_acme_order *order)
{
    order->authorization = 0;
    prove(order);
}
