/* SPDX-License-Identifier: Apache-2.0 */
#include "api/den_ask.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/admit.h"
#include "api/routes.h"
#include "auth/bearer.h"
#include "base/alloc.h"
#include "den/uri.h"
#include "den/users.h"
#include "store/cluster.h"
#include "wire/jsonscan.h"
#include "wire/reply.h"

/* ---- refusals ---- */

/* Source: RFC 6750 section 3.1. */
static const struct gh_header plain_challenge[] = {
    {"WWW-Authenticate", "Bearer realm=\"den\""},
    {NULL, NULL},
};

static const struct gh_header invalid_challenge[] = {
    {"WWW-Authenticate", "Bearer realm=\"den\", error=\"invalid_token\""},
    {NULL, NULL},
};

static void
refuse_no_token(struct gh_request *request)
{
    request->denied = "no_token";
    request->headers = plain_challenge;
    gh_reply_detail(request, 401,
                    "The Den needs a token: log in with yours (runhouse login), or send it as "
                    "'Authorization: Bearer TOKEN'.");
    request->headers = NULL;
}

static void
refuse_wrong_token(struct gh_api *api, struct gh_request *request)
{
    unsigned wait_s = gh_admit_count_failure(api, request);

    request->headers = invalid_challenge;
    request->denied = wait_s > 0 ? "throttled" : "wrong_token";
    request->retry_after_s = wait_s;
    if (wait_s > 0)
        gh_reply_detail(request, 429,
                        "Too many wrong tokens have come from this address; it must wait %u s. A "
                        "right token is served at once.",
                        wait_s);
    else
        gh_reply_detail(request, 401, "The Den does not know this token, or it is good no more.");
    request->headers = NULL;
}

static void
refuse_not_there(struct gh_request *request, const struct gh_den_ask *ask)
{
    struct gh_buf address GH_SCOPED(gh_buf_done) = {0};

    if (ask->uri.len > 0)
        gh_den_uri_add_address(ask->uri, &address);
    gh_reply_detail(request, 404, "There is no resource %s for %s.",
                    ask->uri.len > 0 ? gh_buf_text(&address) : "of this name", ask->user->name);
}

static void
refuse_not_allowed(struct gh_request *request, const struct gh_den_ask *ask, const char *why)
{
    request->denied = "den";
    gh_reply_detail(request, 403, "%s %s", ask->user->name, why);
}

static void
refuse_too_much(struct gh_request *request, const struct gh_den_ask *ask, unsigned wait_s)
{
    request->denied = "throttled";
    request->retry_after_s = wait_s;
    gh_reply_detail(request, 429,
                    "%s has sent this Den more to keep than it takes at once; go on in %u s.",
                    ask->user->name, wait_s);
}

/* ---- the decision ---- */

/* Returns 0; or -1, having answered. */
static int
take_token(struct gh_api *api, struct gh_request *request, struct gh_den_ask *ask)
{
    ask->den = api->den;
    ask->token_text = gh_bearer_token(request->sink->header(request, "Authorization"));
    if (ask->token_text.len == 0) {
        refuse_no_token(request);
        return -1;
    }
    struct gh_digest digest = gh_digest_of(ask->token_text);
    ask->token = gh_den_token_find(ask->den, &digest, (int64_t)time(NULL));
    if (!ask->token) {
        refuse_wrong_token(api, request);
        return -1;
    }
    ask->user = ask->token->user;
    return 0;
}

static int
check_len(struct gh_request *request, unsigned long long len)
{
    if (len <= GH_DEN_BODY_MAX_BYTES)
        return 0;
    gh_reply_detail(request, 413, "The Den takes bodies of up to %u bytes.", GH_DEN_BODY_MAX_BYTES);
    return -1;
}

bool
gh_den_admit(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask = {0};

    if (take_token(api, request, &ask) != 0)
        return false;
    snprintf(request->user, sizeof request->user, "%s", ask.user->name);
    const char *len = request->sink->header(request, "Content-Length");
    return check_len(request, len ? strtoull(len, NULL, 10) : 0) == 0;
}

bool
gh_den_may_save(struct gh_api *api, struct gh_request *request)
{
    struct gh_slice text = gh_bearer_token(request->sink->header(request, "Authorization"));
    const char *len = request->sink->header(request, "Content-Length");

    if (!api->den || text.len == 0 || !len || strtoull(len, NULL, 10) > GH_DEN_BODY_MAX_BYTES)
        return false;
    struct gh_digest digest = gh_digest_of(text);
    const struct gh_den_token *token = gh_den_token_find(api->den, &digest, (int64_t)time(NULL));
    if (!token || token->parent)
        return false;
    snprintf(request->user, sizeof request->user, "%s", token->user->name);
    return true;
}

bool
gh_den_is_save(const struct gh_request *request)
{
    struct gh_jsonscan scan;
    struct gh_slice name, value;
    enum gh_jsonscan_result result;
    bool is_config = false;

    gh_jsonscan_start(&scan, request->body.bytes, request->body.len);
    while ((result = gh_jsonscan_next(&scan, &name, &value)) == GH_JSONSCAN_MEMBER) {
        if (gh_slice_is(name, "\"serialized_data\""))
            return false;
        is_config = is_config || gh_slice_is(name, "\"resource_type\"");
    }
    return is_config && result == GH_JSONSCAN_END;
}

static void
take_uri(struct gh_request *request, struct gh_den_ask *ask)
{
    int segment = gh_route_segment(request->route, "{uri}");

    if (segment < 0)
        return;
    struct gh_slice uri = gh_url_plain(request->url.segments[segment], &ask->uri_text);
    if (gh_den_uri_is_valid(uri))
        ask->uri = uri;
}

/* Returns 0; or -1, having answered. */
static int
take_resource(struct gh_request *request, struct gh_den_ask *ask, enum gh_level least)
{
    if (gh_den_token_reaches(ask->token, ask->uri)) {
        ask->resource = gh_den_resource_find(ask->den, ask->uri);
        ask->level = gh_den_level(ask->den, ask->user, ask->uri);
    }
    if (!ask->resource || ask->level < GH_LEVEL_READ) {
        ask->resource = NULL;
        refuse_not_there(request, ask);
        return -1;
    }
    if (!ask->token->parent)
        gh_den_token_learn(ask->den, ask->token, ask->token_text, ask->resource->owner);
    if (ask->level >= least)
        return 0;
    refuse_not_allowed(request, ask, "may read this resource, but not change it.");
    return -1;
}

static int
begin(struct gh_api *api, struct gh_request *request, enum gh_den_need need, struct gh_den_ask *ask)
{
    bool is_for_nodes = need == GH_DEN_TOKEN || need == GH_DEN_LOOK || need == GH_DEN_REPORT;
    enum gh_level least =
        need == GH_DEN_WRITE || need == GH_DEN_REPORT ? GH_LEVEL_WRITE : GH_LEVEL_READ;

    if (take_token(api, request, ask) != 0 || check_len(request, request->body.len) != 0)
        return -1;
    if (ask->token->parent && !is_for_nodes) {
        refuse_not_allowed(request, ask,
                           "asks with a token for clusters, which is good for nodes and for no "
                           "more than to look: this needs the user's own token.");
        return -1;
    }
    take_uri(request, ask);
    if (need == GH_DEN_TOKEN || need == GH_DEN_OWN_TOKEN)
        return 0;
    return take_resource(request, ask, least);
}

int
gh_den_ask_begin(struct gh_api *api, struct gh_request *request, enum gh_den_need need,
                 struct gh_den_ask *ask)
{
    *ask = (struct gh_den_ask){0};
    int rc = begin(api, request, need, ask);
    if (rc != 0)
        gh_den_ask_done(ask);
    return rc;
}

/* Returns 0, having counted what is written; or -1, having answered. */
static int
meter(struct gh_request *request, struct gh_den_ask *ask, bool is_report)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    size_t len = request->body.len;
    unsigned of_user_s = gh_den_meter_wait_s(&ask->user->meter, &gh_den_pace_of_user, len, now_ms);
    unsigned of_resource_s = is_report ? gh_den_meter_wait_s(&ask->resource->meter,
                                                             &gh_den_pace_of_resource, len, now_ms)
                                       : 0;

    if (of_user_s == 0 && of_resource_s == 0) {
        gh_den_meter_add(&ask->user->meter, &gh_den_pace_of_user, len, now_ms);
        if (is_report)
            gh_den_meter_add(&ask->resource->meter, &gh_den_pace_of_resource, len, now_ms);
        return 0;
    }
    refuse_too_much(request, ask, of_user_s > of_resource_s ? of_user_s : of_resource_s);
    return -1;
}

int
gh_den_ask_begin_change(struct gh_api *api, struct gh_request *request, enum gh_den_need need,
                        struct gh_den_ask *ask)
{
    int rc = gh_den_ask_begin(api, request, need, ask);

    if (rc == 0)
        rc = meter(request, ask, need == GH_DEN_REPORT);
    if (rc != 0)
        gh_den_ask_done(ask);
    return rc;
}

void
gh_den_ask_done(struct gh_den_ask *ask)
{
    gh_buf_done(&ask->uri_text);
}

/* ---- answers ---- */

void
gh_den_reply(struct gh_request *request, json_t *data)
{
    gh_reply_tree(request, 200, json_pack("{s:o}", "data", data));
}

void
gh_den_reply_error(struct gh_request *request, const struct gh_err *err)
{
    static const unsigned statuses[] = {
        [GH_E_INPUT] = 422, [GH_E_NOT_FOUND] = 404, [GH_E_NO_ROOM] = 507, [GH_E_SYSTEM] = 500};
    gh_reply_detail(request, statuses[err->code], "%s", err->text);
}

void
gh_den_node_uri(struct gh_api *api, struct gh_buf *out)
{
    const char *name = json_string_value(json_object_get(api->cluster->config, "name"));

    if (name)
        gh_den_uri_of((struct gh_slice){name, strlen(name)}, out);
}
