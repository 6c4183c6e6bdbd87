/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_secret_routes.c - the embedded Den: values of secrets, which the client wants back. What a secret is
 * was saved as a resource before; who may read that may read its value, others than its owner when
 * they say that it was shared. Source: den-api.md, and recorded. */
#include <jansson.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "den/secrets.h"
#include "den/uri.h"
#include "wire/reply.h"

static void
add_name(struct gh_buf *out, struct gh_slice uri)
{
    struct gh_buf address GH_SCOPED(gh_buf_done) = {0};

    gh_den_uri_add_address(uri, &address);
    gh_jsontext_quote(out, (const char *)address.bytes, address.len, GH_JSONTEXT_UTF8);
}

/* {"data": {"/alice/key": {"name": "/alice/key"}, ...}}: names alone. */
static void
add_entry(void *context, const char *uri)
{
    json_t *data = context;
    struct gh_buf address GH_SCOPED(gh_buf_done) = {0};

    gh_den_uri_add_address((struct gh_slice){uri, strlen(uri)}, &address);
    json_object_set_new(data, gh_buf_text(&address),
                        json_pack("{s:s}", "name", gh_buf_text(&address)));
}

void
gh_route_den_secrets(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_OWN_TOKEN, &ask) != 0)
        return;
    json_t *data = json_object();
    if (gh_den_secrets_each(ask.den, ask.user, add_entry, data, &err) == GH_OK)
        gh_den_reply(request, json_incref(data));
    else
        gh_den_reply_error(request, &err);
    json_decref(data);
    gh_den_ask_done(&ask);
}

/* Answer {"data": {"/alice/key": CONTENT}}; the answer's copy of the value is on its way. */
static void
reply_content(struct gh_request *request, const struct gh_den_ask *ask,
              const struct gh_buf *content)
{
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"data\":{");
    add_name(&out, ask->uri);
    gh_buf_add_byte(&out, ':');
    gh_buf_add(&out, content->bytes, content->len);
    gh_buf_add_text(&out, "}}");
    gh_reply_json(request, 200, &out);
}

void
gh_route_den_secret_get(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field shared = {"shared", GH_FIELD_BOOL, false};
    struct gh_buf content = {0};
    struct gh_den_ask ask;
    struct gh_value value;
    struct gh_err err;

    if (gh_den_ask_begin(api, request, GH_DEN_READ, &ask) != 0)
        return;
    if (gh_fields_query(request, &shared, 1, &value) == 0) {
        bool is_meant = value.flag || gh_den_owns(ask.user, ask.uri);
        if (is_meant && gh_den_secret_read(ask.den, ask.resource, &content, &err) != GH_OK)
            gh_den_reply_error(request, &err);
        else if (content.len > 0)
            reply_content(request, &ask, &content);
        else
            gh_reply_detail(request, 404, "There is no value of this secret.");
        gh_fields_done(&value, 1);
    }
    if (content.len > 0)
        explicit_bzero(content.bytes, content.len);
    gh_buf_done(&content);
    gh_den_ask_done(&ask);
}

/* Returns false, having answered 422: the client reads data.values of what it gets back. */
static bool
content_is_good(struct gh_request *request)
{
    static const struct gh_field field = {"data", GH_FIELD_OBJECT, true};
    struct gh_value value;

    if (gh_fields_body(request, &field, 1, &value) != 0)
        return false;
    bool is_good = json_is_object(json_object_get(value.tree, "values")) &&
                   request->body.len <= GH_DEN_SECRET_MAX_BYTES;
    if (!is_good)
        gh_fields_refuse(request, "body", "data", "value_error",
                         "Input should be {\"values\": {...}}, and the whole body up to 64 KiB",
                         (struct gh_slice){0});
    gh_fields_done(&value, 1);
    return is_good;
}

void
gh_route_den_secret_put(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_WRITE, &ask) != 0)
        return;
    if (!content_is_good(request))
        ; /* answered */
    else if (gh_den_secret_put(ask.den, ask.resource, request->body, &err) == GH_OK)
        gh_den_reply(request, json_object());
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}

void
gh_route_den_secret_delete(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_WRITE, &ask) != 0)
        return;
    if (gh_den_secret_delete(ask.den, ask.resource, &err) == GH_OK)
        gh_den_reply(request, json_object());
    else
        gh_den_reply_error(request, &err);
    gh_den_ask_done(&ask);
}
