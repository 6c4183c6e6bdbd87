/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_user_routes.c - the embedded Den: who a token is, what the client keeps of its settings, and tokens
 * for the nodes of a folder. Source: den-api.md. */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsoncheck.h"
#include "den/uri.h"
#include "den/users.h"
#include "wire/reply.h"

/* ---- /user ---- */

/* {"data": {"username", "email", "config"}}; a node has no business with the last. */
static void
reply_user(struct gh_request *request, const struct gh_den_ask *ask, struct gh_buf *config)
{
    json_t *user = json_pack("{s:s, s:s?}", "username", ask->user->name, "email", ask->user->email);
    char *text GH_SCOPED(gh_free) = json_dumps(user, JSON_COMPACT);
    char *more GH_SCOPED(gh_free) =
        gh_asprintf("\"config\":%s", config->len ? gh_buf_text(config) : "{}");
    struct gh_buf out = {0};

    json_decref(user);
    gh_buf_add_text(&out, "{\"data\":");
    if (ask->token->parent)
        gh_buf_add_text(&out, text);
    else
        gh_den_config_add(&out, (struct gh_slice){text, strlen(text)}, more);
    gh_buf_add_byte(&out, '}');
    gh_reply_json(request, 200, &out);
}

void
gh_route_den_user(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf config GH_SCOPED(gh_buf_done) = {0};
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_TOKEN, &ask) != 0)
        return;
    if (gh_den_user_config(ask.den, ask.user, &config, &err) == GH_OK)
        reply_user(request, &ask, &config);
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}

/* Returns false, having answered 422, unless the body is a JSON object of a bearable size. */
static bool
body_is_object(struct gh_request *request)
{
    struct gh_slice body = request->body;
    size_t from = 0;

    while (from < body.len && isspace((unsigned char)body.bytes[from]))
        from++;
    bool is_object = body.len <= GH_DEN_CONFIG_MAX_BYTES && from < body.len &&
                     body.bytes[from] == '{' && gh_jsoncheck(body.bytes, body.len);
    if (!is_object)
        gh_fields_refuse(request, "body", NULL, "model_attributes_type",
                         "Input should be a JSON object of up to 1 MiB", (struct gh_slice){0});
    return is_object;
}

void
gh_route_den_user_config(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    if (!body_is_object(request))
        ; /* answered */
    else if (gh_den_user_set_config(ask.den, ask.user, request->body, &err) == GH_OK)
        gh_den_reply(request, json_object());
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}

/* ---- /auth/token/cluster ---- */

enum { FOLDER, USERNAME, COUNT };

static const struct gh_field fields[COUNT] = {
    [FOLDER] = {"resource_address", GH_FIELD_NAME, true},
    [USERNAME] = {"username", GH_FIELD_TEXT, false},
};

static void
give_cluster_token(struct gh_request *request, struct gh_den_ask *ask, struct gh_slice folder_name)
{
    struct gh_den_user *folder = gh_den_user_find(ask->den, folder_name);
    char text[GH_TOKEN_TEXT_BYTES];
    struct gh_err err;

    if (!folder) {
        gh_fields_refuse(request, "body", fields[FOLDER].name, "value_error",
                         "There is no such folder: it is the name of a user", (struct gh_slice){0});
        return;
    }
    if (gh_den_token_for_folder(ask->den, ask->token, ask->token_text, folder, text, &err) !=
        GH_OK) {
        gh_den_reply_error(request, &err);
        return;
    }
    struct gh_buf out = {0};
    gh_buf_addf(&out, "{\"data\":{\"token\":\"%s\"}}", text);
    explicit_bzero(text, sizeof text);
    gh_reply_json(request, 200, &out);
}

void
gh_route_den_cluster_token(struct gh_api *api, struct gh_request *request)
{
    struct gh_value values[COUNT];
    struct gh_den_ask ask;

    if (gh_den_ask_begin(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    if (gh_fields_body(request, fields, COUNT, values) == 0) {
        if (values[USERNAME].is_given && !gh_slice_is(values[USERNAME].text, ask.user->name))
            gh_fields_refuse(request, "body", fields[USERNAME].name, "value_error",
                             "Input should be the name of the user whose token this is",
                             values[USERNAME].raw);
        else
            give_cluster_token(request, &ask, values[FOLDER].text);
        gh_fields_done(values, COUNT);
    }
    gh_den_ask_done(&ask);
}

/* Is the token of the owner of {uri}? Only the status is read. */
void
gh_route_den_cluster_token_check(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;

    if (gh_den_ask_begin(api, request, GH_DEN_TOKEN, &ask) != 0)
        return;
    if (ask.uri.len > 0 && gh_den_token_reaches(ask.token, ask.uri) &&
        gh_den_owns(ask.user, ask.uri))
        gh_den_reply(request, json_pack("{s:s}", "username", ask.user->name));
    else
        gh_reply_detail(request, 404, "This is not the token of the owner of such a resource.");
    gh_den_ask_done(&ask);
}
