/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_order.c - the steps of an order, and how it ends. The steps by which a name is proven are in
 * acme_proof.c. */
#include "net/acme_order.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/acme_cert.h"
#include "net/acme_order_inner.h"

#define POLL_FIRST_MS 30u /* twice as long each time */
#define POLL_LAST_MS 5000u
#define FINALISATIONS_MAX 3u
#define POLLING_MAX_MS 300000u /* then it is given up, and gone on with when it is its turn again */

static const char *const step_names[] = {
#define X(name, text) [GH_ACME_STEP_##name] = text,
    GH_ACME_STEPS(X)
#undef X
};

const char *
gh_acme_order_step(const struct gh_acme_order *order)
{
    return step_names[order->step];
}

/* ---- the end ---- */

static void
on_closed(uv_handle_t *handle)
{
    struct gh_acme_order *order = handle->data;

    json_decref(order->authorizations);
    free(order->url);
    free(order->finalize_url);
    free(order->certificate_url);
    free(order);
}

static void
let_go(struct gh_acme_order *order)
{
    gh_acme_proof_end(order);
    gh_acme_cancel(&order->ask);
    uv_close((uv_handle_t *)&order->timer, on_closed);
}

void
gh_acme_order_cancel(struct gh_acme_order **order_of)
{
    struct gh_acme_order *order = gh_take(*order_of);

    if (order)
        let_go(order);
}

void
gh_acme_order_finish(struct gh_acme_order *order, const struct gh_acme_reply *reply, bool is_lost,
                     bool has_failed_challenge)
{
    const struct gh_acme_order_plan plan = order->plan;

    let_go(order);
    plan.on_over(plan.context, reply, is_lost, has_failed_challenge);
}

void
gh_acme_order_refuse(struct gh_acme_order *order, enum gh_acme_outcome outcome, const char *problem,
                     bool has_failed_challenge)
{
    const struct gh_acme_reply reply = {
        .outcome = outcome, .body = {"", 0}, .type = "", .problem = problem};
    gh_acme_order_finish(order, &reply, outcome == GH_ACME_REFUSED, has_failed_challenge);
}

/* What the CA says ended it; whether it can be gone on with depends on that alone. */
static void
end_by_reply(struct gh_acme_order *order, const struct gh_acme_reply *reply)
{
    gh_acme_order_finish(order, reply, reply->outcome == GH_ACME_REFUSED, false);
}

/* ---- asking ---- */

void
gh_acme_order_enter(struct gh_acme_order *order, enum gh_acme_step step)
{
    order->step = step;
    order->polls = 0;
    order->polling_since_ms = uv_now(order->plan.loop);
    gh_log(GH_LOG_DEBUG, "acme.step", "name=%s step=%s", order->plan.name, step_names[step]);
}

void
gh_acme_order_poll(struct gh_acme_order *order, unsigned wait_ms, uv_timer_cb on_time)
{
    uv_update_time(order->plan.loop);
    if (uv_now(order->plan.loop) - order->polling_since_ms > POLLING_MAX_MS) {
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, "the CA does not come to an end", false);
        return;
    }
    uv_timer_start(&order->timer, on_time, wait_ms, 0);
}

unsigned
gh_acme_order_pause_ms(struct gh_acme_order *order, const struct gh_acme_reply *reply)
{
    unsigned wait_ms = POLL_FIRST_MS;

    for (unsigned i = 0; i < order->polls && wait_ms < POLL_LAST_MS; i++)
        wait_ms *= 2;
    order->polls++;
    if (reply->retry_after_s > 0)
        wait_ms = reply->retry_after_s < POLLING_MAX_MS / 1000 ? reply->retry_after_s * 1000
                                                               : POLLING_MAX_MS;
    return wait_ms < POLL_LAST_MS || reply->retry_after_s > 0 ? wait_ms : POLL_LAST_MS;
}

/* ---- the order itself ---- */

static void place(struct gh_acme_order *order);
static void on_order(void *context, const struct gh_acme_reply *reply);

static void
ask_again(uv_timer_t *timer)
{
    struct gh_acme_order *order = timer->data;

    gh_acme_post(order->plan.client, &order->ask, order->url, NULL, on_order, order);
}

static void
on_chain(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    if (reply->outcome == GH_ACME_OK && !strstr(reply->body.bytes, "-----BEGIN CERTIFICATE-----"))
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, "what the CA sends is no certificate",
                             false);
    else
        end_by_reply(order, reply);
}

static void
download(struct gh_acme_order *order)
{
    gh_acme_order_enter(order, GH_ACME_STEP_DOWNLOAD);
    gh_acme_post(order->plan.client, &order->ask, order->certificate_url, NULL, on_chain, order);
}

void
gh_acme_order_finalise(struct gh_acme_order *order)
{
    struct gh_buf request GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    gh_acme_order_enter(order, GH_ACME_STEP_FINALISING);
    if (++order->finalisations > FINALISATIONS_MAX) {
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, "the CA does not take the order as ready",
                             false);
        return;
    }
    if (gh_acme_cert_request(order->plan.key, order->plan.name, &request, &err) != GH_OK) {
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, err.text, false);
        return;
    }
    json_t *payload = json_pack("{s:s}", "csr", gh_buf_text(&request));
    gh_acme_post(order->plan.client, &order->ask, order->finalize_url, payload, on_order, order);
    json_decref(payload);
}

static void
refuse_invalid(struct gh_acme_order *order, const json_t *json)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&text, "the CA calls the order invalid: ");
    gh_acme_add_problem(json_object_get(json, "error"), &text);
    gh_acme_order_refuse(order, GH_ACME_REFUSED, gh_buf_text(&text), false);
}

static void
keep_text(char **slot, const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        return;
    free(*slot);
    *slot = gh_strdup(text);
}

/* Go where the order's status says. */
static void
follow(struct gh_acme_order *order, const struct gh_acme_reply *reply)
{
    const char *status = json_string_value(json_object_get(reply->json, "status"));
    bool has_finalise = order->finalize_url != NULL;

    if (status && strcmp(status, "pending") == 0 && json_array_size(order->authorizations) > 0 &&
        order->step < GH_ACME_STEP_FINALISING)
        gh_acme_proof_begin(order);
    else if (status && strcmp(status, "ready") == 0 && has_finalise)
        gh_acme_order_finalise(order);
    else if (status && strcmp(status, "valid") == 0 && order->certificate_url)
        download(order);
    else if (status && strcmp(status, "invalid") == 0)
        refuse_invalid(order, reply->json);
    else if (status && (strcmp(status, "processing") == 0 || strcmp(status, "pending") == 0)) {
        if (order->step != GH_ACME_STEP_ISSUING)
            gh_acme_order_enter(order, GH_ACME_STEP_ISSUING);
        gh_acme_order_poll(order, gh_acme_order_pause_ms(order, reply), ask_again);
    } else
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, "the CA's order makes no sense", false);
}

/* A new order, one that is asked about again, or what finalising it led to: all are answered with it. */
static void
on_order(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    if (strcmp(reply->type, "orderNotReady") == 0) {
        gh_acme_order_enter(order, GH_ACME_STEP_ISSUING);
        gh_acme_order_poll(order, gh_acme_order_pause_ms(order, reply), ask_again);
        return;
    }
    if (reply->outcome != GH_ACME_OK) {
        end_by_reply(order, reply);
        return;
    }
    const json_t *authorizations = json_object_get(reply->json, "authorizations");
    if (json_is_array(authorizations) && !order->authorizations)
        order->authorizations = json_deep_copy(authorizations);
    keep_text(&order->finalize_url, reply->json, "finalize");
    keep_text(&order->certificate_url, reply->json, "certificate");
    follow(order, reply);
}

/* ---- the start ---- */

static void
on_placed(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    /* What is renewed may have been replaced already, or be unknown: the CA's advice is no condition. */
    if (reply->outcome == GH_ACME_REFUSED && *order->plan.replaces &&
        (reply->status == 409 || reply->status == 404 || strcmp(reply->type, "malformed") == 0 ||
         strcmp(reply->type, "alreadyReplaced") == 0)) {
        order->plan.replaces = "";
        place(order);
        return;
    }
    if (reply->outcome == GH_ACME_OK && reply->location) {
        free(order->url);
        order->url = gh_strdup(reply->location);
        order->plan.on_placed(order->plan.context, order->url);
    }
    if (reply->outcome == GH_ACME_OK && !order->url)
        gh_acme_order_refuse(order, GH_ACME_UNREACHABLE, "the CA does not say where the order is",
                             false);
    else
        on_order(order, reply);
}

static void
place(struct gh_acme_order *order)
{
    const struct gh_acme_order_plan *plan = &order->plan;
    json_t *payload =
        json_pack("{s:[{s:s, s:s}]}", "identifiers", "type", "dns", "value", plan->name);

    if (*plan->profile)
        json_object_set_new(payload, "profile", json_string(plan->profile));
    if (*plan->replaces &&
        json_object_get(gh_acme_client_directory(plan->client), "renewalInfo")) /* it knows that */
        json_object_set_new(payload, "replaces", json_string(plan->replaces));
    gh_acme_post(plan->client, &order->ask, "newOrder", payload, on_placed, order);
    json_decref(payload);
}

static void
on_resumed(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    if (reply->outcome != GH_ACME_REFUSED) {
        on_order(order, reply);
        return;
    }
    gh_free(&order->url); /* the CA has forgotten it */
    place(order);
}

/* The directory is known: it says what an order may hold. */
static void
on_directory(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme_order *order = context;

    if (reply->outcome != GH_ACME_OK)
        end_by_reply(order, reply);
    else if (order->url)
        gh_acme_post(order->plan.client, &order->ask, order->url, NULL, on_resumed, order);
    else
        place(order);
}

/* In the loop's next turn, so that nobody is called from within gh_acme_order_start. */
static void
begin(uv_timer_t *timer)
{
    struct gh_acme_order *order = timer->data;

    gh_acme_get(order->plan.client, &order->ask, NULL, on_directory, order);
}

struct gh_acme_order *
gh_acme_order_start(const struct gh_acme_order_plan *plan)
{
    struct gh_acme_order *order = gh_alloc(sizeof *order);

    order->plan = *plan;
    order->url = plan->url ? gh_strdup(plan->url) : NULL;
    uv_timer_init(plan->loop, &order->timer);
    order->timer.data = order;
    gh_acme_order_enter(order, GH_ACME_STEP_ORDER);
    uv_timer_start(&order->timer, begin, 0, 0);
    return order;
}
