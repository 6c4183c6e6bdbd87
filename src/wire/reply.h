/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/reply.h - the shapes of answers: envelope, exception, detail.
 *
 *     {"data": any, "output_type": string, "serialization": string or null}
 *
 * Compact separators and this order of keys, as the client's server writes them. Source:
 * http-api.md section 1, serialization.md sections 3, 4 and 8. Loop thread only. */
#ifndef GH_WIRE_REPLY_H
#define GH_WIRE_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/request.h"

struct json_t;

#define GH_JSON "application/json"

/* Exception classes that the daemon raises at the client; each can be loaded without Ray. */
enum gh_pyclass {
    GH_PY_EXCEPTION,
    GH_PY_FILE_EXISTS_ERROR,
    GH_PY_FILE_NOT_FOUND_ERROR,
    GH_PY_INSUFFICIENT_DISK_ERROR,
    GH_PY_KEY_ERROR,
    GH_PY_NOT_A_DIRECTORY_ERROR,
    GH_PY_OBJ_STORE_ERROR,
    GH_PY_OS_ERROR,
    GH_PY_RUNTIME_ERROR,
    GH_PY_TYPE_ERROR,
    GH_PY_UNICODE_DECODE_ERROR, /* by gh_reply_decode_error only */
    GH_PY_VALUE_ERROR,
};

/* Answer with BUF's content as JSON; BUF is empty afterwards. */
void gh_reply_json(struct gh_request *request, unsigned status, struct gh_buf *buf);

/* Answer with TREE, whose reference is taken, as JSON; times in it to a microsecond. */
void gh_reply_tree(struct gh_request *request, unsigned status, struct json_t *tree);

/* {"data":null,"output_type":"success","serialization":null} */
void gh_reply_success(struct gh_request *request);

/* A result envelope. DATA is JSON text; SERIALIZATION a plain word, or NULL for null. */
void gh_reply_result(struct gh_request *request, const char *data, size_t len,
                     const char *serialization);

/* STATUS with {"detail": text, "request_id": id}. */
void gh_reply_detail(struct gh_request *request, unsigned status, const char *format, ...)
    GH_PRINTF(3, 4);

/* 503 with a Retry-After. */
void gh_reply_busy(struct gh_request *request, unsigned retry_after_s, const char *format, ...)
    GH_PRINTF(3, 4);

/* 200 with an exception envelope that the SDK re-raises as CLASS(text). */
void gh_reply_exception(struct gh_request *request, enum gh_pyclass class, const char *format, ...)
    GH_PRINTF(3, 4);

/* The same with UnicodeDecodeError, about the byte BAD. */
void gh_reply_decode_error(struct gh_request *request, const char *encoding, uint8_t bad,
                           const char *reason);

/* "ValueError" for GH_PY_VALUE_ERROR and so on. */
const char *gh_reply_class_name(enum gh_pyclass pyclass);

/* Append the exception envelope alone. */
void gh_reply_add_exception(struct gh_buf *out, enum gh_pyclass class, const char *text);

#endif
