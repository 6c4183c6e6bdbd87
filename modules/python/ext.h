/* SPDX-License-Identifier: Apache-2.0
 *
 * ext.h - what the files of the Python extension _gatehouse share.
 *
 * Each function needs the interpreter lock unless its comment says otherwise; those that return a
 * PyObject pointer return a new reference, or NULL with an exception set. */
#ifndef GH_EXT_H
#define GH_EXT_H

#include "modules/python/baton.h"
#include "modules/python/inbox.h"
#include "modules/python/outbox.h"
#include "modules/python/parts.h"
#include "wire/call.h"

#include <sys/types.h>

typedef struct _object PyObject;

/* ext_late.c: functions that each CPython since 3.9 has, but which its limited API took in later.
 * They are looked up by name, so that the extension has no undefined symbol outside the stable ABI
 * of 3.9. struct gh_buffer is the Py_buffer of 3.9 to 3.14. */
struct gh_buffer {
    void *bytes;
    PyObject *owner;
    ssize_t len;
    ssize_t item_size;
    int is_readonly;
    int dimensions;
    char *format;
    ssize_t *shape;
    ssize_t *strides;
    ssize_t *suboffsets;
    void *internal;
};

struct gh_late {
    int (*get_buffer)(PyObject *object, struct gh_buffer *buffer, int flags);
    void (*release_buffer)(struct gh_buffer *buffer);
    int (*fill_buffer)(struct gh_buffer *buffer, PyObject *owner, void *bytes, ssize_t len,
                       int is_readonly, int flags);
    int (*resize_bytes)(PyObject **bytes, ssize_t len);
    const char *(*utf8_of)(PyObject *text, ssize_t *len_out);
};
extern struct gh_late gh_late;

int gh_late_init(void); /* 0, or -1 with ImportError set */

/* ext_body.c: the body of an answer. A value is bytes, or a tuple of bytes-like and Base64.
 * parts[0] is left free, for the head that RESULT has before its body. */
#define GH_BODY_PARTS_MAX 16
struct gh_body {
    struct gh_part parts[1 + GH_BODY_PARTS_MAX];
    struct gh_buffer views[GH_BODY_PARTS_MAX]; /* only view_count of them are set */
    size_t count;                              /* of parts, the free one included */
    size_t view_count;
};

/* Borrow the memory of VALUE, which must outlive BODY. 0, or -1 with an exception set. */
int gh_body_init(struct gh_body *body, PyObject *value);
void gh_body_done(struct gh_body *body);

int gh_body_add_types(PyObject *module); /* Base64 */

/* ext_map.c: a memoryview of LEN bytes at OFFSET of the memfd, which is closed in any case. */
PyObject *gh_map_memfd(int fd, uint64_t offset, uint64_t len);
int gh_map_add_types(PyObject *module);

/* ext_trim.c: trim. */
PyObject *gh_py_trim(PyObject *module, PyObject *unused);

/* ext_codec.c: unquote, unbase64, quote, base64_literal. */
PyObject *gh_py_unquote(PyObject *module, PyObject *data);
PyObject *gh_py_unbase64(PyObject *module, PyObject *data);
PyObject *gh_py_quote(PyObject *module, PyObject *text);
PyObject *gh_py_base64_literal(PyObject *module, PyObject *data);

/* ext_name.c: the str for a name out of a frame; names that repeat come from a small cache. */
PyObject *gh_name(const char *bytes, size_t len);

/* The one connection of this process, opened by serve(). */
struct gh_link {
    int fd; /* -1 before serve() and in a forked child */
    bool is_forked;
    bool got_hello;
    struct gh_inbox in;
    struct gh_outbox out;
    struct gh_baton baton;
    PyObject *handle;
};
extern struct gh_link gh_link;

/* ext_serve.c */
PyObject *gh_py_serve(PyObject *module, PyObject *args);

/* End serve() with REASON, which also goes to the daemon as FAILED; NULL: as STOP does. The first
 * one counts. Needs no interpreter lock. */
void gh_serve_end(const char *reason);

/* The daemon is gone: leave at once. Needs no interpreter lock. */
void gh_serve_peer_gone(void) __attribute__((noreturn));

/* ext_call.c: run one request. False when the caller has been deposed meanwhile. */
bool gh_call_run(const struct gh_frame *frame, int fd);

/* ext_send.c: frames from Python. They wait for room without the interpreter lock, and do nothing
 * in a forked child. */
PyObject *gh_py_reply(PyObject *module, PyObject *args);
PyObject *gh_py_flush(PyObject *module, PyObject *none);
PyObject *gh_py_log(PyObject *module, PyObject *args);
PyObject *gh_py_event(PyObject *module, PyObject *args);
PyObject *gh_py_http(PyObject *module, PyObject *args);
PyObject *gh_py_fail(PyObject *module, PyObject *args);

/* A RESULT ready to be put: either in one frame or with its body in a memfd. */
struct gh_answer {
    uint64_t call_id;
    uint8_t head[GH_RESULT_HEAD_BYTES];
    struct gh_body body;
    int fd; /* owned; -1 when the body is to go inline */
};

/* Make an answer of a body VALUE, which must outlive it: slow when large. On -1 an exception is set
 * and there is nothing to release. */
int gh_answer_init(struct gh_answer *answer, uint64_t call_id, unsigned status, unsigned outcome,
                   PyObject *value);

/* Put it into the outbox and release it. */
void gh_answer_put(struct gh_answer *answer);

#endif
