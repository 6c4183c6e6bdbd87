/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/channel.h - frames over one worker's socket, with descriptors, in the libuv loop.
 *
 * Sending only queues; gh_channel_flush writes, once a turn for all frames of the turn. Reading
 * hands each whole frame to on_frame, whose FD (or -1) is then the callee's. After on_broken (end of
 * file, error, a peer that breaks the protocol) nothing more is read or sent. on_frame must not
 * close the channel; on_broken may. Loop thread only. */
#ifndef GH_POOL_CHANNEL_H
#define GH_POOL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <uv.h>

#include "base/buf.h"
#include "wire/frame.h"

#define GH_CHANNEL_FDS_MAX 64u /* received and not yet claimed by a frame */

struct gh_channel;

struct gh_channel_events {
    void (*on_frame)(struct gh_channel *channel, const struct gh_frame *frame, int fd);
    void (*on_broken)(struct gh_channel *channel, const char *why);
    void (*on_closed)(struct gh_channel *channel); /* memory may go now */
};

struct gh_channel_fd {
    size_t offset; /* of its frame's first byte in the queue */
    int fd;
};

/* Frames to be written, and the descriptors that go with some of them. */
struct gh_channel_queue {
    struct gh_buf bytes;
    struct gh_channel_fd *fds;
    size_t fd_count, fd_capacity;
};

struct gh_channel {
    const struct gh_channel_events *events;
    void *owner;
    uv_poll_t poll;
    int fd;
    int watched; /* events the poll is set to */
    bool is_broken;

    struct gh_buf in;
    size_t in_used; /* bytes of `in` already decoded */
    int in_fds[GH_CHANNEL_FDS_MAX];
    size_t in_fd_count;

    struct gh_channel_queue out;
    size_t out_sent; /* bytes of `out` already written */
    bool is_holding; /* frames that may wait go to `held` */
    struct gh_channel_queue held;
};

/* Take over the connected, non-blocking socket FD. */
void gh_channel_open(struct gh_channel *channel, uv_loop_t *loop, int fd,
                     const struct gh_channel_events *events, void *owner);

/* Close the socket; on_closed follows in a later turn. */
void gh_channel_close(struct gh_channel *channel);

/* Queue one frame whose body is the PART_COUNT slices PARTS. PAYLOAD_FD (or -1) becomes the
 * channel's and goes with it. While the channel holds, a frame that MAY_WAIT is kept back. */
void gh_channel_send(struct gh_channel *channel, enum gh_frame_kind kind, uint64_t call_id,
                     const struct iovec *parts, size_t part_count, int payload_fd, bool may_wait);

/* Keep frames that may wait back, until gh_channel_release queues them in their order. */
void gh_channel_hold(struct gh_channel *channel);
void gh_channel_release(struct gh_channel *channel);

/* Deliver now what the peer wrote so far, rather than when the loop gets to it. For a peer that is dead. */
void gh_channel_read_rest(struct gh_channel *channel);

/* Write what is queued, as far as the socket takes it; the rest follows when it can. */
void gh_channel_flush(struct gh_channel *channel);

/* Bytes queued or held, and not yet taken by the socket. */
static inline size_t
gh_channel_backlog(const struct gh_channel *channel)
{
    return channel->out.bytes.len - channel->out_sent + channel->held.bytes.len;
}

#endif
