/* SPDX-License-Identifier: Apache-2.0 */
#include <Python.h>

#include "modules/python/ext.h"

#include <dlfcn.h>

struct gh_late gh_late;

static int
look_up(void *function_out, const char *name)
{
    /* libpython was loaded RTLD_GLOBAL, or is the executable: either way in the global scope. */
    void *symbol = dlsym(RTLD_DEFAULT, name);

    if (!symbol) {
        PyErr_Format(PyExc_ImportError, "_gatehouse: this Python has no %s", name);
        return -1;
    }
    memcpy(function_out, &symbol, sizeof symbol);
    return 0;
}

int
gh_late_init(void)
{
    if (look_up(&gh_late.get_buffer, "PyObject_GetBuffer") < 0 ||
        look_up(&gh_late.release_buffer, "PyBuffer_Release") < 0 ||
        look_up(&gh_late.fill_buffer, "PyBuffer_FillInfo") < 0 ||
        look_up(&gh_late.resize_bytes, "_PyBytes_Resize") < 0 ||
        look_up(&gh_late.utf8_of, "PyUnicode_AsUTF8AndSize") < 0)
        return -1;
    return 0;
}
