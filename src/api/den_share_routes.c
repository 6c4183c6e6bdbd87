/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_share_routes.c - the embedded Den: a resource is shared with users, or no more.
 *
 * Users are named, or given by the e-mail address that they were added with; all of them are known or nothing
 * is done, since nobody is invited by mail here. Source: den-api.md, and recorded. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/den_ask.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "den/users.h"
#include "wire/reply.h"

enum { USERS, ACCESS, NOTIFY, COUNT };

static const struct gh_field fields[COUNT] = {
    [USERS] = {"users", GH_FIELD_TEXT_LIST, false},
    [ACCESS] = {"access_level", GH_FIELD_TEXT, true},
    [NOTIFY] = {"notify_users", GH_FIELD_BOOL, false},
};

struct sharing {
    struct gh_den_user **users; /* COUNT of them; NULL: no list was given */
    size_t count;
    enum gh_level level;
    bool is_notified;
};

/* Returns 0; or -1, having answered 422. */
static int
take_level(struct gh_request *request, const struct gh_value *values, enum gh_level *level_out)
{
    struct gh_slice text = values[ACCESS].text;

    if (gh_slice_is(text, "write")) {
        *level_out = GH_LEVEL_WRITE;
    } else if (gh_slice_is(text, "read")) {
        *level_out = GH_LEVEL_READ;
    } else if (gh_slice_is(text, "denied")) {
        *level_out = GH_LEVEL_NONE;
    } else {
        gh_fields_refuse(request, "body", fields[ACCESS].name, "value_error",
                         "Input should be 'read', 'write' or 'denied'", values[ACCESS].raw);
        return -1;
    }
    return 0;
}

static int
take_users(struct gh_request *request, const struct gh_den *den, const struct gh_value *values,
           struct sharing *sharing)
{
    struct gh_buf message GH_SCOPED(gh_buf_done) = {0};
    size_t i;
    json_t *item;

    if (!values[USERS].is_given)
        return 0;
    sharing->users = gh_alloc((json_array_size(values[USERS].tree) + 1) * sizeof(*sharing->users));
    json_array_foreach(values[USERS].tree, i, item)
    {
        struct gh_slice name = {json_string_value(item), json_string_length(item)};
        struct gh_den_user *user = gh_den_user_find(den, name);
        if (user) {
            sharing->users[sharing->count++] = user;
            continue;
        }
        gh_buf_addf(&message, "There is no user %.*s here; 'gatehouse den user add' makes one",
                    (int)(name.len < 100 ? name.len : 100), name.bytes);
        gh_fields_refuse(request, "body", fields[USERS].name, "value_error", gh_buf_text(&message),
                         values[USERS].raw);
        return -1;
    }
    return 0;
}

/* What the client shows: whom it is shared with now, and that nobody was invited. */
static json_t *
describe(const struct sharing *sharing)
{
    json_t *added = json_object(), *valid = json_array();

    for (size_t i = 0; i < sharing->count; i++) {
        if (sharing->level != GH_LEVEL_NONE)
            json_object_set_new(added, sharing->users[i]->name,
                                json_string(gh_level_name(sharing->level)));
        json_array_append_new(valid, json_string(sharing->users[i]->name));
    }
    return json_pack("{s:o, s:{}, s:o}", "added_users", added, "new_users", "valid_users", valid);
}

static int
share(struct gh_den_ask *ask, const struct sharing *sharing, struct gh_err *err)
{
    if (!sharing->users && sharing->level == GH_LEVEL_NONE)
        return gh_den_revoke_all(ask->den, ask->resource, err);
    if (sharing->count == 0)
        return GH_OK; /* .share(visibility=...) names nobody */
    return gh_den_grant(ask->den, ask->resource, sharing->users, sharing->count, sharing->level,
                        sharing->is_notified, err);
}

void
gh_route_den_share(struct gh_api *api, struct gh_request *request)
{
    struct sharing sharing = {0};
    struct gh_value values[COUNT];
    struct gh_den_ask ask;
    struct gh_err err;

    if (gh_den_ask_begin_change(api, request, GH_DEN_WRITE, &ask) != 0)
        return;
    if (gh_fields_body(request, fields, COUNT, values) == 0) {
        sharing.is_notified = values[NOTIFY].flag;
        if (take_level(request, values, &sharing.level) != 0 ||
            take_users(request, ask.den, values, &sharing) != 0)
            ; /* answered */
        else if (share(&ask, &sharing, &err) == GH_OK)
            gh_den_reply(request, describe(&sharing));
        else
            gh_den_reply_error(request, &err);
        free(sharing.users);
        gh_fields_done(values, COUNT);
    }
    gh_den_ask_done(&ask);
}
