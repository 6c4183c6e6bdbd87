/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

#include <time.h>
#include <unistd.h>

#define SLOW_CALLS 256

/* The data of a request: None, bytes or a memoryview of shared memory. Takes FD. */
static PyObject *
data_of(const struct gh_call_head *call, int fd)
{
    if (fd >= 0 && call->data_len)
        return gh_map_memfd(fd, call->data_offset, call->data_len);
    if (fd >= 0)
        close(fd);
    if (!call->data) {
        Py_INCREF(Py_None);
        return Py_None;
    }
    return PyBytes_FromStringAndSize((const char *)call->data, (Py_ssize_t)call->data_len);
}

/* Fill ARGS, a new tuple, with what handle() takes. It takes over each ITEM, NULL included. */
static int
set_item(PyObject *args, Py_ssize_t index, PyObject *item)
{
    return item ? PyTuple_SetItem(args, index, item) : -1;
}

static PyObject *
build_args(const struct gh_frame *frame, const struct gh_call_head *call, int fd)
{
    PyObject *data = data_of(call, fd);
    PyObject *args = data ? PyTuple_New(8) : NULL;

    if (!args) {
        Py_XDECREF(data);
        return NULL;
    }
    if (set_item(args, 7, data) < 0 || set_item(args, 0, PyLong_FromLong((long)frame->kind)) < 0 ||
        set_item(args, 1, PyLong_FromUnsignedLongLong(frame->call_id)) < 0 ||
        set_item(args, 2, PyLong_FromLong((long)call->serialization)) < 0 ||
        set_item(args, 3, PyLong_FromLong((long)call->flags)) < 0 ||
        set_item(args, 4, gh_name(call->key.bytes, call->key.len)) < 0 ||
        set_item(args, 5, gh_name(call->method.bytes, call->method.len)) < 0 ||
        set_item(args, 6, gh_name(call->run_name.bytes, call->run_name.len)) < 0) {
        Py_DECREF(args);
        return NULL;
    }
    return args;
}

/* b'{"detail": "ValueError: text"}' of the exception that is set, which is cleared. */
static PyObject *
detail_of_exception(void)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *name = type ? PyObject_GetAttrString(type, "__name__") : NULL;
    PyObject *text = NULL;
    if (name)
        text = PyUnicode_FromFormat("%U: %S", name, value);
    if (!text) {
        PyErr_Clear();
        text = PyUnicode_FromString("the worker failed");
    }

    PyObject *literal = text ? gh_py_quote(NULL, text) : NULL;
    PyObject *detail = literal ? PyBytes_FromString("{\"detail\": ") : NULL;
    if (detail)
        PyBytes_Concat(&detail, literal);
    PyObject *brace = detail ? PyBytes_FromString("}") : NULL;
    if (brace)
        PyBytes_ConcatAndDel(&detail, brace);

    Py_XDECREF(literal);
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return detail;
}

/* The 500 for an exception of ours or one that handle() let out. *VALUE is set to its body. */
static int
answer_exception(struct gh_answer *answer, uint64_t call_id, PyObject **value)
{
    *value = detail_of_exception();
    if (!*value) {
        PyErr_Clear();
        *value = PyBytes_FromString("{\"detail\": \"out of memory\"}");
    }
    return *value ? gh_answer_init(answer, call_id, 500, GH_OUTCOME_RAISED, *value) : -1;
}

/* Make the answer of what handle() returned, which is not None. */
static int
answer_value(struct gh_answer *answer, uint64_t call_id, PyObject *value)
{
    if (!PyTuple_Check(value))
        return gh_answer_init(answer, call_id, 200, GH_OUTCOME_OK, value);
    if (PyTuple_Size(value) != 3) {
        PyErr_SetString(PyExc_TypeError, "handle() must return None, bytes or a tuple of 3");
        return -1;
    }

    long status = PyLong_AsLong(PyTuple_GetItem(value, 0));
    long outcome = PyLong_AsLong(PyTuple_GetItem(value, 1));
    if (PyErr_Occurred())
        return -1;
    if (status < 100 || status > 999 || outcome < GH_OUTCOME_OK || outcome > GH_OUTCOME_REFUSED) {
        PyErr_Format(PyExc_ValueError, "handle() returned status %ld, outcome %ld", status,
                     outcome);
        return -1;
    }
    return gh_answer_init(answer, call_id, (unsigned)status, (unsigned)outcome,
                          PyTuple_GetItem(value, 2));
}

/* Run handle() and make the answer. *VALUE holds what the answer borrows. False: no answer now. */
static bool
call_handle(const struct gh_frame *frame, PyObject *args, struct gh_answer *answer,
            PyObject **value)
{
    uint64_t call_id = frame->call_id;
    bool has_answer;

    *value = args ? PyObject_Call(gh_link.handle, args, NULL) : NULL;
    Py_XDECREF(args);
    /* User code forked and let the child come back here: there is nothing for it to do. */
    if (gh_link.is_forked)
        _exit(0);

    if (*value == Py_None || frame->kind == GH_FRAME_CANCEL) {
        has_answer = false;
    } else if (*value && answer_value(answer, call_id, *value) == 0) {
        has_answer = true;
    } else {
        PyObject *returned = *value;
        has_answer = answer_exception(answer, call_id, value) == 0;
        Py_XDECREF(returned);
    }
    /* Whatever it was, KeyboardInterrupt and SystemExit included, must not reach this thread. */
    if (PyErr_Occurred())
        PyErr_Clear();
    return has_answer;
}

/* These change what the next calls see, so the next calls wait for them however slow they are. */
static bool
is_ordered(enum gh_frame_kind kind)
{
    return kind == GH_FRAME_HELLO || kind == GH_FRAME_SET_ENV || kind == GH_FRAME_ADD_PATH ||
           kind == GH_FRAME_SET_CONFIG || kind == GH_FRAME_ADD_SITE || kind == GH_FRAME_SET_LIMITS;
}

/* Calls that were slow the last time, by the hash of key and method; 0 is none. Their thread gives the
 * leadership away before it runs them. A call that happens to share a slot is only handed over in
 * vain, or deposed once more. Under the interpreter lock. */
static uint32_t slow_calls[SLOW_CALLS];

static uint32_t
hash_bytes(uint32_t hash, struct gh_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.bytes[i]) * 16777619u; /* FNV-1a */
    return hash;
}

static uint32_t
hash_call(const struct gh_call_head *call)
{
    return hash_bytes(hash_bytes(2166136261u, call->key) ^ '.', call->method) | 1;
}

static uint64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Something that the leader is about to run, and that may be slow. */
struct stretch {
    uint32_t hash;     /* of what is run; 0: not to be remembered */
    bool gave_away;    /* another thread leads now */
    uint64_t token;    /* of the baton, else */
    uint64_t start_ns; /* when it was given away */
};

/* Give the leadership away when this was slow the last time, or when it MUST_WAIT for frames that
 * someone else has to read. */
static struct stretch
begin_stretch(uint32_t hash, bool must_wait)
{
    struct stretch stretch = {.hash = hash};
    bool is_slow = hash && slow_calls[hash % SLOW_CALLS] == hash;

    if ((is_slow || must_wait) && gh_baton_hand_over(&gh_link.baton)) {
        stretch.gave_away = true;
        stretch.start_ns = is_slow ? now_ns() : 0;
    } else {
        stretch.token = gh_baton_begin(&gh_link.baton);
    }
    return stretch;
}

/* False when another thread leads now. */
static bool
end_stretch(const struct stretch *stretch)
{
    uint32_t *slot = &slow_calls[stretch->hash % SLOW_CALLS];

    if (stretch->gave_away) {
        if (stretch->start_ns && *slot == stretch->hash &&
            now_ns() - stretch->start_ns < GH_BATON_TICK_NS / 2)
            *slot = 0;
        return false;
    }
    bool still_leads = gh_baton_end(&gh_link.baton, stretch->token);
    if (stretch->hash && !still_leads)
        *slot = stretch->hash;
    return still_leads;
}

/* ---- HTTP exchanges with apps ---- */

static bool
is_http(enum gh_frame_kind kind)
{
    return kind >= GH_FRAME_HTTP_REQUEST && kind <= GH_FRAME_HTTP_SENT;
}

/* Run what a request asked for, which is free to wait. */
static bool
run_job(PyObject *job, uint32_t hash, bool has_body)
{
    PyObject *none = PyTuple_New(0);
    struct stretch stretch = begin_stretch(hash, has_body);
    PyObject *result = none ? PyObject_Call(job, none, NULL) : NULL;

    if (gh_link.is_forked)
        _exit(0);
    if (!result)
        PyErr_Clear(); /* it has told the log and the client */
    Py_XDECREF(result);
    Py_XDECREF(none);
    return end_stretch(&stretch);
}

/* The answer for a request that handle() could not take. */
static void
refuse_http(uint64_t call_id, PyObject *value)
{
    struct gh_answer answer;
    PyObject *body = NULL;

    if (value ? answer_value(&answer, call_id, value) == 0
              : answer_exception(&answer, call_id, &body) == 0)
        gh_answer_put(&answer);
    else
        PyErr_Clear();
    Py_XDECREF(body);
}

/* The frames of an exchange are taken by the leader one after the other, since no piece of a body may
 * overtake another; handle() does not wait. False when another thread leads now. */
static bool
run_http(const struct gh_frame *frame)
{
    struct gh_call_head call = {.data = frame->body, .data_len = frame->body_len};
    bool is_request = frame->kind == GH_FRAME_HTTP_REQUEST;
    bool has_body = is_request && frame->body_len > 0 && (frame->body[0] & 1);
    uint32_t hash = 2166136261u;
    bool still_leads = true;

    if (is_request && frame->body_len > 4) { /* its first text is the key */
        struct gh_slice key = {(const char *)frame->body + 4, 0};
        key.len = strnlen(key.bytes, frame->body_len - 4);
        hash = hash_bytes(hash, key);
    }
    PyObject *args = build_args(frame, &call, -1);
    PyObject *value = args ? PyObject_Call(gh_link.handle, args, NULL) : NULL;
    Py_XDECREF(args);
    if (gh_link.is_forked)
        _exit(0);

    if (is_request && value && PyCallable_Check(value))
        still_leads = run_job(value, hash | 1, has_body);
    else if (is_request && value != Py_None)
        refuse_http(frame->call_id, value);
    else if (!value)
        PyErr_Clear();
    Py_XDECREF(value);
    return still_leads;
}

bool
gh_call_run(const struct gh_frame *frame_in, int fd)
{
    /* The frame's bytes are the next leader's once we are deposed: no use after build_args. */
    const struct gh_frame frame = *frame_in;
    struct gh_call_head call = {0};
    struct gh_answer answer;
    PyObject *value;
    bool is_empty_cancel = frame.kind == GH_FRAME_CANCEL && frame.body_len == 0;
    bool still_leads = true;
    bool has_answer;

    if (is_http(frame.kind)) {
        if (fd >= 0)
            close(fd);
        return run_http(&frame);
    }
    if (!is_empty_cancel && gh_call_decode(frame.body, frame.body_len, fd >= 0, &call) < 0) {
        gh_serve_end("a request from the daemon could not be decoded");
        return true;
    }
    PyObject *args = build_args(&frame, &call, fd);
    if (is_ordered(frame.kind)) {
        has_answer = call_handle(&frame, args, &answer, &value);
    } else {
        uint32_t hash = frame.kind == GH_FRAME_CALL ? hash_call(&call) : 0;
        struct stretch stretch = begin_stretch(hash, false);
        has_answer = call_handle(&frame, args, &answer, &value);
        still_leads = end_stretch(&stretch);
    }

    if (has_answer)
        gh_answer_put(&answer);
    Py_XDECREF(value);
    return still_leads;
}
