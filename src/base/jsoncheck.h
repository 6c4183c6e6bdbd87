/* SPDX-License-Identifier: Apache-2.0
 *
 * base/jsoncheck.h - is this text JSON? For values that are ignored, but must be JSON all the same:
 * decoding them would refuse numbers and escapes that the grammar allows.
 *
 * Pure, no allocation, any thread. Source: RFC 8259; NaN, Infinity and -Infinity pass too, since
 * Python's json module writes and reads them. */
#ifndef GH_BASE_JSONCHECK_H
#define GH_BASE_JSONCHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Arrays and objects nested more than 512 deep are refused. White space around the value is
 * allowed. */
bool gh_jsoncheck(const char *text, size_t len);

#endif
