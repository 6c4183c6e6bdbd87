/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reply.h"

#include <jansson.h>
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
    [GH_PY_FILE_EXISTS_ERROR] = {"builtins", "FileExistsError"},
    [GH_PY_FILE_NOT_FOUND_ERROR] = {"builtins", "FileNotFoundError"},
    [GH_PY_INSUFFICIENT_DISK_ERROR] = {"runhouse.exceptions", "InsufficientDiskError"},
    [GH_PY_KEY_ERROR] = {"builtins", "KeyError"},
    [GH_PY_NOT_A_DIRECTORY_ERROR] = {"builtins", "NotADirectoryError"},
    [GH_PY_OBJ_STORE_ERROR] = {"runhouse.servers.obj_store", "ObjStoreError"},
    [GH_PY_OS_ERROR] = {"builtins", "OSError"},
    [GH_PY_RUNTIME_ERROR] = {"builtins", "RuntimeError"},
    [GH_PY_TYPE_ERROR] = {"builtins", "TypeError"},
    [GH_PY_UNICODE_DECODE_ERROR] = {"builtins", "UnicodeDecodeError"},
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
gh_reply_tree(struct gh_request *request, unsigned status, json_t *tree)
{
    struct gh_buf out = {0};
    char *text GH_SCOPED(gh_free) = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(15));

    json_decref(tree);
    gh_buf_add_text(&out, text ? text : "null");
    gh_reply_json(request, status, &out);
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

/* What stands around the pickled error, which is the JSON literal ERROR. */
static void
add_envelope(struct gh_buf *out, const struct gh_buf *error, enum gh_pyclass class,
             const char *as_str)
{
    const char *module = pyclasses[class].module;
    bool is_builtin = strcmp(module, "builtins") == 0;
    char *traceback GH_SCOPED(gh_free) =
        gh_asprintf("Traceback (most recent call last):\n%s%s%s: %s\n", is_builtin ? "" : module,
                    is_builtin ? "" : ".", pyclasses[class].name, as_str);

    gh_buf_add_text(out, "{\"data\":{\"error\":");
    gh_buf_add(out, error->bytes, error->len);
    gh_buf_add_text(out, ",\"traceback\":");
    gh_jsontext_quote(out, traceback, strlen(traceback), GH_JSONTEXT_ASCII);
    gh_buf_add_text(out, ",\"exception_as_str\":");
    gh_jsontext_quote(out, as_str, strlen(as_str), GH_JSONTEXT_ASCII);
    gh_buf_add_text(out, "},\"output_type\":\"exception\",\"serialization\":\"pickle\"}");
}

void
gh_reply_add_exception(struct gh_buf *out, enum gh_pyclass class, const char *text)
{
    struct gh_buf error GH_SCOPED(gh_buf_done) = {0};
    /* str() of a KeyError is the repr of its argument. */
    const char *quote = class == GH_PY_KEY_ERROR ? "'" : "";
    char *as_str GH_SCOPED(gh_free) = gh_asprintf("%s%s%s", quote, text, quote);

    gh_pickle_add_exception(&error, pyclasses[class].module, pyclasses[class].name, text);
    add_envelope(out, &error, class, as_str);
}

void
gh_reply_decode_error(struct gh_request *request, const char *encoding, uint8_t bad,
                      const char *reason)
{
    struct gh_buf error GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf out = {0};
    char *as_str GH_SCOPED(gh_free) =
        gh_asprintf("'%s' codec can't decode byte 0x%02x in position 0: %s", encoding, bad, reason);

    gh_pickle_add_decode_error(&error, encoding, bad, reason);
    add_envelope(&out, &error, GH_PY_UNICODE_DECODE_ERROR, as_str);
    gh_reply_json(request, 200, &out);
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
