/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/call.h - the body that every request frame has, and the heads of RESULT and LOG.
 *
 *     byte  0      serialization  enum gh_serialization
 *     byte  1      flags          GH_CALL_*
 *     bytes 2-3    key_len
 *     bytes 4-5    method_len
 *     bytes 6-7    run_name_len
 *     bytes 8-15   data_offset    start of the data in the frame's memfd; 0 when inline
 *     bytes 16-23  data_len       0: no data, or null
 *     bytes 24-    key, method, run_name, and the data when inline
 *
 * Pure functions that need only libc, any thread. Source: docs/ipc.md. */
#ifndef GH_WIRE_CALL_H
#define GH_WIRE_CALL_H

#include <stddef.h>
#include <stdint.h>

enum gh_serialization { GH_SERIALIZATION_NONE, GH_SERIALIZATION_JSON, GH_SERIALIZATION_PICKLE };

#define GH_CALL_STREAM_LOGS 1u
#define GH_CALL_REMOTE 2u
#define GH_CALL_QUERY 4u /* data is a JSON object of strings taken from the URL */
#define GH_CALL_BARE 8u  /* answer with the plain JSON value, no envelope */

#define GH_CALL_HEAD_BYTES 24u
#define GH_RESULT_HEAD_BYTES 4u
#define GH_LOG_HEAD_BYTES 4u

enum gh_outcome { GH_OUTCOME_OK, GH_OUTCOME_RAISED, GH_OUTCOME_REFUSED };
enum gh_stream { GH_STREAM_STDOUT = 1, GH_STREAM_STDERR = 2 };

/* A slice of text that someone else owns; not terminated. */
struct gh_slice {
    const char *bytes;
    size_t len;
};

struct gh_call_head {
    enum gh_serialization serialization;
    unsigned flags;
    struct gh_slice key;
    struct gh_slice method;
    struct gh_slice run_name;
    uint64_t data_offset; /* bytes, in the memfd */
    uint64_t data_len;    /* bytes */
    const uint8_t *data;  /* inline data, or NULL when it is in the memfd or absent */
};

/* Decode the body of a request frame; HAS_FD as the frame's flags say. Slices borrow from BODY.
 * Returns 0, or -1 when lengths do not fit or a field is out of range: the peer is broken. */
int gh_call_decode(const uint8_t *body, size_t body_len, int has_fd, struct gh_call_head *head_out);

/* Write the 24 fixed bytes for HEAD. The caller sends key, method, run_name and inline data after
 * them, in this order. Each name must be shorter than 65536 bytes. */
void gh_call_encode_head(uint8_t out[GH_CALL_HEAD_BYTES], const struct gh_call_head *head);

#endif
