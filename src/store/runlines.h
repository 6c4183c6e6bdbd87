/* SPDX-License-Identifier: Apache-2.0
 *
 * store/runlines.h - output of a run in the form that it has on the wire.
 *
 *     {"data": ["a\\n", "b"], "output_type": "stdout", "serialization": null}
 *
 * One such line, ended by a newline, for each 4 KiB or so. Source: serialization.md section 7. */
#ifndef GH_STORE_RUNLINES_H
#define GH_STORE_RUNLINES_H

#include "base/buf.h"
#include "wire/call.h"

/* Append LEN bytes of TEXT as lines of the wire, split at its line ends. */
void gh_runlines_add(struct gh_buf *out, enum gh_stream stream, const char *text, size_t len);

#endif
