/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/pickle.h - the few pickles that the daemon writes itself, as base64 inside a JSON string
 * literal: lines of 76 characters, each ended by \n. It never reads one.
 *
 * Protocol 4 opcodes by Python's pickletools; shapes as serialization.md section 1 has them. */
#ifndef GH_WIRE_PICKLE_H
#define GH_WIRE_PICKLE_H

#include "base/buf.h"

/* The pickle of the string TEXT. */
void gh_pickle_add_string(struct gh_buf *out, const char *text, size_t len);

/* The pickle of the bytes object of LEN BYTES. */
void gh_pickle_add_bytes(struct gh_buf *out, const void *bytes, size_t len);

/* The pickle of UnicodeDecodeError(ENCODING, the one byte BAD, 0, 1, REASON). */
void gh_pickle_add_decode_error(struct gh_buf *out, const char *encoding, uint8_t bad,
                                const char *reason);

/* The pickle of the exception MODULE.NAME(TEXT). */
void gh_pickle_add_exception(struct gh_buf *out, const char *module, const char *name,
                             const char *text);

#endif
