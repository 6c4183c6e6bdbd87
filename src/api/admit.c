/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "auth/auth.h"
#include "auth/bearer.h"
#include "base/alloc.h"
#include "base/ip.h"
#include "base/log.h"
#include "conf/settings.h"
#include "store/cluster.h"
#include "store/keys.h"
#include "wire/reply.h"
#include "wire/tokentext.h"

#define LATE_BODY_MAX_BYTES (64u << 10) /* of a request whose body says what it is about */

/* The client's server has these words, and clients look for them. Source: auth.md sections 4 and 5. */
#define NO_TOKEN                                                                                   \
    "No Runhouse token provided. Try running `$ runhouse login` or visiting "                      \
    "https://run.house/login to retrieve a token. If calling via HTTP, please provide a valid "    \
    "token in the Authorization header."
#define NOT_FOR_THE_NODE "Cluster access is required for this operation."

static bool
is_checked(const struct gh_api *api, const struct gh_request *request)
{
    return api->auth && api->settings->use_den_auth && !request->is_local;
}

/* ---- refusals ---- */

static const struct gh_header plain_challenge[] = {
    {"WWW-Authenticate", "Bearer realm=\"gatehouse\""},
    {NULL, NULL},
};

/* Also beside 403, which the client expects for a wrong token. Source: RFC 9110 section 11.6.1, RFC 6750
 * section 3.1. */
static const struct gh_header invalid_challenge[] = {
    {"WWW-Authenticate", "Bearer realm=\"gatehouse\", error=\"invalid_token\""},
    {NULL, NULL},
};

/* The address that wrong tokens count for: of IPv6 the network, since whoever has one address of a /64 has
 * all of them. */
static void
take_address(struct gh_request *request, struct gh_http_address *out)
{
    struct gh_ip ip;

    request->sink->addresses(request, out, NULL);
    if (!gh_ip_read(out->host, strlen(out->host), &ip))
        return;
    ip = gh_ip_party(&ip);
    gh_ip_write(&ip, out->host);
}

unsigned
gh_admit_count_failure(struct gh_api *api, struct gh_request *request)
{
    struct gh_http_address address;

    take_address(request, &address);
    struct gh_digest digest =
        gh_digest_of(gh_bearer_token(request->sink->header(request, "Authorization")));
    unsigned wait_s =
        gh_throttle_fail(&api->auth->throttle, address.host, &digest, uv_now(api->loop));
    gh_log(GH_LOG_DEBUG, "auth.wrong_token", "request_id=%s address=%s wait_s=%u", request->id,
           gh_log_quote(address.host), wait_s);
    return wait_s;
}

static void
refuse_by(struct gh_request *request, enum gh_verdict verdict, struct gh_slice key)
{
    switch (verdict) {
    case GH_NO_TOKEN:
        request->denied = request->denied ? request->denied : "no_token";
        gh_reply_detail(request, 401, "%s", NO_TOKEN);
        break;
    case GH_NOT_FOR_THE_KEY:
        request->denied = request->denied ? request->denied : "not_for_the_key";
        gh_reply_detail(request, 403, "Unauthorized access to resource %.*s.", (int)key.len,
                        key.bytes);
        break;
    case GH_NOT_FOR_THE_NODE:
    case GH_ALLOWED:
    default:
        request->denied = request->denied ? request->denied : "not_for_the_node";
        gh_reply_detail(request, 403, "%s", NOT_FOR_THE_NODE);
        break;
    }
}

static void
refuse(struct gh_api *api, struct gh_request *request, const struct gh_caller *caller,
       enum gh_verdict verdict, struct gh_slice key)
{
    unsigned wait_s = 0;

    if (caller->kind == GH_CALLER_NOBODY)
        request->headers = plain_challenge;
    if (caller->kind == GH_CALLER_STRANGER) {
        request->headers = invalid_challenge;
        request->denied = "wrong_token";
        wait_s = gh_admit_count_failure(api, request);
    }
    if (wait_s > 0) {
        request->denied = "throttled";
        request->retry_after_s = wait_s;
        gh_reply_detail(request, 429,
                        "Too many wrong tokens have come from this address; it must wait %u s. A "
                        "right token is served at once.",
                        wait_s);
    } else {
        refuse_by(request, verdict, key);
    }
    request->headers = NULL;
}

/* ---- waiting for Den ---- */

/* One request that cannot be decided yet. */
struct wait {
    struct gh_denfact_wait fact;
    struct gh_api *api;
    struct gh_request *request;
    gh_admit_step *step;
};

static void
on_fact(void *context)
{
    struct wait *wait = context;
    struct gh_request *request = wait->request;
    struct gh_api *api = wait->api;
    gh_admit_step *step = wait->step;

    request->on_gone = NULL;
    free(wait);
    step(api, request);
}

static void
on_waiter_gone(struct gh_request *request, void *context)
{
    struct wait *wait = context;

    (void)request;
    gh_denfact_leave(&wait->fact);
    free(wait);
}

static void
wait_for(struct gh_api *api, struct gh_request *request, struct gh_denfact *fact,
         gh_admit_step *step)
{
    struct wait *wait = gh_alloc(sizeof *wait);

    *wait = (struct wait){.api = api, .request = request, .step = step};
    wait->fact.fn = on_fact;
    wait->fact.context = wait;
    gh_denfact_await(fact, &wait->fact);
    request->on_gone = on_waiter_gone;
    request->on_gone_context = wait;
}

/* ---- the decision ---- */

/* For an address that is to wait Den is not asked about new tokens: it would be a way to guess at Den's. */
static enum gh_denfact_asking
asking_for(struct gh_api *api, struct gh_request *request)
{
    struct gh_http_address address;

    take_address(request, &address);
    bool is_to_wait = gh_throttle_wait_s(&api->auth->throttle, address.host, uv_now(api->loop)) > 0;
    return is_to_wait ? GH_DENFACT_ASK_AGAIN : GH_DENFACT_ASK;
}

static void
ask(struct gh_api *api, struct gh_request *request, enum gh_need need, struct gh_slice key,
    struct gh_auth_question *question)
{
    const struct gh_key *entry = key.len ? gh_keys_find(api->keys, key) : NULL;
    bool is_resource = entry && entry->is_resource;

    *question = (struct gh_auth_question){
        .authorization = request->sink->header(request, "Authorization"),
        .need = need,
        .object = {.key = key,
                   .is_unlisted = is_resource && entry->visibility &&
                                  strcmp(entry->visibility, "unlisted") == 0,
                   .address = is_resource ? entry->address : NULL},
        .node_address = gh_cluster_address(api->cluster),
        .asking = GH_DENFACT_ASK_NEVER,
    };
}

/* What is in memory comes first: most callers are known, and need no look at where they come from. */
static enum gh_auth_state
decide(struct gh_api *api, struct gh_request *request, struct gh_auth_question *question,
       struct gh_auth_answer *answer)
{
    question->asking = GH_DENFACT_ASK_NEVER;
    enum gh_auth_state state = gh_auth_decide(api->auth, question, answer);
    if (state == GH_AUTH_DECIDED &&
        (answer->verdict == GH_ALLOWED || answer->caller.kind == GH_CALLER_NOBODY))
        return state;
    question->asking = asking_for(api, request);
    return gh_auth_decide(api->auth, question, answer);
}

static void
take_user(struct gh_request *request, const struct gh_caller *caller)
{
    if (caller->user[0])
        snprintf(request->user, sizeof request->user, "%s", caller->user);
}

static void
cannot_say(struct gh_request *request, unsigned retry_after_s)
{
    request->denied = "den_failed";
    gh_reply_busy(request, retry_after_s,
                  "Den, which knows who may do this, cannot be asked now. Try again in %u s.",
                  retry_after_s);
}

/* What follows of STATE and ANSWER. */
static enum gh_admission
settle(struct gh_api *api, struct gh_request *request, const struct gh_auth_question *question,
       enum gh_auth_state state, const struct gh_auth_answer *answer, gh_admit_step *step)
{
    switch (state) {
    case GH_AUTH_WAITS:
        wait_for(api, request, answer->fact, step);
        return GH_ADMISSION_WAITS;
    case GH_AUTH_CANNOT_SAY:
        cannot_say(request, answer->retry_after_s);
        return GH_REFUSED;
    case GH_AUTH_DECIDED:
    default:
        break;
    }
    take_user(request, &answer->caller);
    if (answer->verdict == GH_ALLOWED)
        return GH_ADMITTED;
    refuse(api, request, &answer->caller, answer->verdict, question->object.key);
    return GH_REFUSED;
}

enum gh_admission
gh_admit_for(struct gh_api *api, struct gh_request *request, enum gh_need need, struct gh_slice key,
             gh_admit_step *step)
{
    struct gh_auth_question question;
    struct gh_auth_answer answer;

    if (!is_checked(api, request))
        return GH_ADMITTED;
    ask(api, request, need, key, &question);
    enum gh_auth_state state = decide(api, request, &question, &answer);
    return settle(api, request, &question, state, &answer, step);
}

bool
gh_admit_sees_node(struct gh_api *api, struct gh_request *request)
{
    struct gh_auth_question question;
    struct gh_auth_answer answer;

    if (!is_checked(api, request))
        return true;
    ask(api, request, GH_NEED_CLUSTER, (struct gh_slice){"", 0}, &question);
    return gh_auth_decide(api->auth, &question, &answer) == GH_AUTH_DECIDED &&
           answer.verdict == GH_ALLOWED;
}

static bool
has_small_body(struct gh_request *request)
{
    const char *len = request->sink->header(request, "Content-Length");
    return !request->has_body || (len && strtoull(len, NULL, 10) <= LATE_BODY_MAX_BYTES);
}

/* The body says what it is about. Only a little is taken of whoever is not known. */
static enum gh_admission
admit_body(struct gh_api *api, struct gh_request *request, gh_admit_step *step)
{
    struct gh_auth_question question;
    struct gh_auth_answer answer;

    ask(api, request, GH_NEED_OBJECT, (struct gh_slice){"", 0}, &question);
    if (has_small_body(request)) {
        gh_auth_decide(api->auth, &question, &answer);
        take_user(request, &answer.caller);
        return GH_ADMITTED;
    }
    enum gh_auth_state state = decide(api, request, &question, &answer);
    if (answer.caller.kind == GH_CALLER_KNOWN)
        answer.verdict = GH_ALLOWED;
    else
        answer.verdict = answer.caller.kind == GH_CALLER_NOBODY ? GH_NO_TOKEN : GH_NOT_FOR_THE_NODE;
    return settle(api, request, &question, state, &answer, step);
}

/* A certificate that client_ca lets in says who asks, until a token says it better. It gives no right. */
static void
name_by_certificate(struct gh_request *request)
{
    struct gh_slice name = {request->tls_user, strlen(request->tls_user)};

    if (!request->user[0] && gh_token_user_is_valid(name))
        snprintf(request->user, sizeof request->user, "%s", request->tls_user);
}

enum gh_admission
gh_admit(struct gh_api *api, struct gh_request *request, gh_admit_step *step)
{
    const struct gh_route *route = request->route;
    struct gh_buf scratch GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice key = {"", 0};

    name_by_certificate(request);
    if (route->need == GH_NEED_NOTHING || !is_checked(api, request))
        return GH_ADMITTED;
    int segment = gh_route_segment(route, "{key}");
    if (segment >= 0)
        key = gh_url_plain(request->url.segments[segment], &scratch);
    if (route->need == GH_NEED_OBJECT && segment < 0)
        return admit_body(api, request, step);
    return gh_admit_for(api, request, route->need, key, step);
}

/* ---- pickles ---- */

static bool
refuses_pickle(const struct gh_declared *declared, struct gh_slice key)
{
    for (size_t i = 0; i < declared->module_count; i++)
        if (gh_slice_is(key, declared->modules[i].name))
            return declared->modules[i].refuses_pickle;
    return false;
}

bool
gh_admit_data(struct gh_api *api, struct gh_request *request, enum gh_serialization serialization,
              struct gh_slice key)
{
    const struct gh_settings *settings = api->settings;

    if (serialization != GH_SERIALIZATION_PICKLE || request->is_local ||
        (!settings->refuse_pickle && !refuses_pickle(&settings->declared, key)))
        return true;
    request->denied = "pickle";
    gh_reply_detail(request, 415,
                    "%s takes no pickles from the network (refuse_pickle). Send serialization "
                    "'json' or 'none' with data as JSON.",
                    settings->refuse_pickle ? "This node" : "This module");
    return false;
}
