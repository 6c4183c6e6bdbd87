/* SPDX-License-Identifier: Apache-2.0
 *
 * ext.c - the extension _gatehouse: all of a Python worker that has to be fast.
 *
 * One shared object for CPython 3.9 to 3.14: limited API 3.9, and no symbol of Python's outside the
 * stable ABI of 3.9 (ext_late.c). It is loaded either into an embedded interpreter, as a built-in
 * module, or by the env's own python. The package gatehouse, in Python, does the rest. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

/* Raise an exception in another thread at its next bytecode, or clear one that has not been raised
 * yet. 1 when there is such a thread. */
static PyObject *
async_raise(PyObject *module, PyObject *args)
{
    unsigned long thread_id;
    PyObject *exception;

    (void)module;
    if (!PyArg_ParseTuple(args, "kO:async_raise", &thread_id, &exception))
        return NULL;
    if (exception == Py_None)
        exception = NULL;
    return PyLong_FromLong(PyThreadState_SetAsyncExc(thread_id, exception));
}

static PyMethodDef methods[] = {
    {"serve", gh_py_serve, METH_VARARGS,
     "serve(fd, handle)\n\n"
     "Run until STOP. handle(kind, call_id, serialization, flags, key, method, run_name, data) is\n"
     "called for each request, in threads that come and go; data is None, bytes or a memoryview.\n"
     "It returns None (reply() answers later), the body of a 200, or (status, outcome, body).\n"
     "A body is bytes, or a tuple of bytes-like objects and Base64 objects.\n"
     "Raises RuntimeError when the connection is broken or event(FAILED, ..) was called."},
    {"reply", gh_py_reply, METH_VARARGS,
     "reply(call_id, status, outcome, body, flush=True)\n\n"
     "Answer a call whose handle() returned None. Without flush it goes out with the next "
     "flush(),\n"
     "or within about 2 ms."},
    {"flush", gh_py_flush, METH_NOARGS, "flush()\n\nSend what reply(.., False) left."},
    {"log", gh_py_log, METH_VARARGS,
     "log(call_id, stream, text)\n\n"
     "Send what a call has printed: stream 1 or 2. False in a forked child, where it goes "
     "nowhere."},
    {"event", gh_py_event, METH_VARARGS,
     "event(kind, call_id, payload)\n\n"
     "Send READY, KEY_PUT or KEY_GONE. FAILED also ends serve()."},
    {"http", gh_py_http, METH_VARARGS,
     "http(kind, call_id, payload, flush)\n\n"
     "Send HTTP_START, HTTP_DATA, HTTP_READ or HTTP_END; payload is bytes. Without flush as "
     "reply()."},
    {"fail", gh_py_fail, METH_VARARGS,
     "fail(fd, text)\n\nSend FAILED over fd unless it has been sent; works before serve()."},
    {"async_raise", async_raise, METH_VARARGS,
     "async_raise(thread_id, exception_type_or_None)\n\n"
     "PyThreadState_SetAsyncExc: returns how many threads it found."},
    {"trim", gh_py_trim, METH_NOARGS,
     "trim()\n\nGive freed memory back to the system, when it is much."},
    {"unquote", gh_py_unquote, METH_O,
     "unquote(data)\n\nThe UTF-8 bytes that a JSON string literal stands for."},
    {"unbase64", gh_py_unbase64, METH_O,
     "unbase64(data)\n\nThe bytes whose base64 a JSON string literal holds."},
    {"quote", gh_py_quote, METH_O,
     "quote(text)\n\nA str, or UTF-8 bytes, as a JSON string literal in UTF-8."},
    {"base64_literal", gh_py_base64_literal, METH_O,
     "base64_literal(data)\n\nA JSON string literal of base64 in lines of 76 characters."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_gatehouse",
    .m_doc = "The fast part of a gatehouse worker. See docs/ipc.md.",
    .m_size = -1,
    .m_methods = methods,
};

/* HELLO = 1 and so on, by the names that docs/ipc.md uses. */
static int
add_constants(PyObject *module)
{
    for (unsigned kind = GH_FRAME_HELLO; kind < GH_FRAME_KIND_END; kind++) {
        const char *name = gh_frame_kind_name(kind);
        if (strcmp(name, "unknown") != 0 && PyModule_AddIntConstant(module, name, (long)kind) < 0)
            return -1;
    }
    if (PyModule_AddIntConstant(module, "PROTOCOL", GH_IPC_VERSION) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "INLINE_MAX_BYTES", GH_FRAME_INLINE_MAX_BYTES);
}

PyMODINIT_FUNC PyInit__gatehouse(void);

PyMODINIT_FUNC
PyInit__gatehouse(void)
{
    if (gh_late_init() < 0)
        return NULL;

    PyObject *module = PyModule_Create(&definition);
    if (!module)
        return NULL;
    if (gh_body_add_types(module) < 0 || gh_map_add_types(module) < 0 ||
        add_constants(module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
