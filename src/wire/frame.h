/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/frame.h - one message between the daemon and a worker process.
 *
 *     bytes 0-3    body_len  bytes after the head, at most GH_FRAME_BODY_MAX_BYTES
 *     bytes 4-5    kind      enum gh_frame_kind
 *     bytes 6-7    flags     GH_FRAME_HAS_FD: a sealed memfd travels with this frame
 *     bytes 8-15   call_id   0 when the frame is about the worker itself
 *     bytes 16-    body
 *
 * Little endian. Pure functions that need only libc: no I/O, no allocation, any thread; the daemon
 * and the Python extension compile the same file. Source: docs/ipc.md. */
#ifndef GH_WIRE_FRAME_H
#define GH_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define GH_IPC_VERSION 1

#define GH_FRAME_HEAD_BYTES 16u
#define GH_FRAME_BODY_MAX_BYTES (1u << 20)
#define GH_FRAME_INLINE_MAX_BYTES (256u << 10) /* larger payloads travel in a memfd */

#define GH_FRAME_HAS_FD 1u

enum gh_frame_kind {
    GH_FRAME_HELLO = 1,
    GH_FRAME_CALL,
    GH_FRAME_PUT_RESOURCE,
    GH_FRAME_PUT_OBJECT,
    GH_FRAME_GET_OBJECT,
    GH_FRAME_RENAME,
    GH_FRAME_DELETE,
    GH_FRAME_SET_ENV,
    GH_FRAME_ADD_PATH,
    GH_FRAME_LOAD,
    GH_FRAME_CANCEL,
    GH_FRAME_STOP,
    GH_FRAME_SET_CONFIG,
    GH_FRAME_RUN_BASH,
    GH_FRAME_UNPACK_FILES,
    GH_FRAME_DESCRIBE,
    GH_FRAME_HTTP_REQUEST,
    GH_FRAME_HTTP_BODY,
    GH_FRAME_HTTP_GONE,
    GH_FRAME_HTTP_SENT,
    GH_FRAME_ADD_SITE,
    GH_FRAME_SET_LIMITS,
    GH_FRAME_READY = 32,
    GH_FRAME_RESULT,
    GH_FRAME_LOG,
    GH_FRAME_KEY_PUT,
    GH_FRAME_KEY_GONE,
    GH_FRAME_FAILED,
    GH_FRAME_HTTP_START,
    GH_FRAME_HTTP_DATA,
    GH_FRAME_HTTP_END,
    GH_FRAME_HTTP_READ,
    GH_FRAME_KIND_END, /* one more than the last */
};

struct gh_frame {
    enum gh_frame_kind kind;
    unsigned flags;
    uint64_t call_id;
    uint32_t body_len;   /* bytes */
    const uint8_t *body; /* borrowed from the buffer it was decoded from */
};

enum gh_frame_status {
    GH_FRAME_OK = 0,
    GH_FRAME_MORE,   /* the frame is not whole yet; outputs untouched */
    GH_FRAME_BROKEN, /* unknown kind or flag, body over the limit: close the channel */
};

/* Read the first frame of BYTES. *used_out is how many bytes to drop before the next call. */
enum gh_frame_status gh_frame_decode(const uint8_t *bytes, size_t len, struct gh_frame *frame_out,
                                     size_t *used_out);

/* Write the head of a frame whose body of BODY_LEN bytes the caller sends right behind it. */
void gh_frame_head(uint8_t head_out[GH_FRAME_HEAD_BYTES], enum gh_frame_kind kind, unsigned flags,
                   uint64_t call_id, uint32_t body_len);

/* "CALL" for GH_FRAME_CALL and so on; "unknown" for what is no kind. For logs and tests. */
const char *gh_frame_kind_name(unsigned kind);

#endif
