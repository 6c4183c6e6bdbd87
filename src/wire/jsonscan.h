/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/jsonscan.h - the members of a JSON object, found without building a tree.
 *
 * A call's body is a small object one member of which ("data") can be hundreds of megabytes. The
 * scanner walks the top level only: strings are skipped by their closing quote, containers by their
 * brackets, so the members come out as slices at memory speed. What is inside a value is checked
 * by whoever decodes it (jansson here, the worker for "data").
 *
 *     struct gh_jsonscan scan;
 *     gh_jsonscan_start(&scan, body, len);
 *     while ((rc = gh_jsonscan_next(&scan, &name, &value)) == GH_JSONSCAN_MEMBER)
 *         ...
 *
 * Pure, any thread, no allocation. */
#ifndef GH_WIRE_JSONSCAN_H
#define GH_WIRE_JSONSCAN_H

#include <stddef.h>

#include "wire/call.h"

enum gh_jsonscan_result {
    GH_JSONSCAN_MEMBER,
    GH_JSONSCAN_END,        /* the object ended and nothing but white space follows */
    GH_JSONSCAN_NOT_OBJECT, /* valid so far, but the document is no object */
    GH_JSONSCAN_BROKEN,     /* scan->offset and scan->problem say where and what */
};

struct gh_jsonscan {
    const char *bytes;
    size_t len;
    size_t offset;       /* bytes from the start of the document */
    const char *problem; /* in the words of Python's json module; static text */
    int is_started;
};

void gh_jsonscan_start(struct gh_jsonscan *scan, const char *bytes, size_t len);

/* *name_out and *value_out are raw JSON: the name with its quotes, the value as it stands. */
enum gh_jsonscan_result gh_jsonscan_next(struct gh_jsonscan *scan, struct gh_slice *name_out,
                                         struct gh_slice *value_out);

#endif
