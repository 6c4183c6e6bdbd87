/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_own_resources.c - /_gatehouse/v1/den/resources and /grants: what is saved in the embedded Den, and
 * who may use it. On the control socket only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/den_own.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/log.h"
#include "den/uri.h"
#include "wire/reply.h"

static json_t *
address_of(const struct gh_den_resource *resource)
{
    struct gh_buf address GH_SCOPED(gh_buf_done) = {0};

    gh_den_uri_add_address((struct gh_slice){resource->uri, strlen(resource->uri)}, &address);
    return json_string(gh_buf_text(&address));
}

/* The resource whom the URL calls {uri}. NULL: it has been answered, with 404. */
static struct gh_den_resource *
resource_of(struct gh_api *api, struct gh_request *request)
{
    int segment = gh_route_segment(request->route, "{uri}");
    struct gh_buf scratch GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice uri = gh_url_plain(request->url.segments[segment], &scratch);
    struct gh_den_resource *resource =
        gh_den_own_is_on(api, request) ? gh_den_resource_find(api->den, uri) : NULL;

    if (api->den && !resource)
        gh_reply_detail(request, 404, "There is no resource %.*s.",
                        (int)(uri.len < 200 ? uri.len : 200), uri.bytes);
    return resource;
}

/* ---- resources ---- */

static json_t *
describe_resource(const struct gh_den_resource *resource)
{
    return json_pack("{s:o, s:s, s:s, s:b, s:i}", "name", address_of(resource), "type",
                     resource->type, "owner", resource->owner->name, "is_public",
                     resource->is_public, "grants", (int)HASH_COUNT(resource->grants));
}

void
gh_route_den_own_resources(struct gh_api *api, struct gh_request *request)
{
    if (!gh_den_own_is_on(api, request))
        return;
    json_t *list = json_array();
    for (const struct gh_den_resource *one = api->den->resources; one; one = one->hh.next)
        json_array_append_new(list, describe_resource(one));
    gh_reply_tree(request, 200, json_pack("{s:o}", "resources", list));
}

void
gh_route_den_own_resource(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_resource *resource = resource_of(api, request);
    struct gh_buf config GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf out = {0};
    struct gh_err err;

    if (!resource)
        return;
    if (gh_den_resource_config(api->den, resource, &config, &err) != GH_OK) {
        gh_den_reply_error(request, &err);
        return;
    }
    json_t *tree = describe_resource(resource);
    char *text GH_SCOPED(gh_free) = json_dumps(tree, JSON_COMPACT);
    char *more GH_SCOPED(gh_free) = gh_asprintf("\"config\":%s", gh_buf_text(&config));
    json_decref(tree);
    gh_den_config_add(&out, (struct gh_slice){text, strlen(text)}, more);
    gh_reply_json(request, 200, &out);
}

void
gh_route_den_own_resource_remove(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_resource *resource = resource_of(api, request);
    struct gh_err err;

    if (!resource)
        return;
    json_t *shown = describe_resource(resource);
    if (gh_den_resource_delete(api->den, resource, &err) == GH_OK) {
        gh_log(GH_LOG_INFO, "den.resource_removed", "name=%s",
               gh_log_quote(json_string_value(json_object_get(shown, "name"))));
        gh_reply_tree(request, 200, shown);
    } else {
        gh_den_reply_error(request, &err);
        json_decref(shown);
    }
}

/* ---- grants ---- */

static json_t *
describe_grant(const struct gh_den_resource *resource, const struct gh_den_user *user,
               enum gh_level level)
{
    return json_pack("{s:o, s:s, s:s}", "resource", address_of(resource), "user", user->name,
                     "access", gh_level_name(level));
}

void
gh_route_den_own_grants(struct gh_api *api, struct gh_request *request)
{
    const struct gh_den_resource *one;
    const struct gh_den_grant *grant;

    if (!gh_den_own_is_on(api, request))
        return;
    json_t *list = json_array();
    for (one = api->den->resources; one; one = one->hh.next)
        for (grant = one->grants; grant; grant = grant->hh.next)
            json_array_append_new(list, describe_grant(one, grant->user, grant->level));
    gh_reply_tree(request, 200, json_pack("{s:o}", "grants", list));
}

enum { RESOURCE, USER, ACCESS, COUNT };

static const struct gh_field fields[COUNT] = {
    [RESOURCE] = {"resource", GH_FIELD_NAME, true},
    [USER] = {"user", GH_FIELD_TEXT, true},
    [ACCESS] = {"access", GH_FIELD_TEXT, true},
};

static void
refuse(struct gh_request *request, const struct gh_value *values, int field, const char *message)
{
    gh_fields_refuse(request, "body", fields[field].name, "value_error", message,
                     values[field].raw);
}

static struct gh_den_resource *
resource_named(struct gh_api *api, struct gh_request *request, const struct gh_value *values)
{
    struct gh_buf uri GH_SCOPED(gh_buf_done) = {0};
    struct gh_den_resource *resource = NULL;

    if (gh_den_uri_of(values[RESOURCE].text, &uri))
        resource = gh_den_resource_find(api->den, (struct gh_slice){(char *)uri.bytes, uri.len});
    if (!resource)
        refuse(request, values, RESOURCE,
               "There is no such resource; 'gatehouse den resource list' has them");
    return resource;
}

static void
grant(struct gh_api *api, struct gh_request *request, struct gh_den_resource *resource,
      struct gh_den_user *user, enum gh_level level)
{
    struct gh_err err;

    if (gh_den_grant(api->den, resource, &user, 1, level, false, &err) != GH_OK) {
        gh_den_reply_error(request, &err);
        return;
    }
    gh_log(GH_LOG_INFO, "den.granted", "resource=%s user=%s access=%s", gh_log_quote(resource->uri),
           gh_log_quote(user->name), gh_level_name(level));
    gh_reply_tree(request, 200, describe_grant(resource, user, level));
}

void
gh_route_den_own_grant_add(struct gh_api *api, struct gh_request *request)
{
    struct gh_value values[COUNT];

    if (!gh_den_own_is_on(api, request) || gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    bool is_read = gh_slice_is(values[ACCESS].text, "read");
    struct gh_den_resource *resource = resource_named(api, request, values);
    struct gh_den_user *user =
        resource ? gh_den_own_user_of(api, request, &fields[USER], &values[USER]) : NULL;
    if (!user)
        ; /* answered */
    else if (!is_read && !gh_slice_is(values[ACCESS].text, "write"))
        refuse(request, values, ACCESS, "Input should be 'read' or 'write'");
    else if (user == resource->owner)
        refuse(request, values, USER, "This is its owner, who may write it already");
    else
        grant(api, request, resource, user, is_read ? GH_LEVEL_READ : GH_LEVEL_WRITE);
    gh_fields_done(values, COUNT);
}

void
gh_route_den_own_grant_revoke(struct gh_api *api, struct gh_request *request)
{
    struct gh_den_resource *resource = resource_of(api, request);
    struct gh_den_user *user = resource ? gh_den_own_user(api, request) : NULL;
    struct gh_den_grant *there;

    if (!user)
        return;
    HASH_FIND(hh, resource->grants, &user->id, sizeof user->id, there);
    if (there)
        grant(api, request, resource, user, GH_LEVEL_NONE);
    else
        gh_reply_detail(request, 404, "Nothing was granted to %s there.", user->name);
}
