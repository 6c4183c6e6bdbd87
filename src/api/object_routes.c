/* SPDX-License-Identifier: Apache-2.0
 *
 * api/object_routes.c - resources, objects and keys. Source: http-api.md section 5. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/den_ask.h"
#include "api/fields.h"
#include "api/forward.h"
#include "api/routes.h"
#include "api/targets.h"
#include "api/too_old.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "conf/settings.h"
#include "node/installer.h"
#include "pool/pool.h"
#include "store/keys.h"
#include "wire/frame.h"
#include "wire/reply.h"

/* Point ORDER at RAW, which stands in the request's body. */
static void
order_data(struct gh_request *request, struct gh_slice raw, struct gh_call_order *order)
{
    order->head.data = (const uint8_t *)raw.bytes;
    order->head.data_len = raw.len;
    order->fd = -1;
    if (request->body_fd >= 0) {
        order->head.data_offset = (uint64_t)(raw.bytes - request->body.bytes);
        order->head.data = NULL;
        order->fd = gh_request_take_body_fd(request);
    }
}

/* As gh_fields_body does; DATA is which of FIELDS holds what is put. */
static int
take_body(struct gh_request *request, const struct gh_field *fields, size_t count,
          struct gh_value *values, size_t data)
{
    bool is_absent;

    if (gh_fields_scan(request, fields, count, values, &is_absent) != 0)
        return -1;
    if (values[data].raw.len)
        return gh_fields_check(request, fields, count, values);
    if (is_absent || !gh_too_old_is_message(request))
        return gh_fields_body(request, fields, count, values); /* which says what is missing */
    gh_too_old_refuse(request, 422);
    return -1;
}

/* ---- POST /resource ---- */

static void
keep_spec(struct gh_forward *forward, struct gh_call *call)
{
    gh_keys_made_of(forward->api->keys, call->id, gh_take(forward->spec));
}

/* A client up to 0.0.36 makes a process by putting an env there. Only a worker can tell whether it is one:
 * the default process's is told the name, makes the process and puts the env again (env.py). */
static void
put_resource(struct gh_api *api, struct gh_request *request)
{
    enum { DATA, SERIALIZATION, PROCESS, COUNT };
    static const struct gh_field fields[COUNT] = {
        [DATA] = {"serialized_data", GH_FIELD_ANY, true},
        [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
        [PROCESS] = {"process_name", GH_FIELD_NAME, false},
    };
    struct gh_value values[COUNT];
    struct gh_call_order order = {.kind = GH_FRAME_PUT_RESOURCE};

    if (take_body(request, fields, COUNT, values, DATA) != 0)
        return;
    struct gh_process *process = gh_target_process(api, &values[PROCESS]);
    bool is_env_perhaps = !process && values[PROCESS].is_old;
    if (is_env_perhaps) {
        process = gh_pool_find(api->pool, GH_DEFAULT_PROCESS);
        order.head.key = values[PROCESS].text;
    }
    if (!process) {
        gh_target_refuse(api, request, &values[PROCESS]);
    } else if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_NONE,
                                       &order.head.serialization) == 0 &&
               gh_admit_data(api, request, order.head.serialization, (struct gh_slice){"", 0})) {
        order_data(request, values[DATA].raw, &order);
        struct gh_forward *forward = gh_forward_new(api, request, order.head.serialization);
        if (!is_env_perhaps) {
            forward->spec = gh_spec_new(order.kind, &order.head, order.fd);
            forward->on_ok = keep_spec;
        }
        gh_forward_send(forward, process, &order);
    }
    gh_fields_done(values, COUNT);
}

static bool
may_put(struct gh_api *api, struct gh_request *request)
{
    const struct gh_slice no_key = {"", 0};
    return gh_admit_for(api, request, GH_NEED_CLUSTER, no_key, gh_route_put_resource) ==
           GH_ADMITTED;
}

/* Where there is a Den its users save by the same method and path, and came this far without a right here. */
void
gh_route_put_resource(struct gh_api *api, struct gh_request *request)
{
    if (api->den && gh_den_is_save(request))
        gh_route_den_create(api, request);
    else if (!api->den || may_put(api, request))
        put_resource(api, request);
}

/* ---- /object ---- */

void
gh_route_put_object(struct gh_api *api, struct gh_request *request)
{
    enum { KEY, DATA, SERIALIZATION, PROCESS, COUNT };
    static const struct gh_field fields[COUNT] = {
        [KEY] = {"key", GH_FIELD_NAME, true},
        [DATA] = {"serialized_data", GH_FIELD_ANY, true},
        [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
        [PROCESS] = {"process_name", GH_FIELD_NAME, false},
    };
    struct gh_value values[COUNT];
    struct gh_call_order order = {.kind = GH_FRAME_PUT_OBJECT};
    struct gh_err err;

    if (take_body(request, fields, COUNT, values, DATA) != 0)
        return;
    if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_NONE,
                                &order.head.serialization) != 0 ||
        !gh_admit_data(api, request, order.head.serialization, values[KEY].text)) {
        gh_fields_done(values, COUNT);
        return;
    }

    struct gh_process *process = gh_target_process(api, &values[PROCESS]);
    if (!process) { /* unlike /resource, an object makes its process */
        char *name GH_SCOPED(gh_free) = gh_target_name(api, &values[PROCESS]);
        const struct gh_process_spec spec = {
            .name = name,
            .compute = "{}",
            .runtime_env = "{}",
            .env_vars = "{}",
            .python = gh_installer_python(api->installer),
        };
        if (gh_pool_start(api->pool, &spec, NULL, NULL, &err) == GH_OK)
            process = gh_pool_find(api->pool, name);
        else
            gh_reply_busy(request, 1, "%s", err.text);
    }
    if (process) {
        order.head.key = values[KEY].text;
        order_data(request, values[DATA].raw, &order);
        gh_forward_send(gh_forward_new(api, request, order.head.serialization), process, &order);
    }
    gh_fields_done(values, COUNT);
}

void
gh_route_get_object(struct gh_api *api, struct gh_request *request)
{
    enum { KEY, SERIALIZATION, REMOTE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [KEY] = {"key", GH_FIELD_NAME, true},
        [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
        [REMOTE] = {"remote", GH_FIELD_BOOL, false},
    };
    struct gh_value values[COUNT];
    struct gh_call_order order = {.kind = GH_FRAME_GET_OBJECT, .fd = -1};

    if (gh_fields_query(request, fields, COUNT, values) != 0)
        return;
    struct gh_key *key = gh_keys_find(api->keys, values[KEY].text);
    if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_JSON,
                                &order.head.serialization) != 0) {
        /* answered */
    } else if (!key) {
        struct gh_buf null = {0};
        gh_buf_add_text(&null, "null");
        gh_reply_json(request, 200, &null);
    } else {
        order.head.key = values[KEY].text;
        order.head.flags = values[REMOTE].flag ? GH_CALL_REMOTE : 0;
        gh_forward_send(gh_forward_new(api, request, order.head.serialization), key->process,
                        &order);
    }
    gh_fields_done(values, COUNT);
}

/* ---- POST /rename ---- */

static void
keep_specs(struct gh_forward *forward, struct gh_call *call)
{
    /* The new key may be an address, "/user/name": its last segment is the store's key. */
    const char *slash = strrchr(call->method, '/');
    const char *name = slash ? slash + 1 : call->method;
    struct gh_key *key = gh_keys_find(forward->api->keys, (struct gh_slice){name, strlen(name)});

    if (key)
        gh_keys_take_specs(key, &forward->spec);
}

void
gh_route_rename(struct gh_api *api, struct gh_request *request)
{
    enum { KEY, NEW_KEY, COUNT };
    static const struct gh_field fields[COUNT] = {
        [KEY] = {"key", GH_FIELD_NAME, true}, [NEW_KEY] = {"new_key", GH_FIELD_NAME, true}};
    struct gh_value values[COUNT];
    struct gh_call_order order = {.kind = GH_FRAME_RENAME, .fd = -1};

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct gh_key *key = gh_keys_find(api->keys, values[KEY].text);
    if (!key) {
        gh_reply_exception(request, GH_PY_KEY_ERROR, "Key %.*s not found in any process.",
                           (int)values[KEY].text.len, values[KEY].text.bytes);
    } else {
        order.head.key = values[KEY].text;
        order.head.method = values[NEW_KEY].text;
        struct gh_forward *forward = gh_forward_new(api, request, GH_SERIALIZATION_PICKLE);
        if (key->specs) { /* a worker started anew puts it under the old name, then renames it */
            forward->spec = gh_spec_copy(key->specs);
            gh_spec_append(&forward->spec, gh_spec_new(GH_FRAME_RENAME, &order.head, -1));
        }
        forward->on_ok = keep_specs;
        gh_forward_send(forward, key->process, &order);
    }
    gh_fields_done(values, COUNT);
}

/* ---- POST /delete_object ---- */

/* A deletion under way: the answer is made when the last worker has answered. */
struct deletion {
    struct gh_request *request; /* NULL once the client has left */
    json_t *deleted;
    char *missing; /* the first key that was not there, or NULL */
    unsigned pending;
};

static void
finish_deletion(struct deletion *deletion)
{
    struct gh_request *request = deletion->request;

    if (--deletion->pending > 0)
        return;
    if (request && deletion->missing) {
        gh_reply_exception(request, GH_PY_KEY_ERROR, "Key %s not found in any process.",
                           deletion->missing);
    } else if (request) {
        char *names GH_SCOPED(gh_free) = json_dumps(deletion->deleted, JSON_COMPACT);
        gh_reply_result(request, names, strlen(names), NULL);
    }
    json_decref(deletion->deleted);
    free(deletion->missing);
    free(deletion);
}

static void
on_deleted(struct gh_call *call, const struct gh_answer *answer)
{
    (void)answer; /* dead or alive, the worker no longer has the key */
    finish_deletion(call->context);
}

static void
delete_key(struct gh_api *api, struct deletion *deletion, struct gh_key *key)
{
    struct gh_call_order order = {.kind = GH_FRAME_DELETE,
                                  .head.key = {key->name, strlen(key->name)},
                                  .fd = -1,
                                  .on_done = on_deleted,
                                  .context = deletion};
    struct gh_err err;

    json_array_append_new(deletion->deleted, json_string(key->name));
    if (gh_pool_call(key->process, &order, NULL, &err) == GH_OK)
        deletion->pending++;
    else
        gh_log(GH_LOG_WARN, "object.not_freed", "key=%s reason=%s", gh_log_quote(key->name),
               gh_log_quote(err.text));
    gh_keys_drop(api->keys, key);
}

static void
delete_all(struct gh_api *api, struct deletion *deletion)
{
    struct gh_key *key, *next;

    HASH_ITER(hh, api->keys->by_name, key, next)
    {
        delete_key(api, deletion, key);
    }
}

/* Up to the first key that is not there; those before it stay deleted. A process's name ends that
 * process. */
static void
delete_named(struct gh_api *api, struct deletion *deletion, const json_t *names)
{
    size_t i;
    json_t *item;

    json_array_foreach(names, i, item)
    {
        const char *name = json_string_value(item);
        struct gh_key *key = gh_keys_find(api->keys, (struct gh_slice){name, strlen(name)});
        struct gh_process *process = key ? NULL : gh_pool_find(api->pool, name);
        if (key) {
            delete_key(api, deletion, key);
        } else if (process) {
            gh_pool_remove(process);
            json_array_append_new(deletion->deleted, json_string(name));
        } else {
            deletion->missing = gh_strdup(name);
            return;
        }
    }
}

void
gh_route_delete_object(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"keys", GH_FIELD_TEXT_LIST, true};
    struct gh_value value;

    if (gh_fields_body(request, &field, 1, &value) != 0)
        return;
    struct deletion *deletion = gh_alloc(sizeof *deletion);
    deletion->deleted = json_array();
    deletion->pending = 1; /* ours, so that it does not finish while it is made */
    gh_request_hold(request, &deletion->request);

    if (json_array_size(value.tree) == 0)
        delete_all(api, deletion);
    else
        delete_named(api, deletion, value.tree);
    finish_deletion(deletion);
    gh_fields_done(&value, 1);
}

/* ---- GET /keys ---- */

void
gh_route_keys(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field field = {"process_name", GH_FIELD_NAME, false};
    struct gh_value value;
    struct gh_buf names GH_SCOPED(gh_buf_done) = {0};
    struct gh_key *key, *next;

    if (gh_fields_query(request, &field, 1, &value) != 0)
        return;
    struct gh_process *process = value.is_given ? gh_target_process(api, &value) : NULL;
    if (value.is_given && !process) {
        gh_target_refuse(api, request, &value);
        gh_fields_done(&value, 1);
        return;
    }

    gh_buf_add_byte(&names, '[');
    HASH_ITER(hh, api->keys->by_name, key, next)
    {
        if (process && key->process != process)
            continue;
        if (names.len > 1)
            gh_buf_add_byte(&names, ',');
        gh_jsontext_quote(&names, key->name, strlen(key->name), GH_JSONTEXT_UTF8);
    }
    gh_buf_add_byte(&names, ']');
    gh_reply_result(request, (char *)names.bytes, names.len, NULL);
    gh_fields_done(&value, 1);
}
