/* SPDX-License-Identifier: Apache-2.0
 *
 * api/token_routes.c - /_gatehouse/v1/tokens: the tokens that this node gives out; and
 * /_gatehouse/v1/caller: who a call is run for. On the control socket only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/fields.h"
#include "api/routes.h"
#include "api/validity.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "pool/pool.h"
#include "wire/reply.h"

enum { USER, ACCESS, MODULE, EXPIRES, VALID_FOR, COUNT };

static const struct gh_field fields[COUNT] = {
    [USER] = {"user", GH_FIELD_TEXT, true},
    [ACCESS] = {"access", GH_FIELD_TEXT, true},
    [MODULE] = {"module", GH_FIELD_NAME, false},
    [EXPIRES] = {"expires_s", GH_FIELD_INT, false},
    [VALID_FOR] = {"valid_for_s", GH_FIELD_INT, false},
};

static void
refuse(struct gh_request *request, const struct gh_value *values, int field, const char *message)
{
    gh_fields_refuse(request, "body", fields[field].name, "value_error", message,
                     values[field].raw);
}

/* ---- what there is ---- */

static json_t *
describe(const struct gh_token *token)
{
    return json_pack("{s:I, s:s, s:s, s:s?, s:I, s:o}", "id", (json_int_t)token->id, "user",
                     token->user, "access", gh_level_name(token->level), "module", token->module,
                     "created_s", (json_int_t)token->created_s, "expires_s",
                     token->expires_s ? json_integer((json_int_t)token->expires_s) : json_null());
}

void
gh_route_tokens_list(struct gh_api *api, struct gh_request *request)
{
    const struct gh_token *token;
    int64_t now_s = (int64_t)time(NULL);
    json_t *list = json_array();

    for (token = api->auth->tokens.by_digest; token; token = token->hh.next) {
        json_t *item = describe(token);
        bool is_over = token->expires_s != 0 && token->expires_s <= now_s;
        json_object_set_new(item, "is_expired", json_boolean(is_over));
        json_array_append_new(list, item);
    }
    gh_reply_tree(request, 200, json_pack("{s:o}", "tokens", list));
}

/* ---- a new one ---- */

/* Returns 0; or -1, having answered 422. */
static int
take_level(struct gh_request *request, const struct gh_value *values, enum gh_level *level_out)
{
    if (gh_slice_is(values[ACCESS].text, "read")) {
        *level_out = GH_LEVEL_READ;
    } else if (gh_slice_is(values[ACCESS].text, "write")) {
        *level_out = GH_LEVEL_WRITE;
    } else {
        refuse(request, values, ACCESS, "Input should be 'read' or 'write'");
        return -1;
    }
    return 0;
}

static int
take_module(struct gh_request *request, const struct gh_value *values)
{
    struct gh_slice module = values[MODULE].text;

    if (values[MODULE].is_given && memchr(module.bytes, '/', module.len)) {
        refuse(request, values, MODULE,
               "A module is one part of a URL: use the key as `gatehouse modules` shows it");
        return -1;
    }
    return 0;
}

static void
create(struct gh_api *api, struct gh_request *request, const struct gh_value *values,
       const struct gh_token_order *order)
{
    char text[GH_TOKEN_TEXT_BYTES];
    const struct gh_token *token;
    struct gh_err err;

    switch (gh_tokens_create(&api->auth->tokens, order, text, &token, &err)) {
    case GH_OK:
        break;
    case GH_E_INPUT:
        refuse(request, values, USER, err.text);
        return;
    case GH_E_NO_ROOM:
        gh_reply_detail(request, 507, "%s", err.text);
        return;
    default:
        gh_reply_detail(request, 500, "%s", err.text);
        return;
    }
    gh_log(GH_LOG_INFO, "token.created", "id=%lld user=%s access=%s module=%s expires_s=%lld",
           (long long)token->id, gh_log_quote(token->user), gh_level_name(token->level),
           gh_log_quote(token->module ? token->module : ""), (long long)token->expires_s);
    json_t *tree = describe(token);
    json_object_set_new(tree, "token", json_string(text));
    explicit_bzero(text, sizeof text);
    gh_reply_secret(request, tree);
}

void
gh_route_tokens_create(struct gh_api *api, struct gh_request *request)
{
    struct gh_value values[COUNT];
    struct gh_token_order order;

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    if (take_level(request, values, &order.level) == 0 && take_module(request, values) == 0 &&
        gh_validity_take(request, &values[EXPIRES], &values[VALID_FOR], &order.expires_s) == 0) {
        order.user = values[USER].text;
        order.module = values[MODULE].text;
        create(api, request, values, &order);
    }
    gh_fields_done(values, COUNT);
}

/* ---- revoked ---- */

void
gh_route_tokens_revoke(struct gh_api *api, struct gh_request *request)
{
    struct gh_err err;
    int64_t id;

    if (gh_validity_take_id(request, &id) != 0)
        return;
    switch (gh_tokens_revoke(&api->auth->tokens, id, &err)) {
    case GH_OK:
        gh_log(GH_LOG_INFO, "token.revoked", "id=%lld", (long long)id);
        gh_reply_tree(request, 200, json_pack("{s:I}", "id", (json_int_t)id));
        break;
    case GH_E_NOT_FOUND:
        gh_reply_detail(request, 404, "There is no token %lld.", (long long)id);
        break;
    default:
        gh_reply_detail(request, 500, "%s", err.text);
        break;
    }
}

/* ---- who asks ---- */

/* {"user": "ann"} of the call that the worker names; null when it is over, has none, or none is named. */
void
gh_route_caller(struct gh_api *api, struct gh_request *request)
{
    struct gh_call *call = gh_api_outer_call(api, request);
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"user\":");
    if (call && call->user[0])
        gh_jsontext_quote(&out, call->user, strlen(call->user), GH_JSONTEXT_UTF8);
    else
        gh_buf_add_text(&out, "null");
    gh_buf_add_byte(&out, '}');
    gh_reply_json(request, 200, &out);
}
