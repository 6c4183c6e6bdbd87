/* SPDX-License-Identifier: Apache-2.0
 *
 * ext_trim.c - give memory that was freed back to the system.
 *
 * What is larger than malloc's mmap threshold goes back by itself. Smaller pieces, 64 KiB each say, stay
 * in the arena of the thread that asked for them: of 1 GiB put in such pieces, 1 GiB stayed resident
 * after it was deleted (tests/bench/large-object). */
#include <Python.h>

#include "modules/python/ext.h"

#include <malloc.h>

#define FREE_MAX_BYTES (16u << 20) /* less is kept for the next to come */

/* Other C libraries, and glibc before 2.33, give back what they like. */
static void
trim(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    if (mallinfo2().fordblks > FREE_MAX_BYTES)
        malloc_trim(0);
#endif
}

PyObject *
gh_py_trim(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS;
    trim();
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}
