/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_own_users.c - /_gatehouse/v1/den/users and /tokens: whom the embedded Den knows. On the control
 * socket only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/den_ask.h"
#include "api/den_own.h"
#include "api/routes.h"
#include "api/validity.h"
#include "base/alloc.h"
#include "base/log.h"
#include "den/users.h"
#include "wire/reply.h"

bool
gh_den_own_is_on(struct gh_api *api, struct gh_request *request)
{
    if (!api->den)
        gh_reply_detail(request, 404, "This node is no Den: gatehoused was started without --den.");
    return api->den != NULL;
}

struct gh_den_user *
gh_den_own_user(struct gh_api *api, struct gh_request *request)
{
    int segment = gh_route_segment(request->route, "{name}");
    struct gh_buf scratch GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice name = gh_url_plain(request->url.segments[segment], &scratch);
    struct gh_den_user *user = gh_den_user_find(api->den, name);

    if (!user)
        gh_reply_detail(request, 404, "There is no user %.*s.",
                        (int)(name.len < 100 ? name.len : 100), name.bytes);
    return user;
}

struct gh_den_user *
gh_den_own_user_of(struct gh_api *api, struct gh_request *request, const struct gh_field *field,
                   const struct gh_value *value)
{
    struct gh_den_user *user = gh_den_user_find(api->den, value->text);

    if (!user)
        gh_fields_refuse(request, "body", field->name, "value_error",
                         "There is no such user; 'gatehouse den user list' has them", value->raw);
    return user;
}

/* ---- users ---- */

static json_t *
describe_user(const struct gh_den_user *user)
{
    return json_pack("{s:s, s:s?, s:I, s:i, s:i}", "name", user->name, "email", user->email,
                     "created_s", (json_int_t)user->created_s, "tokens", (int)user->token_count,
                     "resources", (int)user->resource_count);
}

void
gh_route_den_own_users(struct gh_api *api, struct gh_request *request)
{
    if (!gh_den_own_is_on(api, request))
        return;
    json_t *list = json_array();
    for (const struct gh_den_user *user = api->den->users; user; user = user->hh.next)
        json_array_append_new(list, describe_user(user));
    gh_reply_tree(request, 200, json_pack("{s:o}", "users", list));
}

void
gh_route_den_own_user_add(struct gh_api *api, struct gh_request *request)
{
    enum { NAME, EMAIL, COUNT };
    static const struct gh_field fields[COUNT] = {
        [NAME] = {"name", GH_FIELD_TEXT, true},
        [EMAIL] = {"email", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];
    const struct gh_den_user *user;
    struct gh_err err;

    if (!gh_den_own_is_on(api, request) || gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    int rc = gh_den_user_add(api->den, values[NAME].text, values[EMAIL].text, &user, &err);
    if (rc == GH_OK) {
        gh_log(GH_LOG_INFO, "den.user_added", "user=%s", gh_log_quote(user->name));
        gh_reply_tree(request, 200, describe_user(user));
    } else if (rc == GH_E_INPUT) {
        int field = strncmp(err.text, "email", 5) == 0 ? EMAIL : NAME;
        gh_fields_refuse(request, "body", fields[field].name, "value_error", err.text,
                         values[field].raw);
    } else {
        gh_den_reply_error(request, &err);
    }
    gh_fields_done(values, COUNT);
}

void
gh_route_den_own_user_remove(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_user *user =
        gh_den_own_is_on(api, request) ? gh_den_own_user(api, request) : NULL;
    struct gh_err err;

    if (!user)
        return;
    json_t *shown = describe_user(user);
    char *name GH_SCOPED(gh_free) = gh_strdup(user->name);
    if (gh_den_user_remove(api->den, user, &err) == GH_OK) {
        gh_log(GH_LOG_INFO, "den.user_removed", "user=%s", gh_log_quote(name));
        gh_reply_tree(request, 200, shown);
    } else {
        gh_den_reply_error(request, &err);
        json_decref(shown);
    }
}

/* ---- tokens ---- */

static json_t *
describe_token(const struct gh_den_token *token)
{
    return json_pack("{s:I, s:s, s:s?, s:I, s:o}", "id", (json_int_t)token->id, "user",
                     token->user->name, "folder", token->folder ? token->folder->name : NULL,
                     "created_s", (json_int_t)token->created_s, "expires_s",
                     token->expires_s ? json_integer((json_int_t)token->expires_s) : json_null());
}

void
gh_route_den_own_tokens(struct gh_api *api, struct gh_request *request)
{
    int64_t now_s = (int64_t)time(NULL);

    if (!gh_den_own_is_on(api, request))
        return;
    json_t *list = json_array();
    for (const struct gh_den_token *token = api->den->tokens; token; token = token->hh.next) {
        if (!token->text.is_in && !token->old.is_in)
            continue; /* revoked, or never asked for */
        json_t *item = describe_token(token);
        bool is_over = token->expires_s != 0 && token->expires_s <= now_s;
        json_object_set_new(item, "is_expired", json_boolean(is_over));
        json_array_append_new(list, item);
    }
    gh_reply_tree(request, 200, json_pack("{s:o}", "tokens", list));
}

enum { USER, EXPIRES, VALID_FOR, COUNT };

static const struct gh_field fields[COUNT] = {
    [USER] = {"user", GH_FIELD_TEXT, true},
    [EXPIRES] = {"expires_s", GH_FIELD_INT, false},
    [VALID_FOR] = {"valid_for_s", GH_FIELD_INT, false},
};

static void
create(struct gh_api *api, struct gh_request *request, struct gh_den_user *user, int64_t expires_s)
{
    char text[GH_TOKEN_TEXT_BYTES];
    const struct gh_den_token *token;
    struct gh_err err;

    if (gh_den_token_create(api->den, user, expires_s, text, &token, &err) != GH_OK) {
        gh_den_reply_error(request, &err);
        return;
    }
    gh_log(GH_LOG_INFO, "den.token_created", "id=%lld user=%s expires_s=%lld", (long long)token->id,
           gh_log_quote(user->name), (long long)token->expires_s);
    json_t *tree = describe_token(token);
    json_object_set_new(tree, "token", json_string(text));
    explicit_bzero(text, sizeof text);
    gh_reply_secret(request, tree);
}

void
gh_route_den_own_token_create(struct gh_api *api, struct gh_request *request)
{
    struct gh_value values[COUNT];
    int64_t expires_s;

    if (!gh_den_own_is_on(api, request) || gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct gh_den_user *user = gh_den_own_user_of(api, request, &fields[USER], &values[USER]);
    if (user && gh_validity_take(request, &values[EXPIRES], &values[VALID_FOR], &expires_s) == 0)
        create(api, request, user, expires_s);
    gh_fields_done(values, COUNT);
}

void
gh_route_den_own_token_revoke(struct gh_api *api, struct gh_request *request)
{
    struct gh_err err;
    int64_t id;

    if (!gh_den_own_is_on(api, request) || gh_validity_take_id(request, &id) != 0)
        return;
    if (gh_den_token_revoke(api->den, id, &err) != GH_OK) {
        gh_den_reply_error(request, &err);
        return;
    }
    gh_log(GH_LOG_INFO, "den.token_revoked", "id=%lld", (long long)id);
    gh_reply_tree(request, 200, json_pack("{s:I}", "id", (json_int_t)id));
}
