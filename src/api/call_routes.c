/* SPDX-License-Identifier: Apache-2.0
 *
 * api/call_routes.c - POST and GET /{key}/{method}. Source: http-api.md section 6. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/admit.h"
#include "api/fields.h"
#include "api/forward.h"
#include "api/inline_logs.h"
#include "api/routes.h"
#include "api/targets.h"
#include "api/too_old.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "store/keys.h"
#include "store/runs.h"
#include "wire/frame.h"
#include "wire/reply.h"

#define RUN_NAME_MAX_BYTES 512u

enum {
    DATA,
    SERIALIZATION,
    RUN_NAME,
    STREAM_LOGS,
    SAVE,
    REMOTE,
    BODY_COUNT,
    BARE = BODY_COUNT,
    QUERY_COUNT
};

static const struct gh_field body_fields[BODY_COUNT] = {
    [DATA] = {"data", GH_FIELD_ANY, false},
    [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
    [RUN_NAME] = {"run_name", GH_FIELD_TEXT, false},
    [STREAM_LOGS] = {"stream_logs", GH_FIELD_BOOL, false},
    [SAVE] = {"save", GH_FIELD_BOOL, false},
    [REMOTE] = {"remote", GH_FIELD_BOOL, false},
};

static const struct gh_field query_fields[QUERY_COUNT] = {
    [DATA] = {"data", GH_FIELD_ANY, false},
    [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
    [RUN_NAME] = {"run_name", GH_FIELD_TEXT, false},
    [STREAM_LOGS] = {"stream_logs", GH_FIELD_BOOL, false},
    [SAVE] = {"save", GH_FIELD_BOOL, false},
    [REMOTE] = {"remote", GH_FIELD_BOOL, false},
    [BARE] = {"_bare", GH_FIELD_BOOL, false},
};

/* What a call asks for, of whichever form it came in. Texts live as long as the request. */
struct call_form {
    struct gh_slice key, method, run_name;
    char *key_owned, *method_owned; /* back them when they had escapes */
    char run_name_made[2 * GH_FIELD_NAME_MAX_BYTES + 64];
    enum gh_serialization serialization;
    unsigned flags;       /* GH_CALL_* */
    struct gh_slice data; /* JSON text; empty for none */
};

static int
decode_segment(struct gh_slice raw, struct gh_slice *out, char **owned)
{
    if (!memchr(raw.bytes, '%', raw.len)) {
        *out = raw;
        return 0;
    }
    struct gh_buf plain = {0};
    gh_url_decode(&plain, raw, false);
    out->len = plain.len;
    *owned = (char *)(uintptr_t)gh_buf_text(&plain);
    out->bytes = *owned;
    return memchr(out->bytes, '/', out->len) || memchr(out->bytes, '\0', out->len) ? -1 : 0;
}

/* The two names of the path; answers 404 when they can be no key and method. */
static int
take_names(struct gh_request *request, struct call_form *form)
{
    if (decode_segment(request->url.segments[0], &form->key, &form->key_owned) == 0 &&
        decode_segment(request->url.segments[1], &form->method, &form->method_owned) == 0 &&
        form->key.len <= GH_FIELD_NAME_MAX_BYTES && form->method.len <= GH_FIELD_NAME_MAX_BYTES)
        return 0;
    gh_reply_detail(request, 404, "Not Found");
    return -1;
}

static void
form_done(struct call_form *form)
{
    free(form->key_owned);
    free(form->method_owned);
}

/* <key>_<method>--YYYYMMDD--HHMMSS_ffffff, as the client's server makes them. */
static void
make_run_name(struct call_form *form)
{
    static time_t formatted_s;
    static char formatted[24];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != formatted_s) {
        struct tm local;
        formatted_s = now.tv_sec;
        localtime_r(&now.tv_sec, &local);
        strftime(formatted, sizeof formatted, "%Y%m%d--%H%M%S", &local);
    }
    bool is_call = gh_slice_is(form->method, "__call__");
    int len = snprintf(form->run_name_made, sizeof form->run_name_made, "%.*s%s%.*s--%s_%06ld",
                       (int)form->key.len, form->key.bytes, is_call ? "" : "_",
                       is_call ? 0 : (int)form->method.len, form->method.bytes, formatted,
                       now.tv_nsec / 1000);
    form->run_name = (struct gh_slice){form->run_name_made, (size_t)len};
}

/* The client makes names of keys, which may hold anything; a name is no path all the same. */
bool
gh_run_name_is_valid(struct gh_slice name)
{
    if (name.len == 0 || name.len > RUN_NAME_MAX_BYTES || name.bytes[0] == '.')
        return false;
    for (size_t i = 0, len; i < name.len; i += len) {
        const char *at = name.bytes + i;
        len = gh_jsontext_utf8_len(at, name.len - i);
        if (len == 0 || *at == '/' || gh_jsontext_control_len(at, len) > 0)
            return false;
    }
    return true;
}

int
gh_run_name_check(struct gh_request *request, const char *where, const struct gh_value *value)
{
    struct gh_buf input GH_SCOPED(gh_buf_done) = {0};

    if (gh_run_name_is_valid(value->text))
        return 0;
    gh_jsontext_quote(&input, value->text.bytes, value->text.len, GH_JSONTEXT_UTF8);
    gh_fields_refuse(
        request, where, "run_name", "string_pattern_mismatch",
        "Run names have 1 to 512 bytes, no slash, no control character and no dot at the begin",
        (struct gh_slice){(char *)input.bytes, input.len});
    return -1;
}

static int
take_run_name(struct gh_request *request, struct call_form *form, const struct gh_value *value,
              const char *where)
{
    if (!value->is_given) { /* clients up to 0.0.32 send none, or null */
        make_run_name(form);
        return 0;
    }
    if (value->text.len == 0 && form->serialization == GH_SERIALIZATION_PICKLE) {
        gh_reply_exception(request, GH_PY_VALUE_ERROR, "run_name is required for all calls.");
        return -1;
    }
    form->run_name = value->text;
    return gh_run_name_check(request, where, value);
}

static bool
asks_bare(struct gh_request *request)
{
    const char *accept = request->sink->header(request, "Accept");
    return accept && (strcasestr(accept, "profile=bare") || strcasestr(accept, "profile=\"bare\""));
}

/* ---- to the worker ---- */

static void
keep_constructor_call(struct gh_forward *forward, struct gh_call *call)
{
    struct gh_key *key =
        gh_keys_find(forward->api->keys, (struct gh_slice){call->key, strlen(call->key)});

    if (key && key->specs)
        gh_keys_add_spec(key, gh_take(forward->spec)); /* a plain object's would make nothing */
}

/* Why there is nothing to call under this key, as an answer. */
static void
refuse_key(struct gh_request *request, const struct call_form *form, const struct gh_key *key)
{
    bool is_bare = form->flags & GH_CALL_BARE;

    if (key) {
        gh_forward_refuse(request, form->serialization, is_bare, 500, GH_PY_RUNTIME_ERROR,
                          "Module %s could not be built: %s", key->name, key->problem);
        return;
    }
    gh_forward_refuse(request, form->serialization, is_bare, 404, GH_PY_OBJ_STORE_ERROR,
                      "Key %.*s not found in any process, cannot call method %.*s on it.",
                      (int)form->key.len, form->key.bytes, (int)form->method.len,
                      form->method.bytes);
}

static void
send_call(struct gh_api *api, struct gh_request *request, const struct call_form *form)
{
    struct gh_key *key = gh_keys_find(api->keys, form->key);
    struct gh_process *process = key ? key->process : gh_target_default_env(api, form->key);

    if (!process || (key && key->problem)) {
        refuse_key(request, form, key);
        return;
    }

    struct gh_call_order order = {
        .kind = GH_FRAME_CALL,
        .head = {.serialization = form->serialization,
                 .flags = form->flags,
                 .key = form->key,
                 .method = form->method,
                 .run_name = form->run_name,
                 .data = (const uint8_t *)form->data.bytes,
                 .data_len = form->data.len},
        .fd = -1,
    };
    if (request->body_fd >= 0 && form->data.len > 0) {
        order.head.data_offset = (uint64_t)(form->data.bytes - request->body.bytes);
        order.head.data = NULL;
        order.fd = gh_request_take_body_fd(request);
    }

    struct gh_run *run = NULL;
    if (form->flags & GH_CALL_STREAM_LOGS)
        run = gh_run_begin(api->runs, form->run_name, form->key);
    else
        gh_runs_note_silent(api->runs, form->run_name);
    if (run && request->method == GH_POST && form->serialization == GH_SERIALIZATION_PICKLE)
        request = gh_inline_logs_wrap(api, request, run, form->run_name, form->key);
    struct gh_forward *forward = gh_forward_new(api, request, form->serialization);
    forward->is_bare = form->flags & GH_CALL_BARE;
    forward->run = run;
    if (gh_slice_is(form->method, "_remote_init")) {
        forward->spec = gh_spec_new(GH_FRAME_CALL, &order.head, order.fd);
        forward->on_ok = keep_constructor_call;
    }
    gh_forward_send(forward, process, &order);
}

/* ---- POST ---- */

static unsigned
flags_of(const struct gh_value *values)
{
    return (values[STREAM_LOGS].flag ? GH_CALL_STREAM_LOGS : 0) |
           (values[REMOTE].flag ? GH_CALL_REMOTE : 0);
}

static bool
has_sdk_field(const struct gh_value *values)
{
    for (size_t i = 0; i < BODY_COUNT; i++)
        if (values[i].raw.len)
            return true;
    return false;
}

static void
call_bare(struct gh_api *api, struct gh_request *request, struct call_form *form, bool is_absent)
{
    form->flags = GH_CALL_BARE;
    form->serialization = GH_SERIALIZATION_NONE;
    form->data = is_absent ? (struct gh_slice){0} : request->body;
    make_run_name(form);
    send_call(api, request, form);
}

/* A client up to 0.0.17? The newer ones say how their data is serialized, or name their run; curl sets
 * neither `save` nor `stream_logs` without need. */
static bool
is_message(struct gh_request *request, const struct gh_value *values)
{
    return !values[SERIALIZATION].raw.len && !values[RUN_NAME].raw.len && values[SAVE].raw.len &&
           values[STREAM_LOGS].raw.len && gh_too_old_is_message(request);
}

static void
call_with_fields(struct gh_api *api, struct gh_request *request, struct call_form *form,
                 struct gh_value *values)
{
    if (is_message(request, values)) {
        gh_too_old_refuse(request, 422);
        return;
    }
    if (gh_fields_check(request, body_fields, BODY_COUNT, values) != 0)
        return;
    if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_NONE,
                                &form->serialization) == 0 &&
        gh_admit_data(api, request, form->serialization, form->key) &&
        take_run_name(request, form, &values[RUN_NAME], "body") == 0) {
        form->flags = flags_of(values);
        if (values[DATA].is_given)
            form->data = values[DATA].raw;
        send_call(api, request, form);
    }
    gh_fields_done(values, BODY_COUNT);
}

void
gh_route_call_post(struct gh_api *api, struct gh_request *request)
{
    struct call_form form = {.flags = 0};
    struct gh_value values[BODY_COUNT], query[QUERY_COUNT];
    bool is_absent;

    if (gh_fields_query(request, &query_fields[BARE], 1, &query[BARE]) != 0)
        return;
    bool wants_bare = query[BARE].flag;
    gh_fields_done(&query[BARE], 1);

    if (take_names(request, &form) == 0 &&
        gh_fields_scan(request, body_fields, BODY_COUNT, values, &is_absent) == 0) {
        if (wants_bare || asks_bare(request) || is_absent || !has_sdk_field(values))
            call_bare(api, request, &form, is_absent);
        else
            call_with_fields(api, request, &form, values);
    }
    form_done(&form);
}

/* ---- GET ---- */

static bool
is_query_field(struct gh_slice name)
{
    for (size_t i = 0; i < QUERY_COUNT; i++)
        if (gh_slice_is(name, query_fields[i].name))
            return true;
    return false;
}

/* The query's other parameters as a JSON object of strings; the last of repeated names wins, as
 * JSON decoders have it. */
static void
add_arguments(struct gh_buf *out, struct gh_slice rest)
{
    struct gh_buf plain GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice name, value;
    bool is_first = true;

    gh_buf_add_byte(out, '{');
    while (gh_url_next_pair(&rest, &name, &value)) {
        if (is_query_field(name))
            continue;
        if (!is_first)
            gh_buf_add_byte(out, ',');
        is_first = false;
        plain.len = 0;
        gh_url_decode(&plain, name, true);
        gh_jsontext_quote(out, (char *)plain.bytes, plain.len, GH_JSONTEXT_UTF8);
        gh_buf_add_byte(out, ':');
        plain.len = 0;
        gh_url_decode(&plain, value, true);
        gh_jsontext_quote(out, (char *)plain.bytes, plain.len, GH_JSONTEXT_UTF8);
    }
    gh_buf_add_byte(out, '}');
}

static int
take_query(struct gh_request *request, struct call_form *form, const struct gh_value *values)
{
    if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_JSON,
                                &form->serialization) != 0)
        return -1;
    form->flags = GH_CALL_QUERY | flags_of(values);
    if (values[BARE].flag || asks_bare(request)) {
        form->flags |= GH_CALL_BARE;
        form->serialization = GH_SERIALIZATION_NONE;
    }
    if (values[RUN_NAME].is_given)
        return take_run_name(request, form, &values[RUN_NAME], "query");
    if (values[STREAM_LOGS].flag) {
        gh_fields_refuse(request, "query", "run_name", "missing",
                         "stream_logs needs a run_name: it names the run for /logs",
                         (struct gh_slice){0});
        return -1;
    }
    make_run_name(form);
    return 0;
}

void
gh_route_call_get(struct gh_api *api, struct gh_request *request)
{
    struct call_form form = {.flags = 0};
    struct gh_value values[QUERY_COUNT];
    struct gh_buf arguments GH_SCOPED(gh_buf_done) = {0};

    if (gh_fields_query(request, query_fields, QUERY_COUNT, values) != 0)
        return;
    if (take_names(request, &form) == 0 && take_query(request, &form, values) == 0) {
        add_arguments(&arguments, request->url.query);
        form.data = (struct gh_slice){(char *)arguments.bytes, arguments.len};
        send_call(api, request, &form);
    }
    gh_fields_done(values, QUERY_COUNT);
    form_done(&form);
}
