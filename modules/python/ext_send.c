/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"
#include "wire/le.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define GIL_FREE_BYTES (64u << 10) /* more to send than this: give up the lock first */

int
gh_answer_init(struct gh_answer *answer, uint64_t call_id, unsigned status, unsigned outcome,
               PyObject *value)
{
    struct gh_body *body = &answer->body;

    if (gh_body_init(body, value) < 0)
        return -1;
    answer->call_id = call_id;
    answer->fd = -1;
    gh_store_u16(answer->head, (uint16_t)status);
    answer->head[2] = (uint8_t)outcome;
    answer->head[3] = 0;
    body->parts[0] = (struct gh_part){answer->head, sizeof answer->head, false};
    if (gh_parts_len(body->parts + 1, body->count - 1) <= GH_FRAME_INLINE_MAX_BYTES)
        return 0;

    Py_BEGIN_ALLOW_THREADS answer->fd = gh_parts_to_memfd(body->parts + 1, body->count - 1);
    Py_END_ALLOW_THREADS gh_body_done(body);
    body->count = 1;
    if (answer->fd < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

/* After GH_OUTBOX_FULL. False when there will never be room again. */
static bool
wait_room(void)
{
    enum gh_outbox_status status;

    Py_BEGIN_ALLOW_THREADS status = gh_outbox_wait_room(&gh_link.out);
    if (status == GH_OUTBOX_CLOSED && !gh_link.is_forked)
        gh_serve_peer_gone();
    Py_END_ALLOW_THREADS return status == GH_OUTBOX_OK;
}

static bool
put(enum gh_frame_kind kind, uint64_t call_id, const struct gh_part *parts, size_t count, int fd)
{
    enum gh_outbox_status status;

    do
        status = gh_outbox_put_fd(&gh_link.out, kind, call_id, parts, count, fd);
    while (status == GH_OUTBOX_FULL && wait_room());

    if (status != GH_OUTBOX_OK && fd >= 0)
        close(fd);
    return status == GH_OUTBOX_OK;
}

void
gh_answer_put(struct gh_answer *answer)
{
    put(GH_FRAME_RESULT, answer->call_id, answer->body.parts, answer->body.count, answer->fd);
    gh_body_done(&answer->body);
}

/* Try without giving up the lock, which under contention takes 5 ms to come back. */
static void
flush_now(void)
{
    enum gh_outbox_status status = gh_outbox_flush(&gh_link.out, false);

    if (status == GH_OUTBOX_UNSENT)
        wait_room();
    else if (status == GH_OUTBOX_CLOSED && !gh_link.is_forked && gh_link.fd >= 0)
        gh_serve_peer_gone();
}

PyObject *
gh_py_flush(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    flush_now();
    Py_RETURN_NONE;
}

PyObject *
gh_py_reply(PyObject *module, PyObject *args)
{
    unsigned long long call_id;
    int status, outcome, flush = 1;
    PyObject *body;
    struct gh_answer answer;

    (void)module;
    if (!PyArg_ParseTuple(args, "KiiO|p:reply", &call_id, &status, &outcome, &body, &flush))
        return NULL;
    if (gh_answer_init(&answer, call_id, (unsigned)status, (unsigned)outcome, body) < 0)
        return NULL;
    gh_answer_put(&answer);
    if (flush)
        flush_now();
    Py_RETURN_NONE;
}

/* How much of TEXT fits one LOG frame, cut between characters. */
static size_t
log_piece(const char *text, size_t len)
{
    if (len <= GH_LOG_TEXT_MAX_BYTES / 2)
        return len;
    size_t piece = GH_LOG_TEXT_MAX_BYTES / 2;
    for (int back = 0; back < 3 && ((uint8_t)text[piece] & 0xc0) == 0x80; back++)
        --piece;
    return piece;
}

static bool
put_log(uint64_t call_id, unsigned stream, const char *text, size_t len)
{
    while (len) {
        size_t piece = log_piece(text, len);
        enum gh_outbox_status status;

        do
            status = gh_outbox_put_log(&gh_link.out, call_id, stream, text, piece);
        while (status == GH_OUTBOX_FULL && wait_room());
        if (status != GH_OUTBOX_OK)
            return false;
        text += piece;
        len -= piece;
    }
    gh_baton_poke(&gh_link.baton);
    return true;
}

/* The text as UTF-8 bytes, whatever is in it. */
static PyObject *
log_bytes(PyObject *text)
{
    if (PyUnicode_Check(text))
        return PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    return PyBytes_FromObject(text);
}

PyObject *
gh_py_log(PyObject *module, PyObject *args)
{
    unsigned long long call_id;
    int stream;
    PyObject *text, *bytes = NULL;
    ssize_t len = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "KiO:log", &call_id, &stream, &text))
        return NULL;
    if (gh_link.fd < 0)
        Py_RETURN_FALSE;

    const char *utf8 = PyUnicode_Check(text) ? gh_late.utf8_of(text, &len) : NULL;
    if (!utf8) {
        PyErr_Clear();
        bytes = log_bytes(text);
        if (!bytes)
            return NULL;
        utf8 = PyBytes_AsString(bytes);
        len = PyBytes_Size(bytes);
    }
    bool taken = put_log(call_id, (unsigned)stream, utf8, (size_t)len);
    Py_XDECREF(bytes);
    return PyBool_FromLong(taken);
}

PyObject *
gh_py_event(PyObject *module, PyObject *args)
{
    int kind;
    unsigned long long call_id;
    const char *bytes;
    Py_ssize_t len;

    (void)module;
    if (!PyArg_ParseTuple(args, "iKy#:event", &kind, &call_id, &bytes, &len))
        return NULL;
    if (kind < GH_FRAME_READY || kind > GH_FRAME_FAILED ||
        len > (Py_ssize_t)GH_FRAME_BODY_MAX_BYTES)
        return PyErr_Format(PyExc_ValueError, "event of kind %d with %zd bytes", kind, len);

    if (gh_link.fd < 0)
        Py_RETURN_NONE;
    if (kind == GH_FRAME_FAILED) {
        gh_serve_end(bytes);
        Py_RETURN_NONE;
    }
    struct gh_part part = {bytes, (size_t)len, false};
    put((enum gh_frame_kind)kind, call_id, &part, 1, -1);
    gh_baton_poke(&gh_link.baton);
    Py_RETURN_NONE;
}

PyObject *
gh_py_http(PyObject *module, PyObject *args)
{
    int kind, flush;
    unsigned long long call_id;
    const char *bytes;
    Py_ssize_t len;

    (void)module;
    if (!PyArg_ParseTuple(args, "iKy#p:http", &kind, &call_id, &bytes, &len, &flush))
        return NULL;
    if (kind < GH_FRAME_HTTP_START || kind >= GH_FRAME_KIND_END ||
        len > (Py_ssize_t)GH_FRAME_BODY_MAX_BYTES)
        return PyErr_Format(PyExc_ValueError, "http frame of kind %d with %zd bytes", kind, len);

    if (gh_link.fd < 0)
        Py_RETURN_NONE;
    struct gh_part part = {bytes, (size_t)len, false};
    put((enum gh_frame_kind)kind, call_id, &part, 1, -1);
    if (flush)
        flush_now();
    else
        gh_baton_poke(&gh_link.baton);
    Py_RETURN_NONE;
}

/* Before serve(): nothing else writes to FD, so write straight to it. */
static void
send_failed(int fd, const char *text, size_t len)
{
    uint8_t head[GH_FRAME_HEAD_BYTES];
    struct iovec spans[] = {{head, sizeof head}, {(void *)(uintptr_t)text, len}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 2};

    gh_frame_head(head, GH_FRAME_FAILED, 0, 0, (uint32_t)len);
    while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

PyObject *
gh_py_fail(PyObject *module, PyObject *args)
{
    int fd;
    const char *text;
    Py_ssize_t len;

    (void)module;
    if (!PyArg_ParseTuple(args, "is#:fail", &fd, &text, &len))
        return NULL;
    if (len > (Py_ssize_t)GIL_FREE_BYTES)
        len = GIL_FREE_BYTES;
    if (gh_link.fd < 0) {
        send_failed(fd, text, (size_t)len);
    } else {
        gh_serve_end(text);
        flush_now();
    }
    Py_RETURN_NONE;
}
