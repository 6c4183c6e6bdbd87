/* SPDX-License-Identifier: Apache-2.0
 *
 * api/log_routes.c - POST /logs: the output of a run, as it comes. Source: serialization.md
 * section 7. */
#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/fields.h"
#include "api/routes.h"
#include "api/targets.h"
#include "base/alloc.h"
#include "store/keys.h"
#include "store/runs.h"
#include "wire/reply.h"

struct log_stream {
    struct gh_request *request;
    struct gh_run_reader *reader; /* NULL while the reader is being attached, and once it ended */
};

static size_t
on_lines(void *context, const char *lines, size_t len)
{
    struct log_stream *stream = context;
    return stream->request->sink->write(stream->request, lines, len);
}

static void
on_end(void *context)
{
    struct log_stream *stream = context;

    stream->request->on_gone = NULL;
    stream->request->sink->end(stream->request);
    free(stream);
}

static void
on_reader_gone(struct gh_request *request, void *context)
{
    struct log_stream *stream = context;

    (void)request;
    gh_run_reader_drop(stream->reader);
    free(stream);
}

static const struct gh_run_reader_events reader_events = {on_lines, on_end};

/* Of KEY alone when whoever asks may not see what the whole node does: a run's name is easily guessed. */
static void
stream_run(struct gh_api *api, struct gh_request *request, struct gh_slice run_name,
           struct gh_slice key)
{
    struct gh_slice seen = gh_admit_sees_node(api, request) ? (struct gh_slice){"", 0} : key;
    struct log_stream *stream = gh_alloc(sizeof *stream);

    stream->request = request;
    request->sink->stream(request, 200, GH_JSON);
    struct gh_run_reader *reader = gh_runs_read(api->runs, run_name, seen, &reader_events, stream);
    if (!reader)
        return; /* it was over: on_end has freed the stream */
    stream->reader = reader;
    request->on_gone = on_reader_gone;
    request->on_gone_context = stream;
}

/* Nothing will ever run under that key's name; the call itself says so. */
static void
stream_nothing(struct gh_request *request)
{
    request->sink->stream(request, 200, GH_JSON);
    request->sink->end(request);
}

/* The output of a key's calls is for whoever may call it; that of a process or a node may be of any key. */
static bool
may_read(struct gh_api *api, struct gh_request *request, const struct gh_value *key)
{
    enum gh_need need = key->is_given ? GH_NEED_OBJECT : GH_NEED_CLUSTER;
    return gh_admit_for(api, request, need, key->text, gh_route_logs) == GH_ADMITTED;
}

void
gh_route_logs(struct gh_api *api, struct gh_request *request)
{
    enum { RUN_NAME, KEY, PROCESS, NODE, SERIALIZATION, COUNT };
    static const struct gh_field fields[COUNT] = {
        [RUN_NAME] = {"run_name", GH_FIELD_TEXT, true},
        [KEY] = {"key", GH_FIELD_TEXT, false},
        [PROCESS] = {"process", GH_FIELD_TEXT, false},
        [NODE] = {"node_ip_or_idx", GH_FIELD_TEXT_OR_INT, false},
        [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    unsigned targets = values[KEY].is_given + values[PROCESS].is_given + values[NODE].is_given;
    if (!may_read(api, request, &values[KEY]) ||
        gh_run_name_check(request, "body", &values[RUN_NAME]) != 0) {
        /* answered */
    } else if (targets != 1) {
        gh_fields_refuse(request, "body", "key", "missing",
                         "Exactly one of key, process and node_ip_or_idx is needed", request->body);
    } else if (values[KEY].is_given && !gh_keys_find(api->keys, values[KEY].text)) {
        stream_nothing(request);
    } else if (!values[NODE].is_given || gh_target_node(api, request, &values[NODE]) == 0) {
        stream_run(api, request, values[RUN_NAME].text, values[KEY].text);
    }
    gh_fields_done(values, COUNT);
}

/* The form of 0.0.36, which has all in the path. The serialization would be that of an exception line,
 * and there are none. */
void
gh_route_logs_get(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf key GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf run_name GH_SCOPED(gh_buf_done) = {0};

    gh_url_decode(&key, request->url.segments[1], false); /* escapes were checked with the target */
    gh_url_decode(&run_name, request->url.segments[2], false);
    struct gh_value value = {.is_given = true, .text = {(char *)run_name.bytes, run_name.len}};
    if (gh_run_name_check(request, "path", &value) != 0)
        return;
    struct gh_slice name = {(char *)key.bytes, key.len};
    if (gh_keys_find(api->keys, name))
        stream_run(api, request, value.text, name);
    else
        stream_nothing(request);
}
