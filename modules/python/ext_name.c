/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

/* Keys and methods come again and again, and an interned str is found in a dict by its address.
 * Direct-mapped: a name that falls on another one's slot takes it over. Guarded by the lock of the
 * interpreter. */
#define SLOTS 128u
#define NAME_MAX_BYTES 46u

static struct slot {
    PyObject *text;
    uint16_t len;
    char bytes[NAME_MAX_BYTES];
} slots[SLOTS];

static PyObject *
decode_name(const char *bytes, size_t len)
{
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, "surrogateescape");
}

static struct slot *
slot_of(const char *bytes, size_t len)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * 16777619u;
    return &slots[(hash ^ hash >> 16) % SLOTS];
}

PyObject *
gh_name(const char *bytes, size_t len)
{
    if (len == 0 || len > NAME_MAX_BYTES) /* CPython keeps one empty str for all */
        return decode_name(len ? bytes : "", len);

    struct slot *slot = slot_of(bytes, len);
    if (slot->text && slot->len == len && memcmp(slot->bytes, bytes, len) == 0) {
        Py_INCREF(slot->text);
        return slot->text;
    }

    PyObject *text = decode_name(bytes, len);
    if (!text)
        return NULL;
    PyUnicode_InternInPlace(&text);
    Py_XDECREF(slot->text);
    Py_INCREF(text);
    slot->text = text;
    slot->len = (uint16_t)len;
    memcpy(slot->bytes, bytes, len);
    return text;
}
