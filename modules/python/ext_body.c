/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

/* Base64(buffer): a piece of a body that is sent as a JSON string literal of base64. */
struct base64 {
    PyObject_HEAD struct gh_buffer buffer;
};

static PyObject *base64_type;

static PyObject *
base64_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *source;

    if (kwargs && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Base64() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O:Base64", &source))
        return NULL;

    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct base64 *self = (struct base64 *)allocate(type, 0);
    if (self && gh_late.get_buffer(source, &self->buffer, 0) < 0) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

static void
base64_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    struct base64 *self = (struct base64 *)object;
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    if (self->buffer.owner)
        gh_late.release_buffer(&self->buffer);
    release(object);
    Py_DECREF((PyObject *)type);
}

static PyType_Slot base64_slots[] = {
    {Py_tp_new, base64_new},
    {Py_tp_dealloc, base64_dealloc},
    {Py_tp_doc, "Base64(buffer): part of a body, written as a JSON string literal of MIME base64."},
    {0, NULL},
};

static PyType_Spec base64_spec = {
    .name = "_gatehouse.Base64",
    .basicsize = sizeof(struct base64),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = base64_slots,
};

int
gh_body_add_types(PyObject *module)
{
    base64_type = PyType_FromSpec(&base64_spec);
    if (!base64_type)
        return -1;
    Py_INCREF(base64_type); /* one for the module, one for us */
    return PyModule_AddObject(module, "Base64", base64_type);
}

static int
add_part(struct gh_body *body, PyObject *value)
{
    struct gh_part *part = &body->parts[body->count];

    if (PyBytes_Check(value)) {
        *part = (struct gh_part){PyBytes_AsString(value), (size_t)PyBytes_Size(value), false};
    } else if ((PyObject *)Py_TYPE(value) == base64_type) {
        const struct gh_buffer *buffer = &((struct base64 *)value)->buffer;
        *part = (struct gh_part){buffer->bytes, (size_t)buffer->len, true};
    } else {
        struct gh_buffer *view = &body->views[body->view_count];
        if (gh_late.get_buffer(value, view, 0) < 0)
            return -1;
        body->view_count++;
        *part = (struct gh_part){view->bytes, (size_t)view->len, false};
    }
    body->count++;
    return 0;
}

int
gh_body_init(struct gh_body *body, PyObject *value)
{
    body->count = 1;
    body->view_count = 0;
    if (!PyTuple_Check(value))
        return add_part(body, value);

    Py_ssize_t count = PyTuple_Size(value);
    if (count > GH_BODY_PARTS_MAX) {
        PyErr_Format(PyExc_ValueError, "a body of %zd parts, limit %d", count, GH_BODY_PARTS_MAX);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (add_part(body, PyTuple_GetItem(value, i)) < 0) {
            gh_body_done(body);
            return -1;
        }
    }
    return 0;
}

void
gh_body_done(struct gh_body *body)
{
    while (body->view_count)
        gh_late.release_buffer(&body->views[--body->view_count]);
}
