/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The limited API of 3.9 hides the two numbers; its type machinery takes them. */
#ifndef Py_bf_getbuffer
#define Py_bf_getbuffer 1
#endif

/* A read-only mapping that exports its bytes; the last memoryview that goes takes it along. */
struct mapping {
    PyObject_HEAD void *start;
    size_t start_len; /* bytes mapped, from a page boundary */
    size_t skip;      /* bytes between that boundary and the slice */
    size_t len;
};

static PyObject *mapping_type;

static int
mapping_get_buffer(PyObject *object, struct gh_buffer *buffer, int flags)
{
    struct mapping *self = (struct mapping *)object;

    return gh_late.fill_buffer(buffer, object, (char *)self->start + self->skip, (ssize_t)self->len,
                               1, flags);
}

static void
mapping_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    struct mapping *self = (struct mapping *)object;
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    if (self->start)
        munmap(self->start, self->start_len);
    release(object);
    Py_DECREF((PyObject *)type);
}

static PyType_Slot mapping_slots[] = {
    {Py_bf_getbuffer, mapping_get_buffer},
    {Py_tp_dealloc, mapping_dealloc},
    {Py_tp_doc, "Read-only bytes of a request, in shared memory."},
    {0, NULL},
};

static PyType_Spec mapping_spec = {
    .name = "_gatehouse.Mapping",
    .basicsize = sizeof(struct mapping),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = mapping_slots,
};

int
gh_map_add_types(PyObject *module)
{
    mapping_type = PyType_FromSpec(&mapping_spec);
    if (!mapping_type)
        return -1;
    Py_INCREF(mapping_type); /* one for the module, one for us */
    return PyModule_AddObject(module, "Mapping", mapping_type);
}

/* An unsealed file could shrink under us, which is a SIGBUS later. */
static int
check_memfd(int fd, uint64_t offset, uint64_t len)
{
    const int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;

    if (seals < 0 || (seals & needed) != needed) {
        PyErr_SetString(PyExc_ValueError, "shared memory from the daemon is not sealed");
        return -1;
    }
    if (fstat(fd, &status) < 0 || (uint64_t)status.st_size < offset ||
        (uint64_t)status.st_size - offset < len) {
        PyErr_SetString(PyExc_ValueError, "shared memory from the daemon is too short");
        return -1;
    }
    return 0;
}

static int
map_slice(struct mapping *self, int fd, uint64_t offset, uint64_t len)
{
    size_t skip = (size_t)(offset & ((uint64_t)sysconf(_SC_PAGESIZE) - 1));
    size_t start_len = skip + (size_t)len;

    void *start = mmap(NULL, start_len, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skip));
    if (start == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    madvise(start, start_len, MADV_SEQUENTIAL);
    self->start = start;
    self->start_len = start_len;
    self->skip = skip;
    self->len = (size_t)len;
    return 0;
}

PyObject *
gh_map_memfd(int fd, uint64_t offset, uint64_t len)
{
    PyObject *view = NULL, *object = NULL;

    if (check_memfd(fd, offset, len) == 0) {
        allocfunc allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)mapping_type, Py_tp_alloc);
        object = allocate((PyTypeObject *)mapping_type, 0);
    }
    if (object && map_slice((struct mapping *)object, fd, offset, len) == 0)
        view = PyMemoryView_FromObject(object);
    Py_XDECREF(object);
    close(fd);
    return view;
}
