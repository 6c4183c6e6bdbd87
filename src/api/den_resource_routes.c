/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_resource_routes.c - the embedded Den: what users save, and whom they let use it.
 * Source: den-api.md, and recorded. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsoncheck.h"
#include "den/listing.h"
#include "den/uri.h"
#include "den/users.h"
#include "wire/reply.h"

/* ---- what is there ---- */

static void
reply_config(struct gh_request *request, const struct gh_den_ask *ask, const struct gh_buf *config)
{
    char *more GH_SCOPED(gh_free) =
        gh_asprintf("\"access_level\":\"%s\"", gh_level_name(ask->level));
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"data\":");
    gh_den_config_add(&out, (struct gh_slice){(const char *)config->bytes, config->len}, more);
    gh_buf_add_byte(&out, '}');
    gh_reply_json(request, 200, &out);
}

void
gh_route_den_get(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf config GH_SCOPED(gh_buf_done) = {0};
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_LOOK, &ask) != 0)
        return;
    if (gh_den_resource_config(ask.den, ask.resource, &config, &err) == GH_OK)
        reply_config(request, &ask, &config);
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}

void
gh_route_den_history(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field limit = {"limit", GH_FIELD_INT, false};
    struct gh_den_ask ask;
    struct gh_value value;
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_READ, &ask) != 0)
        return;
    if (gh_fields_query(request, &limit, 1, &value) == 0) {
        bool is_limited = value.is_given && value.number > 0 && value.number < GH_DEN_HISTORY_MAX;
        gh_buf_add_text(&out, "{\"data\":");
        int rc = gh_den_resource_history(ask.den, ask.resource,
                                         is_limited ? (unsigned)value.number : GH_DEN_HISTORY_MAX,
                                         &out, &err);
        gh_buf_add_byte(&out, '}');
        if (rc == GH_OK)
            gh_reply_json(request, 200, &out);
        else
            gh_den_reply_error(request, &err);
        gh_fields_done(&value, 1);
    }
    gh_den_ask_done(&ask);
}

void
gh_route_den_list(struct gh_api *api, struct gh_request *request)
{
    enum { KIND, OWNED, CLUSTER_STATUS, DAEMON_STATUS, SINCE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [KIND] = {"resource_type", GH_FIELD_TEXT, false},
        [OWNED] = {"owned", GH_FIELD_BOOL, false},
        [CLUSTER_STATUS] = {"cluster_status", GH_FIELD_TEXT, false},
        [DAEMON_STATUS] = {"daemon_status", GH_FIELD_TEXT, false},
        [SINCE] = {"since", GH_FIELD_INT, false},
    };
    struct gh_buf node_uri GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_value values[COUNT];
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    if (gh_fields_query(request, fields, COUNT, values) == 0) {
        gh_den_node_uri(api, &node_uri);
        const struct gh_den_filter filter = {
            .user = ask.user,
            .is_owned = values[OWNED].flag,
            .type = values[KIND].text,
            .state = values[CLUSTER_STATUS].is_given ? values[CLUSTER_STATUS].text
                                                     : values[DAEMON_STATUS].text,
            .since_s = values[SINCE].number,
            .running_uri = node_uri.len ? gh_buf_text(&node_uri) : NULL,
        };
        gh_buf_add_text(&out, "{\"data\":");
        int rc = gh_den_list(ask.den, &filter, &out, &err);
        gh_buf_add_byte(&out, '}');
        if (rc == GH_OK)
            gh_reply_json(request, 200, &out);
        else
            gh_den_reply_error(request, &err);
        gh_fields_done(values, COUNT);
    }
    gh_den_ask_done(&ask);
}

/* ---- saved ---- */

enum { NAME, TYPE, VISIBILITY, DATA, CONFIG_COUNT };

static const struct gh_field config_fields[CONFIG_COUNT] = {
    [NAME] = {"name", GH_FIELD_NAME, true},
    [TYPE] = {"resource_type", GH_FIELD_NAME, true},
    [VISIBILITY] = {"visibility", GH_FIELD_TEXT, false},
    [DATA] = {"data", GH_FIELD_ANY, false}, /* not decoded: numbers stay as they were written */
};

static void
refuse_config(struct gh_request *request, const struct gh_value *values, int field,
              const char *message)
{
    gh_fields_refuse(request, "body", config_fields[field].name, "value_error", message,
                     values[field].raw);
}

static bool
visibility_is_known(const struct gh_value *value)
{
    return !value->is_given || gh_slice_is(value->text, "private") ||
           gh_slice_is(value->text, "public") || gh_slice_is(value->text, "unlisted");
}

/* Take the body as a config; its URI into URI_TEXT. Returns 0; or -1, having answered. */
static int
take_config(struct gh_request *request, struct gh_value *values, struct gh_buf *uri_text,
            struct gh_den_config *config)
{
    if (request->body.len > GH_DEN_CONFIG_MAX_BYTES)
        gh_fields_refuse(request, "body", NULL, "value_error", "Input should be 1 MiB at most",
                         (struct gh_slice){0});
    else if (values[DATA].is_given && (values[DATA].raw.bytes[0] != '{' ||
                                       !gh_jsoncheck(values[DATA].raw.bytes, values[DATA].raw.len)))
        refuse_config(request, values, DATA, "Input should be a valid dictionary");
    else if (!gh_den_uri_of(values[NAME].text, uri_text))
        refuse_config(request, values, NAME,
                      "A resource is saved as /USER/NAME: letters, digits and - _ . @ ~ only");
    else if (!visibility_is_known(&values[VISIBILITY]))
        refuse_config(request, values, VISIBILITY,
                      "Input should be 'private', 'public' or 'unlisted'");
    else {
        *config = (struct gh_den_config){
            .uri = {(const char *)uri_text->bytes, uri_text->len},
            .type = values[TYPE].text,
            .text = request->body,
            .is_public = gh_slice_is(values[VISIBILITY].text, "public"),
        };
        return 0;
    }
    return -1;
}

static void
save(struct gh_request *request, struct gh_den_ask *ask, const struct gh_den_config *config)
{
    struct gh_err err;

    if (gh_den_resource_save(ask->den, ask->user, config, &err) == GH_OK)
        gh_den_reply(request, json_pack("{s:s%}", "uri", config->uri.bytes, config->uri.len));
    else
        gh_den_reply_error(request, &err);
}

/* The first save of something that PUT did not find, and every save of a secret. */
static void
create(struct gh_request *request, struct gh_den_ask *ask, const struct gh_den_config *config)
{
    enum gh_level level = gh_den_level(ask->den, ask->user, config->uri);
    struct gh_slice folder = gh_den_uri_folder(config->uri);
    struct gh_den_user *owner = gh_den_user_find(ask->den, folder);

    if (level != GH_LEVEL_WRITE) {
        request->denied = "den";
        gh_reply_detail(request, 403, "%s may not save anything of this name in the folder %.*s.",
                        ask->user->name, (int)folder.len, folder.bytes);
        return;
    }
    if (owner)
        gh_den_token_learn(ask->den, ask->token, ask->token_text, owner);
    save(request, ask, config);
}

void
gh_route_den_create(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf uri_text GH_SCOPED(gh_buf_done) = {0};
    struct gh_value values[CONFIG_COUNT];
    struct gh_den_config config;
    struct gh_den_ask ask;

    if (gh_den_ask_begin_change(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    if (gh_fields_body(request, config_fields, CONFIG_COUNT, values) == 0) {
        if (take_config(request, values, &uri_text, &config) == 0)
            create(request, &ask, &config);
        gh_fields_done(values, CONFIG_COUNT);
    }
    gh_den_ask_done(&ask);
}

void
gh_route_den_put(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf uri_text GH_SCOPED(gh_buf_done) = {0};
    struct gh_value values[CONFIG_COUNT];
    struct gh_den_config config;
    struct gh_den_ask ask;

    if (gh_den_ask_begin_change(api, request, GH_DEN_WRITE, &ask) != 0)
        return;
    if (gh_fields_body(request, config_fields, CONFIG_COUNT, values) == 0) {
        if (take_config(request, values, &uri_text, &config) != 0)
            ; /* answered */
        else if (config.uri.len != ask.uri.len ||
                 memcmp(config.uri.bytes, ask.uri.bytes, ask.uri.len) != 0)
            refuse_config(request, values, NAME, "Input should be the address in the URL");
        else
            save(request, &ask, &config);
        gh_fields_done(values, CONFIG_COUNT);
    }
    gh_den_ask_done(&ask);
}

void
gh_route_den_delete(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_WRITE, &ask) != 0)
        return;
    if (gh_den_resource_delete(ask.den, ask.resource, &err) == GH_OK)
        gh_den_reply(request, json_object());
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}
