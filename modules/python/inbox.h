/* SPDX-License-Identifier: Apache-2.0
 *
 * inbox.h - reads frames and their descriptors from the daemon's socket.
 *
 * Many frames come with one system call. One thread at a time may use an inbox; in the Python
 * runtime that is the leader (baton.h). Source: docs/ipc.md. */
#ifndef GH_INBOX_H
#define GH_INBOX_H

#include "wire/frame.h"

#include <stdbool.h>

enum gh_inbox_status {
    GH_INBOX_OK = 0,
    GH_INBOX_MORE,   /* read first */
    GH_INBOX_EOF,    /* the daemon has closed its end, or is dead */
    GH_INBOX_BROKEN, /* the bytes are no frames: give up */
};

struct gh_inbox {
    int fd;
    uint8_t *bytes;
    size_t start, end, cap;
    int *fds; /* arrived and not yet handed out, oldest first, owned */
    size_t fd_start, fd_end, fd_cap;
};

void gh_inbox_init(struct gh_inbox *in, int fd);

/* Take what the socket has; with WAIT, block until there is something. OK, MORE (nothing there,
 * only without WAIT), EOF, BROKEN (descriptors were lost). */
enum gh_inbox_status gh_inbox_read(struct gh_inbox *in, bool wait);

/* Is there something for gh_inbox_next()? */
bool gh_inbox_has_frame(const struct gh_inbox *in);

/* Take the next frame. Its body is borrowed until the next gh_inbox_read(). *fd_out is its
 * descriptor, the caller's from then on, or -1. OK, MORE or BROKEN. */
enum gh_inbox_status gh_inbox_next(struct gh_inbox *in, struct gh_frame *frame_out, int *fd_out);

#endif
