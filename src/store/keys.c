/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keys.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"

struct gh_key *
gh_keys_find(struct gh_keys *keys, struct gh_slice name)
{
    struct gh_key *key;

    HASH_FIND(hh, keys->by_name, name.bytes, name.len, key);
    return key;
}

struct gh_key *
gh_keys_declare(struct gh_keys *keys, const char *name, struct gh_process *process)
{
    struct gh_key *key = gh_keys_find(keys, (struct gh_slice){name, strlen(name)});

    if (!key) {
        key = gh_alloc(sizeof *key);
        key->name = gh_strdup(name);
        HASH_ADD_KEYPTR(hh, keys->by_name, key->name, strlen(key->name), key);
    }
    key->process = process;
    return key;
}

void
gh_keys_drop(struct gh_keys *keys, struct gh_key *key)
{
    HASH_DEL(keys->by_name, key);
    gh_spec_free(&key->specs);
    free(key->name);
    free(key->address);
    free(key->visibility);
    free(key->type);
    free(key->app);
    free(key->problem);
    free(key);
}

void
gh_keys_done(struct gh_keys *keys)
{
    while (keys->by_name)
        gh_keys_drop(keys, keys->by_name);
}

/* ---- specs ---- */

struct gh_spec *
gh_spec_new(enum gh_frame_kind kind, const struct gh_call_head *head, int fd)
{
    struct gh_spec *spec = gh_alloc(sizeof *spec);

    spec->kind = kind;
    spec->serialization = head->serialization;
    spec->flags = head->flags & ~GH_CALL_STREAM_LOGS;
    spec->key = gh_strndup(head->key.bytes, head->key.len);
    spec->method = gh_strndup(head->method.bytes, head->method.len);
    spec->data_offset = head->data_offset;
    spec->data_len = head->data_len;
    spec->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0 && head->data_len)
        spec->data = (uint8_t *)gh_strndup((const char *)head->data, head->data_len);
    return spec;
}

static struct gh_call_head
head_of(const struct gh_spec *spec)
{
    return (struct gh_call_head){
        .serialization = spec->serialization,
        .flags = spec->flags,
        .key = {spec->key, strlen(spec->key)},
        .method = {spec->method, strlen(spec->method)},
        .data_offset = spec->data_offset,
        .data_len = spec->data_len,
        .data = spec->data,
    };
}

struct gh_spec *
gh_spec_copy(const struct gh_spec *spec)
{
    struct gh_spec *copy = NULL;

    for (; spec; spec = spec->next) {
        struct gh_call_head head = head_of(spec);
        gh_spec_append(&copy, gh_spec_new(spec->kind, &head, spec->fd));
    }
    return copy;
}

void
gh_spec_append(struct gh_spec **list, struct gh_spec *spec)
{
    LL_APPEND(*list, spec);
}

void
gh_spec_free(struct gh_spec **spec_of)
{
    struct gh_spec *spec = gh_take(*spec_of);

    while (spec) {
        struct gh_spec *next = spec->next;
        if (spec->fd >= 0)
            close(spec->fd);
        free(spec->key);
        free(spec->method);
        free(spec->data);
        free(spec);
        spec = next;
    }
}

void
gh_keys_add_spec(struct gh_key *key, struct gh_spec *spec)
{
    struct gh_spec *old, *next;

    LL_FOREACH_SAFE(key->specs, old, next)
    {
        if (old->kind != spec->kind || strcmp(old->method, spec->method) != 0)
            continue;
        LL_DELETE(key->specs, old);
        old->next = NULL;
        gh_spec_free(&old);
    }
    LL_APPEND(key->specs, spec);
}

void
gh_keys_take_specs(struct gh_key *key, struct gh_spec **specs)
{
    gh_spec_free(&key->specs);
    key->specs = gh_take(*specs);
}

void
gh_keys_made_of(struct gh_keys *keys, uint64_t call_id, struct gh_spec *spec)
{
    struct gh_key *key, *next;

    HASH_ITER(hh, keys->by_name, key, next)
    {
        if (key->put_call_id != call_id)
            continue;
        gh_keys_take_specs(key, &spec);
        return;
    }
    gh_spec_free(&spec);
}

/* ---- rebuilding ---- */

/* The specs of one process, sent to its new worker one after the other: a worker runs requests side
 * by side, and a constructor call needs its class. */
struct rebuild {
    struct gh_keys *keys;
    char **names; /* of the keys that have specs; a key may be dropped meanwhile */
    size_t name_count, name_at;
    size_t spec_at;
};

static void send_next(struct rebuild *rebuild, struct gh_process *process);

static void
rebuild_free(struct rebuild *rebuild)
{
    for (size_t i = 0; i < rebuild->name_count; i++)
        free(rebuild->names[i]);
    free(rebuild->names);
    free(rebuild);
}

static struct gh_key *
rebuilt_key(const struct rebuild *rebuild)
{
    const char *name = rebuild->names[rebuild->name_at];
    return gh_keys_find(rebuild->keys, (struct gh_slice){name, strlen(name)});
}

/* The text in the body of an answer: {"detail": text} or an exception envelope; the caller frees. */
static char *
problem_text(const struct gh_answer *answer)
{
    json_t *body =
        answer->body ? json_loadb((const char *)answer->body, answer->len, 0, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(body, "detail"));
    const char *exception =
        json_string_value(json_object_get(json_object_get(body, "data"), "exception_as_str"));
    char *text = gh_strdup(detail ? detail : exception ? exception : "no reason was given");

    json_decref(body);
    return text;
}

static void
set_problem(struct gh_key *key, char *text)
{
    free(key->problem);
    key->problem = text;
    gh_log(GH_LOG_ERR, "module.failed", "module=%s process=%s reason=%s", gh_log_quote(key->name),
           gh_log_quote(key->process->name), gh_log_quote(text));
}

static void
on_rebuilt(struct gh_call *call, const struct gh_answer *answer)
{
    struct rebuild *rebuild = call->context;
    struct gh_key *key = rebuilt_key(rebuild);

    if (answer->fd >= 0)
        close(answer->fd);
    if (answer->failure) { /* the next worker begins anew */
        rebuild_free(rebuild);
        return;
    }
    if (key && answer->outcome != GH_OUTCOME_OK)
        set_problem(key, problem_text(answer));
    rebuild->spec_at++;
    send_next(rebuild, call->process);
}

/* Returns false when it could not be sent. */
static bool
send_spec(struct rebuild *rebuild, struct gh_key *key, const struct gh_spec *spec)
{
    struct gh_call_order order = {
        .kind = spec->kind,
        .head = head_of(spec),
        .fd = spec->fd < 0 ? -1 : fcntl(spec->fd, F_DUPFD_CLOEXEC, 0),
        .is_rebuilding = true,
        .on_done = on_rebuilt,
        .context = rebuild,
    };
    struct gh_err err = {.text = "no descriptor is left for its data"};

    order.head.run_name = (struct gh_slice){"rebuild", 7};
    bool has_data = order.fd >= 0 || spec->data || spec->data_len == 0;
    if (has_data && gh_pool_call(key->process, &order, NULL, &err) == GH_OK)
        return true;
    set_problem(key, gh_strdup(err.text));
    return false;
}

static void
send_next(struct rebuild *rebuild, struct gh_process *process)
{
    while (rebuild->name_at < rebuild->name_count) {
        struct gh_key *key = rebuilt_key(rebuild);
        struct gh_spec *spec = key && key->process == process ? key->specs : NULL;

        for (size_t i = 0; spec && i < rebuild->spec_at; i++)
            spec = spec->next;
        if (spec && send_spec(rebuild, key, spec))
            return;
        if (key)
            key->is_pending = false;
        rebuild->name_at++;
        rebuild->spec_at = 0;
    }
    rebuild_free(rebuild);
    gh_pool_rebuilt(process);
}

void
gh_keys_on_started(void *context, struct gh_process *process)
{
    struct gh_keys *keys = context;
    struct rebuild *rebuild = gh_alloc(sizeof *rebuild);
    struct gh_key *key, *next;

    rebuild->keys = keys;
    rebuild->names = gh_alloc((HASH_COUNT(keys->by_name) + 1) * sizeof rebuild->names[0]);
    HASH_ITER(hh, keys->by_name, key, next)
    {
        if (key->process != process || !key->specs)
            continue;
        free(key->problem);
        key->problem = NULL;
        key->is_pending = true;
        rebuild->names[rebuild->name_count++] = gh_strdup(key->name);
    }
    send_next(rebuild, process);
}

/* ---- what workers say ---- */

static void
set_text(char **field, const json_t *value)
{
    free(*field);
    *field = json_is_string(value) ? gh_strdup(json_string_value(value)) : NULL;
}

void
gh_keys_on_put(void *context, struct gh_process *process, struct gh_call *call, const char *json,
               size_t len)
{
    struct gh_keys *keys = context;
    json_t *put = json_loadb(json, len, 0, NULL);
    const char *name = json_string_value(json_object_get(put, "key"));

    if (!name) {
        gh_log(GH_LOG_WARN, "worker.bad_key", "process=%s", gh_log_quote(process->name));
        json_decref(put);
        return;
    }

    struct gh_key *key = gh_keys_find(keys, (struct gh_slice){name, strlen(name)});
    if (key && key->process != process) {
        /* A key lives in one process: the newest put wins, the old copy goes. */
        struct gh_call_order order = {
            .kind = GH_FRAME_DELETE, .head.key = {name, strlen(name)}, .fd = -1};
        struct gh_err err;
        if (gh_pool_call(key->process, &order, NULL, &err) != GH_OK)
            gh_log(GH_LOG_WARN, "object.old_copy_stays", "key=%s reason=%s", gh_log_quote(name),
                   gh_log_quote(err.text));
        gh_spec_free(&key->specs);
    }
    key = gh_keys_declare(keys, name, process);
    set_text(&key->address, json_object_get(put, "address"));
    set_text(&key->visibility, json_object_get(put, "visibility"));
    set_text(&key->type, json_object_get(put, "type"));
    set_text(&key->app, json_object_get(put, "app"));
    key->is_resource = json_is_true(json_object_get(put, "resource"));
    if (call && (call->kind == GH_FRAME_PUT_RESOURCE || call->kind == GH_FRAME_PUT_OBJECT))
        key->put_call_id = call->id;
    json_decref(put);
}

void
gh_keys_on_gone(void *context, struct gh_process *process, struct gh_slice name)
{
    struct gh_keys *keys = context;
    struct gh_key *key = gh_keys_find(keys, name);

    if (key && key->process == process)
        gh_keys_drop(keys, key);
}

void
gh_keys_on_died(void *context, struct gh_process *process)
{
    struct gh_keys *keys = context;
    struct gh_key *key, *next;

    HASH_ITER(hh, keys->by_name, key, next)
    {
        if (key->process == process && !key->specs) {
            gh_log(GH_LOG_WARN, "object.lost", "key=%s process=%s", gh_log_quote(key->name),
                   gh_log_quote(process->name));
            gh_keys_drop(keys, key);
        }
    }
}

void
gh_keys_on_removed(void *context, struct gh_process *process)
{
    struct gh_keys *keys = context;
    struct gh_key *key, *next;

    HASH_ITER(hh, keys->by_name, key, next)
    {
        if (key->process == process)
            gh_keys_drop(keys, key);
    }
}
