/* SPDX-License-Identifier: Apache-2.0
 *
 * api/folder_routes.c - POST to /folder/method: files and folders of this node. What waits for the disk
 * runs in the thread pool. Source: http-api.md section 4. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/admit.h"
#include "api/fields.h"
#include "api/forward.h"
#include "api/routes.h"
#include "api/targets.h"
#include "base/alloc.h"
#include "conf/settings.h"
#include "node/folder.h"
#include "pool/pool.h"
#include "pool/shm.h"
#include "wire/frame.h"
#include "wire/reply.h"

#define RESULT_HEAD "{\"data\":"
#define RESULT_TAIL ",\"output_type\":\"result_serialized\",\"serialization\":null}"

/* One operation: filled by its route, run in the thread pool, answered in the loop. The thread has it
 * alone; it holds nothing of the request's. */
struct job {
    uv_work_t work;
    struct gh_api *api;
    struct gh_request *request; /* NULL once the client has left: the work goes on */
    int (*run)(struct job *job);
    char *path, *dest, *mode, *encoding;
    bool full_paths, newest_first, overwrites, is_recursive;
    json_t *names;
    size_t max_bytes;
    struct gh_slice contents; /* lies in CONTENTS_COPY or in MAP */
    char *contents_copy;
    const char *map;
    size_t map_len;
    bool has_result; /* else success is the envelope without data */
    struct gh_spill out;
    struct gh_fault fault;
};

static char *
text_of(const struct gh_value *value)
{
    return value->is_given ? gh_strndup(value->text.bytes, value->text.len) : NULL;
}

static struct job *
job_new(struct gh_api *api, struct gh_request *request, int (*run)(struct job *job),
        const struct gh_value *path)
{
    struct job *job = gh_alloc(sizeof *job);

    job->api = api;
    job->run = run;
    job->path = text_of(path);
    job->out = (struct gh_spill)GH_SPILL_INIT;
    job->work.data = job;
    gh_request_hold(request, &job->request);
    return job;
}

static void
job_free(struct job *job)
{
    free(job->path);
    free(job->dest);
    free(job->mode);
    free(job->encoding);
    json_decref(job->names);
    free(job->contents_copy);
    gh_shm_unmap(job->map, job->map_len);
    gh_spill_done(&job->out);
    gh_fault_done(&job->fault);
    free(job);
}

static void
answer_fault(struct gh_request *request, const struct gh_fault *fault)
{
    if (fault->status != 200)
        gh_reply_detail(request, fault->status, "%s", fault->text);
    else if (fault->pyclass == GH_PY_UNICODE_DECODE_ERROR)
        gh_reply_decode_error(request, fault->encoding, fault->bad_byte, fault->text);
    else
        gh_reply_exception(request, fault->pyclass, "%s", fault->text);
}

static void
answer_result(struct gh_request *request, struct gh_spill *out)
{
    size_t len;

    if (out->fd >= 0) {
        request->sink->reply_fd(request, 200, GH_JSON, out->fd, out->len);
        out->fd = -1; /* the sink's */
        return;
    }
    uint8_t *body = gh_buf_steal(&out->buf, &len);
    request->sink->reply(request, 200, GH_JSON, body, len);
}

static void
answer(struct job *job)
{
    struct gh_request *request = job->request;

    if (!request)
        return;
    gh_request_release(request);
    if (job->fault.status)
        answer_fault(request, &job->fault);
    else if (job->has_result)
        answer_result(request, &job->out);
    else
        gh_reply_success(request);
}

static int
add(struct job *job, const char *text)
{
    struct gh_err err;

    if (gh_spill_add(&job->out, text, strlen(text), &err) == GH_OK)
        return 0;
    return gh_fault_set(&job->fault, 507, 0, "%s", err.text);
}

/* ---- in the thread pool ---- */

static void
on_work(uv_work_t *work)
{
    struct job *job = work->data;
    char *path = gh_folder_path(job->path);
    struct gh_err err;

    free(job->path);
    job->path = path;
    int rc = job->has_result ? add(job, RESULT_HEAD) : 0;
    if (rc == 0)
        rc = job->run(job);
    if (rc == 0 && job->has_result)
        rc = add(job, RESULT_TAIL);
    if (rc == 0 && gh_spill_seal(&job->out, &err) != GH_OK)
        gh_fault_set(&job->fault, 507, 0, "%s", err.text);
}

static int
run_ls(struct job *job)
{
    return gh_folder_ls(job->path, job->full_paths, job->newest_first, &job->out, &job->fault);
}

static int
run_mkdir(struct job *job)
{
    return gh_folder_mkdir(job->path, &job->fault);
}

static int
run_get(struct job *job)
{
    return gh_folder_get(job->path, job->mode, job->encoding, job->max_bytes, &job->out,
                         &job->fault);
}

static int
run_put(struct job *job)
{
    return gh_folder_put(job->path, job->contents, job->mode, job->overwrites, &job->fault);
}

static int
run_rm(struct job *job)
{
    size_t count = json_array_size(job->names), i;
    const char **names GH_SCOPED(gh_free) = gh_alloc((count + 1) * sizeof *names);
    json_t *name;

    json_array_foreach(job->names, i, name) names[i] = json_string_value(name);
    return gh_folder_rm(job->path, names, count, job->is_recursive, &job->fault);
}

static int
run_mv(struct job *job)
{
    char *dest GH_SCOPED(gh_free) = gh_folder_path(job->dest);
    return gh_folder_mv(job->path, dest, job->overwrites, &job->fault);
}

static int
run_exists(struct job *job)
{
    bool exists;

    if (gh_folder_exists(job->path, &exists, &job->fault) != 0)
        return -1;
    return add(job, exists ? "true" : "false");
}

/* ---- the routes ---- */

static void
on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;

    (void)status; /* nobody cancels it */
    answer(job);
    job_free(job);
}

static void
start(struct job *job)
{
    uv_queue_work(job->api->loop, &job->work, on_work, on_worked);
}

void
gh_route_folder_ls(struct gh_api *api, struct gh_request *request)
{
    enum { PATH, FULL_PATHS, SORT, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PATH] = {"path", GH_FIELD_PATH, true},
        [FULL_PATHS] = {"full_paths", GH_FIELD_BOOL, false},
        [SORT] = {"sort", GH_FIELD_BOOL, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct job *job = job_new(api, request, run_ls, &values[PATH]);
    /* True when it is not there, but null is Python's None, which is false. */
    job->full_paths = values[FULL_PATHS].raw.len == 0 || values[FULL_PATHS].flag;
    job->newest_first = values[SORT].flag;
    job->has_result = true;
    start(job);
    gh_fields_done(values, COUNT);
}

static void
take_path(struct gh_api *api, struct gh_request *request, int (*run)(struct job *job),
          bool has_result)
{
    static const struct gh_field field = {"path", GH_FIELD_PATH, true};
    struct gh_value value;

    if (gh_fields_body(request, &field, 1, &value) != 0)
        return;
    struct job *job = job_new(api, request, run, &value);
    job->has_result = has_result;
    start(job);
    gh_fields_done(&value, 1);
}

void
gh_route_folder_mkdir(struct gh_api *api, struct gh_request *request)
{
    take_path(api, request, run_mkdir, false);
}

void
gh_route_folder_exists(struct gh_api *api, struct gh_request *request)
{
    take_path(api, request, run_exists, true);
}

void
gh_route_folder_get(struct gh_api *api, struct gh_request *request)
{
    enum { PATH, ENCODING, MODE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PATH] = {"path", GH_FIELD_PATH, true},
        [ENCODING] = {"encoding", GH_FIELD_TEXT, false},
        [MODE] = {"mode", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct job *job = job_new(api, request, run_get, &values[PATH]);
    job->encoding = text_of(&values[ENCODING]);
    job->mode = text_of(&values[MODE]);
    job->max_bytes = api->settings->body_max_bytes;
    job->has_result = true;
    start(job);
    gh_fields_done(values, COUNT);
}

void
gh_route_folder_rm(struct gh_api *api, struct gh_request *request)
{
    enum { PATH, CONTENTS, RECURSIVE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PATH] = {"path", GH_FIELD_PATH, true},
        [CONTENTS] = {"contents", GH_FIELD_TEXT_LIST, false},
        [RECURSIVE] = {"recursive", GH_FIELD_BOOL, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct job *job = job_new(api, request, run_rm, &values[PATH]);
    job->names = json_incref(values[CONTENTS].tree);
    job->is_recursive = values[RECURSIVE].flag;
    start(job);
    gh_fields_done(values, COUNT);
}

void
gh_route_folder_mv(struct gh_api *api, struct gh_request *request)
{
    enum { PATH, DEST, OVERWRITE, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PATH] = {"path", GH_FIELD_PATH, true},
        [DEST] = {"dest_path", GH_FIELD_PATH, true},
        [OVERWRITE] = {"overwrite", GH_FIELD_BOOL, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    struct job *job = job_new(api, request, run_mv, &values[PATH]);
    job->dest = text_of(&values[DEST]);
    job->overwrites = values[OVERWRITE].raw.len == 0 || values[OVERWRITE].flag;
    start(job);
    gh_fields_done(values, COUNT);
}

/* ---- put ---- */

/* The contents are in the descriptor FD, which this takes, or are copied from it: the client may leave,
 * and its body with it, while they are written. */
static int
map_contents(struct job *job, int fd, size_t offset, size_t len, size_t whole)
{
    struct gh_err err;

    job->map = gh_shm_map(fd, whole, &err);
    close(fd);
    if (!job->map)
        return gh_fault_set(&job->fault, 507, 0, "%s", err.text);
    job->map_len = whole;
    job->contents = (struct gh_slice){job->map + offset, len};
    return 0;
}

static void
copy_contents(struct job *job, const char *bytes, size_t len)
{
    job->contents_copy = gh_strndup(bytes, len);
    job->contents = (struct gh_slice){job->contents_copy, len};
}

/* A worker has taken serialized contents apart, or says why not. */
static void
on_unpacked(struct gh_call *call, const struct gh_answer *unpacked)
{
    struct job *job = call->context;
    struct gh_request *request = job->request;
    int rc = 0;

    if (!unpacked->failure && unpacked->outcome == GH_OUTCOME_OK) {
        if (unpacked->fd >= 0)
            rc = map_contents(job, unpacked->fd, 0, unpacked->len, unpacked->len);
        else
            copy_contents(job, (const char *)unpacked->body, unpacked->len);
        if (rc == 0) {
            start(job);
            return;
        }
        answer(job);
    } else if (request && unpacked->failure) {
        gh_reply_exception(request, GH_PY_RUNTIME_ERROR, "%s", unpacked->failure);
    } else if (request) {
        gh_request_release(request);
        gh_forward_answer(request, unpacked);
    } else if (unpacked->fd >= 0) {
        close(unpacked->fd);
    }
    job_free(job);
}

/* What is pickled or JSON in a string only a worker can read. */
static void
unpack(struct job *job, enum gh_serialization serialization, struct gh_slice raw)
{
    struct gh_request *request = job->request;
    struct gh_process *process = gh_pool_find(job->api->pool, GH_DEFAULT_PROCESS);
    struct gh_call_order order = {
        .kind = GH_FRAME_UNPACK_FILES,
        .head = {.serialization = serialization,
                 .data = (const uint8_t *)raw.bytes,
                 .data_len = raw.len},
        .fd = -1,
        .request_id = request->id,
        .on_done = on_unpacked,
        .context = job,
    };
    struct gh_err err;

    if (request->body_fd >= 0) {
        order.head.data_offset = (uint64_t)(raw.bytes - request->body.bytes);
        order.head.data = NULL;
        order.fd = gh_request_take_body_fd(request);
    }
    if (process && gh_pool_call(process, &order, NULL, &err) == GH_OK)
        return;

    gh_request_release(request);
    if (process)
        gh_reply_busy(request, gh_pool_retry_after_s(process), "%s", err.text);
    else
        gh_reply_exception(request, GH_PY_OBJ_STORE_ERROR,
                           "Got None servlet for servlet_name " GH_DEFAULT_PROCESS ".");
    if (!process && order.fd >= 0)
        close(order.fd);
    job_free(job);
}

static void
put_plain(struct job *job, struct gh_slice raw)
{
    struct gh_request *request = job->request;
    int rc = 0;

    if (request->body_fd >= 0)
        rc = map_contents(job, gh_request_take_body_fd(request),
                          (size_t)(raw.bytes - request->body.bytes), raw.len, request->body.len);
    else
        copy_contents(job, raw.bytes, raw.len);
    if (rc == 0) {
        start(job);
        return;
    }
    answer(job);
    job_free(job);
}

void
gh_route_folder_put(struct gh_api *api, struct gh_request *request)
{
    enum { PATH, CONTENTS, OVERWRITE, MODE, SERIALIZATION, COUNT };
    static const struct gh_field fields[COUNT] = {
        [PATH] = {"path", GH_FIELD_PATH, true},
        [CONTENTS] = {"contents", GH_FIELD_ANY, true},
        [OVERWRITE] = {"overwrite", GH_FIELD_BOOL, false},
        [MODE] = {"mode", GH_FIELD_TEXT, false},
        [SERIALIZATION] = {"serialization", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];
    enum gh_serialization serialization;

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    if (gh_fields_serialization(request, &values[SERIALIZATION], GH_SERIALIZATION_NONE,
                                &serialization) == 0 &&
        gh_admit_data(api, request, serialization, (struct gh_slice){"", 0})) {
        struct job *job = job_new(api, request, run_put, &values[PATH]);
        job->overwrites = values[OVERWRITE].flag;
        job->mode = text_of(&values[MODE]);
        if (serialization == GH_SERIALIZATION_NONE)
            put_plain(job, values[CONTENTS].raw);
        else
            unpack(job, serialization, values[CONTENTS].raw);
    }
    gh_fields_done(values, COUNT);
}
