/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/audit.h - who asked for what: a file with one line of JSON for each request.
 *
 *     {"time":"2026-11-26T03:40:05.465Z","request_id":"...","user":"ann","address":"192.0.2.7",
 *      "method":"POST","route":"/{key}/{method}","key":"concat","key_method":"call","status":200,
 *      "duration_ms":1.25,"denied":null}
 *
 * Never a token, an argument or a result. Lines are collected during a turn of the loop and written by the
 * thread pool, so nobody waits for the disk; what does not fit into GH_AUDIT_BACKLOG_MAX_BYTES while one
 * write is under way is lost, and the file says how much: {"time":"...","lost":3}. Loop thread only. */
#ifndef GH_AUTH_AUDIT_H
#define GH_AUTH_AUDIT_H

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "wire/call.h"

#define GH_AUDIT_BACKLOG_MAX_BYTES (4u << 20)
#define GH_AUDIT_NAME_MAX_BYTES 256u /* of a key or a method in a line */

/* All borrowed. Empty slices and empty texts are null in the line. */
struct gh_audit_entry {
    const char *request_id, *user, *address, *method, *route, *denied;
    struct gh_slice key, key_method;
    unsigned status; /* 0: the client left before it was answered */
    double duration_ms;
};

struct gh_audit {
    uv_loop_t *loop;
    int fd;                /* -1: nothing is audited */
    struct gh_buf lines;   /* of this turn */
    struct gh_buf writing; /* lent to the thread pool while is_writing */
    int writing_fd;
    bool is_writing;
    bool is_failing; /* the last write did not succeed; said once */
    size_t lost;     /* lines, since the file was last told */
    uv_fs_t write;
};

void gh_audit_init(struct gh_audit *audit, uv_loop_t *loop);

/* Append to the file PATH from now on, made with mode 0600 when it is missing; "" to none. Also opens the
 * same one again, after it was renamed. Errors: GH_E_SYSTEM; what was in use stays so. */
int gh_audit_open(struct gh_audit *audit, const char *path, struct gh_err *err) GH_MUST_USE;

static inline bool
gh_audit_is_on(const struct gh_audit *audit)
{
    return audit && audit->fd >= 0;
}

void gh_audit_add(struct gh_audit *audit, const struct gh_audit_entry *entry);

/* Hand what was added to the thread pool. Call once at the end of each turn of the loop; after the last turn
 * the loop goes on until all is written. */
void gh_audit_flush(struct gh_audit *audit);

/* When the loop has ended. */
void gh_audit_done(struct gh_audit *audit);

#endif
