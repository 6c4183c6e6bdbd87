/* SPDX-License-Identifier: Apache-2.0
 *
 * outbox.h - the frames that a worker has written and the daemon has not read yet.
 *
 * Any thread puts frames in; whoever flushes sends for all. Two buffers: threads append to one
 * while one thread, the sender, writes the other to the socket, so order is kept and no lock is held
 * during a system call. A thread that finds a sender at work can leave: its frames go along.
 *
 * Nothing here knows of Python. A caller that holds the interpreter lock must give it up before
 * gh_outbox_flush(.., true) and gh_outbox_wait_room(), the two functions that wait.
 * Source: docs/ipc.md. */
#ifndef GH_OUTBOX_H
#define GH_OUTBOX_H

#include "modules/python/parts.h"
#include "wire/frame.h"

#include <pthread.h>

#define GH_OUTBOX_LIMIT_BYTES (4u << 20) /* past it, writers wait until the daemon has read */
#define GH_LOG_TEXT_MAX_BYTES (64u << 10)

enum gh_outbox_status {
    GH_OUTBOX_OK = 0,
    GH_OUTBOX_FULL,   /* nothing was put: gh_outbox_wait_room(), then again */
    GH_OUTBOX_UNSENT, /* the socket takes no more now */
    GH_OUTBOX_CLOSED, /* no peer any more, or this is a forked child */
};

struct gh_outbuf {
    uint8_t *bytes;
    size_t len, cap;
    struct gh_outbuf_fd {
        size_t offset; /* of the head of the frame that it goes with */
        int fd;        /* owned */
    } * fds;
    size_t fd_count, fd_cap;
};

struct gh_outbox {
    int fd; /* the socket, owned by whoever opened the outbox; -1 in a forked child */
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct gh_outbuf fill;
    size_t
        log_offset; /* of a LOG frame at the very end of fill, which may still grow; or SIZE_MAX */
    struct gh_outbuf drain;
    size_t drain_sent, drain_fds_sent;
    bool sending; /* drain belongs to the thread that set this */
};

void gh_outbox_init(struct gh_outbox *out, int fd);

/* Append a frame whose body is PARTS, at most GH_FRAME_BODY_MAX_BYTES. OK, FULL or CLOSED. */
enum gh_outbox_status gh_outbox_put(struct gh_outbox *out, enum gh_frame_kind kind,
                                    uint64_t call_id, const struct gh_part *parts, size_t count);

/* The same with a descriptor, which the outbox owns from then on if it returns OK. */
enum gh_outbox_status gh_outbox_put_fd(struct gh_outbox *out, enum gh_frame_kind kind,
                                       uint64_t call_id, const struct gh_part *parts, size_t count,
                                       int fd);

/* Append text that a call wrote, at most GH_LOG_TEXT_MAX_BYTES and cut between UTF-8 characters. It
 * joins the LOG frame before it when that is of the same call and stream. OK, FULL or CLOSED. */
enum gh_outbox_status gh_outbox_put_log(struct gh_outbox *out, uint64_t call_id, unsigned stream,
                                        const char *text, size_t len);

/* Send what is there. With WAIT, until all is sent. OK: sent, or another thread is sending it;
 * UNSENT only without WAIT; CLOSED: the peer is gone. */
enum gh_outbox_status gh_outbox_flush(struct gh_outbox *out, bool wait);

/* Does anything wait to be sent? */
bool gh_outbox_has_unsent(struct gh_outbox *out);

/* Return once the outbox is below its limit. OK or CLOSED. */
enum gh_outbox_status gh_outbox_wait_room(struct gh_outbox *out);

/* Around fork(): the child's outbox is closed and swallows what is put in. */
void gh_outbox_before_fork(struct gh_outbox *out);
void gh_outbox_after_fork(struct gh_outbox *out, bool in_child);

#endif
