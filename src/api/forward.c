/* SPDX-License-Identifier: Apache-2.0 */
#include "api/forward.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "store/keys.h"
#include "store/runs.h"
#include "wire/reply.h"

#define TEXT_MAX_BYTES 8192

struct gh_forward *
gh_forward_new(struct gh_api *api, struct gh_request *request, enum gh_serialization serialization)
{
    struct gh_forward *forward = gh_alloc(sizeof *forward);

    forward->api = api;
    forward->serialization = serialization;
    gh_request_hold(request, &forward->request);
    return forward;
}

static void
forward_free(struct gh_forward *forward)
{
    if (forward->run)
        gh_run_end(forward->run);
    gh_spec_free(&forward->spec);
    free(forward);
}

/* {"data":{"error":"RuntimeError: text",...},"output_type":"exception","serialization":"json"} */
static void
refuse_json(struct gh_request *request, unsigned status, const char *class_name, const char *text)
{
    struct gh_buf out = {0};
    char *error GH_SCOPED(gh_free) = gh_asprintf("%s: %s", class_name, text);

    gh_buf_add_text(&out, "{\"data\":{\"error\":");
    gh_jsontext_quote(&out, error, strlen(error), GH_JSONTEXT_UTF8);
    gh_buf_add_text(&out, ",\"traceback\":");
    gh_jsontext_quote(&out, error, strlen(error), GH_JSONTEXT_UTF8);
    gh_buf_add_text(&out, ",\"exception_as_str\":");
    gh_jsontext_quote(&out, text, strlen(text), GH_JSONTEXT_UTF8);
    gh_buf_add_text(&out, "},\"output_type\":\"exception\",\"serialization\":\"json\"}");
    gh_reply_json(request, status, &out);
}

void
gh_forward_refuse(struct gh_request *request, enum gh_serialization serialization, bool is_bare,
                  unsigned status, int pyclass, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    if (serialization == GH_SERIALIZATION_PICKLE)
        gh_reply_exception(request, (enum gh_pyclass)pyclass, "%s", text);
    else if (serialization == GH_SERIALIZATION_JSON && !is_bare && status >= 500)
        refuse_json(request, status, gh_reply_class_name((enum gh_pyclass)pyclass), text);
    else
        gh_reply_detail(request, status, "%s", text);
}

void
gh_forward_answer(struct gh_request *request, const struct gh_answer *answer)
{
    if (answer->fd >= 0) {
        request->sink->reply_fd(request, answer->status, GH_JSON, answer->fd, answer->len);
        return;
    }
    uint8_t *body = gh_try_alloc(answer->len);
    if (body && answer->len)
        memcpy(body, answer->body, answer->len);
    request->sink->reply(request, answer->status, GH_JSON, body, body ? answer->len : 0);
}

static void
on_done(struct gh_call *call, const struct gh_answer *answer)
{
    struct gh_forward *forward = call->context;
    struct gh_request *request = forward->request;

    if (!answer->failure && answer->outcome == GH_OUTCOME_OK && forward->on_ok)
        forward->on_ok(forward, call);

    if (!request) {
        if (answer->fd >= 0)
            close(answer->fd);
    } else if (answer->failure) {
        gh_forward_refuse(request, forward->serialization, forward->is_bare, 500,
                          GH_PY_RUNTIME_ERROR, "%s", answer->failure);
    } else {
        gh_forward_answer(request, answer);
    }
    forward_free(forward);
}

static void
on_log(struct gh_call *call, enum gh_stream stream, const char *text, size_t len)
{
    struct gh_forward *forward = call->context;

    if (forward->run)
        gh_run_write(forward->run, stream, text, len);
}

void
gh_forward_send(struct gh_forward *forward, struct gh_process *process, struct gh_call_order *order)
{
    struct gh_request *request = forward->request;
    struct gh_err err;

    order->request_id = request->id;
    order->user = request->user;
    order->on_done = on_done;
    order->on_log = on_log;
    order->context = forward;
    if (gh_pool_call(process, order, NULL, &err) == GH_OK)
        return;

    gh_request_release(request);
    forward_free(forward);
    gh_reply_busy(request, gh_pool_retry_after_s(process), "%s", err.text);
}
