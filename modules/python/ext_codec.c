/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"
#include "modules/python/literal.h"

#define GIL_FREE_BYTES (64u << 10) /* inputs larger than this are worked on without the lock */

typedef const char *(*decoder)(const char *text, size_t len, uint8_t *out, size_t *out_len);

static const char *
decode_without_lock(decoder decode, const struct gh_buffer *in, uint8_t *out, size_t *out_len)
{
    const char *problem;

    if (in->len <= (ssize_t)GIL_FREE_BYTES)
        return decode(in->bytes, (size_t)in->len, out, out_len);
    Py_BEGIN_ALLOW_THREADS problem = decode(in->bytes, (size_t)in->len, out, out_len);
    Py_END_ALLOW_THREADS return problem;
}

/* bytes of DATA as DECODE makes them, out of room for OUT_MAX bytes. */
static PyObject *
decoded(decoder decode, const struct gh_buffer *in, size_t out_max)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)out_max);
    size_t len = 0;

    if (!bytes)
        return NULL;
    const char *problem = decode_without_lock(decode, in, (uint8_t *)PyBytes_AsString(bytes), &len);
    if (problem) {
        Py_DECREF(bytes);
        PyErr_SetString(PyExc_ValueError, problem);
        return NULL;
    }
    gh_late.resize_bytes(&bytes, (Py_ssize_t)len); /* sets bytes to NULL when it fails */
    return bytes;
}

PyObject *
gh_py_unquote(PyObject *module, PyObject *data)
{
    struct gh_buffer in;

    (void)module;
    if (gh_late.get_buffer(data, &in, 0) < 0)
        return NULL;
    PyObject *bytes = decoded(gh_literal_unquote, &in, (size_t)in.len);
    gh_late.release_buffer(&in);
    return bytes;
}

PyObject *
gh_py_unbase64(PyObject *module, PyObject *data)
{
    struct gh_buffer in;

    (void)module;
    if (gh_late.get_buffer(data, &in, 0) < 0)
        return NULL;
    PyObject *bytes = decoded(gh_literal_unbase64, &in, gh_literal_unbase64_max((size_t)in.len));
    gh_late.release_buffer(&in);
    return bytes;
}

static PyObject *
quoted(const char *text, size_t len)
{
    PyThreadState *state = len > GIL_FREE_BYTES ? PyEval_SaveThread() : NULL;
    size_t quoted_len = gh_literal_quoted_len(text, len);
    if (state)
        PyEval_RestoreThread(state);

    if (quoted_len == SIZE_MAX) {
        PyErr_SetString(PyExc_ValueError, "text is not UTF-8");
        return NULL;
    }
    PyObject *literal = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)quoted_len);
    if (!literal)
        return NULL;

    char *out = PyBytes_AsString(literal);
    state = len > GIL_FREE_BYTES ? PyEval_SaveThread() : NULL;
    gh_literal_quote(text, len, out);
    if (state)
        PyEval_RestoreThread(state);
    return literal;
}

static PyObject *
quoted_str(PyObject *text)
{
    ssize_t len;
    const char *utf8 = gh_late.utf8_of(text, &len);

    if (utf8)
        return quoted(utf8, (size_t)len);

    /* A lone surrogate: not UTF-8, but JSON has an escape for it. */
    PyErr_Clear();
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (!bytes)
        return NULL;
    PyObject *literal = quoted(PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes));
    Py_DECREF(bytes);
    return literal;
}

PyObject *
gh_py_quote(PyObject *module, PyObject *text)
{
    struct gh_buffer in;

    (void)module;
    if (PyUnicode_Check(text))
        return quoted_str(text);
    if (gh_late.get_buffer(text, &in, 0) < 0)
        return NULL;
    PyObject *literal = quoted(in.bytes, (size_t)in.len);
    gh_late.release_buffer(&in);
    return literal;
}

PyObject *
gh_py_base64_literal(PyObject *module, PyObject *data)
{
    struct gh_buffer in;

    (void)module;
    if (gh_late.get_buffer(data, &in, 0) < 0)
        return NULL;
    size_t len = gh_literal_base64_len((size_t)in.len);
    PyObject *literal = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)len);
    if (literal) {
        char *out = PyBytes_AsString(literal);
        PyThreadState *state = len > GIL_FREE_BYTES ? PyEval_SaveThread() : NULL;
        gh_literal_base64(in.bytes, (size_t)in.len, out);
        if (state)
            PyEval_RestoreThread(state);
    }
    gh_late.release_buffer(&in);
    return literal;
}
