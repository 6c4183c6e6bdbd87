/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "wire/pickle.h"

#define TEXT_MAX_BYTES 8192

static const struct {
    const char *module;
    const char *name;
} pyclasses[] = {
    [GH_PY_EXCEPTION] = {"builtins", "Exception"},
    [GH_PY_FILE_NOT_FOUND_ERROR] = {"builtins", "FileNotFoundError"},
    [GH_PY_INSUFFICIENT_DISK_ERROR] = {"runhouse.exceptions", "InsufficientDiskError"},
    [GH_PY_KEY_ERROR] = {"builtins", "KeyError"},
    [GH_PY_OBJ_STORE_ERROR] = {"runhouse.servers.obj_store", "ObjStoreError"},
    [GH_PY_RUNTIME_ERROR] = {"builtins", "RuntimeError"},
    [GH_PY_TYPE_ERROR] = {"builtins", "TypeError"},
    [GH_PY_VALUE_ERROR] = {"builtins", "ValueError"},
};

void
gh_reply_json(struct gh_request *request, unsigned status, struct gh_buf *buf)
{
    size_t len;
    uint8_t *body = gh_buf_steal(buf, &len);

    request->sink->reply(request, status, GH_JSON, body, len);
}

void
gh_reply_success(struct gh_request *request)
{
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"data\":null,\"output_type\":\"success\",\"serialization\":null}");
    gh_reply_json(request, 200, &out);
}

void
gh_reply_result(struct gh_request *request, const char *data, size_t len, const char *serialization)
{
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "{\"data\":");
    gh_buf_add(&out, data, len);
    gh_buf_add_text(&out, ",\"output_type\":\"result_serialized\",\"serialization\":");
    if (serialization)
        gh_buf_addf(&out, "\"%s\"}", serialization);
    else
        gh_buf_add_text(&out, "null}");
    gh_reply_json(request, 200, &out);
}

static void
add_detail(struct gh_request *request, struct gh_buf *out, const char *text)
{
    gh_buf_add_text(out, "{\"detail\":");
    gh_jsontext_quote(out, text, strlen(text), GH_JSONTEXT_UTF8);
    gh_buf_add_text(out, ",\"request_id\":");
    gh_jsontext_quote(out, request->id, strlen(request->id), GH_JSONTEXT_UTF8);
    gh_buf_add_byte(out, '}');
}

void
gh_reply_detail(struct gh_request *request, unsigned status, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    struct gh_buf out = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    add_detail(request, &out, text);
    gh_reply_json(request, status, &out);
}

void
gh_reply_busy(struct gh_request *request, unsigned retry_after_s, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    request->retry_after_s = retry_after_s;
    gh_reply_detail(request, 503, "%s", text);
}

const char *
gh_reply_class_name(enum gh_pyclass pyclass)
{
    return pyclasses[pyclass].name;
}

void
gh_reply_add_exception(struct gh_buf *out, enum gh_pyclass class, const char *text)
{
    const char *module = pyclasses[class].module;
    const char *name = pyclasses[class].name;
    bool is_builtin = strcmp(module, "builtins") == 0;
    /* str() of a KeyError is the repr of its argument. */
    const char *quote = class == GH_PY_KEY_ERROR ? "'" : "";
    char *as_str GH_SCOPED(gh_free) = gh_asprintf("%s%s%s", quote, text, quote);
    char *traceback GH_SCOPED(gh_free) =
        gh_asprintf("Traceback (most recent call last):\n%s%s%s: %s\n", is_builtin ? "" : module,
                    is_builtin ? "" : ".", name, as_str);

    gh_buf_add_text(out, "{\"data\":{\"error\":");
    gh_pickle_add_exception(out, module, name, text);
    gh_buf_add_text(out, ",\"traceback\":");
    gh_jsontext_quote(out, traceback, strlen(traceback), GH_JSONTEXT_ASCII);
    gh_buf_add_text(out, ",\"exception_as_str\":");
    gh_jsontext_quote(out, as_str, strlen(as_str), GH_JSONTEXT_ASCII);
    gh_buf_add_text(out, "},\"output_type\":\"exception\",\"serialization\":\"pickle\"}");
}

void
gh_reply_exception(struct gh_request *request, enum gh_pyclass class, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    struct gh_buf out = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    gh_reply_add_exception(&out, class, text);
    gh_reply_json(request, 200, &out);
}
