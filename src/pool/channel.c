/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define READ_BYTES (64u << 10)
#define COMPACT_BYTES (1u << 20)
#define READS_A_TURN 16        /* then others get their turn; the poll is level triggered */
#define READS_OF_REST_MAX 1024 /* more than a socket holds: someone is still writing */

static void on_poll(uv_poll_t *poll, int status, int events);

static void
watch(struct gh_channel *channel, int events)
{
    if (channel->watched == events)
        return;
    channel->watched = events;
    uv_poll_start(&channel->poll, events, on_poll);
}

static void
fail(struct gh_channel *channel, const char *why)
{
    if (channel->is_broken)
        return;
    channel->is_broken = true;
    uv_poll_stop(&channel->poll);
    channel->watched = 0;
    channel->events->on_broken(channel, why);
}

void
gh_channel_open(struct gh_channel *channel, uv_loop_t *loop, int fd,
                const struct gh_channel_events *events, void *owner)
{
    memset(channel, 0, sizeof *channel);
    channel->events = events;
    channel->owner = owner;
    channel->fd = fd;
    uv_poll_init(loop, &channel->poll, fd);
    channel->poll.data = channel;
    watch(channel, UV_READABLE);
}

static void
queue_done(struct gh_channel_queue *queue)
{
    for (size_t i = 0; i < queue->fd_count; i++)
        close(queue->fds[i].fd);
    gh_free(&queue->fds);
    gh_buf_done(&queue->bytes);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct gh_channel *channel = handle->data;

    close(channel->fd);
    for (size_t i = 0; i < channel->in_fd_count; i++)
        close(channel->in_fds[i]);
    queue_done(&channel->out);
    queue_done(&channel->held);
    gh_buf_done(&channel->in);
    channel->events->on_closed(channel);
}

void
gh_channel_close(struct gh_channel *channel)
{
    channel->is_broken = true;
    if (!uv_is_closing((uv_handle_t *)&channel->poll))
        uv_close((uv_handle_t *)&channel->poll, on_poll_closed);
}

/* Keep the descriptors that came with MESSAGE. Returns -1 when there is no room for one. */
static int
keep_fds(struct gh_channel *channel, struct msghdr *message)
{
    int rc = message->msg_flags & MSG_CTRUNC ? -1 : 0;

    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
         control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
            if (channel->in_fd_count == GH_CHANNEL_FDS_MAX) {
                close(fd);
                rc = -1;
                continue;
            }
            channel->in_fds[channel->in_fd_count++] = fd;
        }
    }
    return rc;
}

static int
first_fd(struct gh_channel *channel)
{
    int fd = channel->in_fds[0];
    channel->in_fd_count--;
    memmove(channel->in_fds, channel->in_fds + 1, channel->in_fd_count * sizeof fd);
    return fd;
}

/* Hand on every whole frame in the buffer. Returns false when the channel broke. */
static bool
deliver(struct gh_channel *channel)
{
    struct gh_frame frame;
    size_t used;
    enum gh_frame_status status = GH_FRAME_MORE;

    while (!channel->is_broken) {
        status = gh_frame_decode(channel->in.bytes + channel->in_used,
                                 channel->in.len - channel->in_used, &frame, &used);
        if (status != GH_FRAME_OK)
            break;

        int fd = -1;
        if (frame.flags & GH_FRAME_HAS_FD) {
            if (channel->in_fd_count == 0) {
                fail(channel, "a frame came without its descriptor");
                return false;
            }
            fd = first_fd(channel);
        }
        channel->in_used += used;
        channel->events->on_frame(channel, &frame, fd);
    }
    if (status == GH_FRAME_BROKEN)
        fail(channel, "a frame of unknown kind or over the size limit");

    gh_buf_drop(&channel->in, channel->in_used);
    channel->in_used = 0;
    return !channel->is_broken;
}

/* Read once and deliver what is whole. How many bytes came; 0 when there were none, or the channel is
 * broken now. */
static size_t
read_some(struct gh_channel *channel)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(16 * sizeof(int))];
    } control;
    struct iovec part = {gh_buf_reserve(&channel->in, READ_BYTES), READ_BYTES};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;

    do
        got = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0) {
        fail(channel, got == 0 ? "end of file" : strerror(errno));
        return 0;
    }
    channel->in.len += (size_t)got;
    if (keep_fds(channel, &message) != 0) {
        fail(channel, "too many descriptors without frames");
        return 0;
    }
    return deliver(channel) ? (size_t)got : 0;
}

static void
read_frames(struct gh_channel *channel)
{
    for (int i = 0; i < READS_A_TURN; i++)
        if (read_some(channel) < READ_BYTES)
            return;
}

void
gh_channel_read_rest(struct gh_channel *channel)
{
    for (int i = 0; i < READS_OF_REST_MAX && !channel->is_broken; i++)
        if (read_some(channel) == 0)
            return;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct gh_channel *channel = poll->data;

    if (status < 0) { /* the peer died; what it said before is still to be heard */
        read_frames(channel);
        fail(channel, uv_strerror(status));
        return;
    }
    if (events & UV_WRITABLE)
        gh_channel_flush(channel);
    if ((events & UV_READABLE) && !channel->is_broken)
        read_frames(channel);
}

/* FD goes with the frame whose first byte will be at OFFSET. */
static void
queue_fd(struct gh_channel_queue *queue, size_t offset, int fd)
{
    if (queue->fd_count == queue->fd_capacity) {
        queue->fd_capacity = queue->fd_capacity ? queue->fd_capacity * 2 : 4;
        queue->fds = gh_realloc(queue->fds, queue->fd_capacity * sizeof queue->fds[0]);
    }
    queue->fds[queue->fd_count++] = (struct gh_channel_fd){offset, fd};
}

void
gh_channel_send(struct gh_channel *channel, enum gh_frame_kind kind, uint64_t call_id,
                const struct iovec *parts, size_t part_count, int payload_fd, bool may_wait)
{
    struct gh_channel_queue *queue =
        channel->is_holding && may_wait ? &channel->held : &channel->out;
    uint8_t head[GH_FRAME_HEAD_BYTES];
    size_t len = 0;

    if (channel->is_broken) {
        if (payload_fd >= 0)
            close(payload_fd);
        return;
    }
    if (payload_fd >= 0)
        queue_fd(queue, queue->bytes.len, payload_fd);
    for (size_t i = 0; i < part_count; i++)
        len += parts[i].iov_len;

    assert(len <= GH_FRAME_BODY_MAX_BYTES);
    gh_frame_head(head, kind, payload_fd >= 0 ? GH_FRAME_HAS_FD : 0, call_id, (uint32_t)len);
    gh_buf_add(&queue->bytes, head, sizeof head);
    for (size_t i = 0; i < part_count; i++)
        gh_buf_add(&queue->bytes, parts[i].iov_base, parts[i].iov_len);
}

void
gh_channel_hold(struct gh_channel *channel)
{
    channel->is_holding = true;
}

void
gh_channel_release(struct gh_channel *channel)
{
    struct gh_channel_queue *held = &channel->held;

    channel->is_holding = false;
    for (size_t i = 0; i < held->fd_count; i++)
        queue_fd(&channel->out, channel->out.bytes.len + held->fds[i].offset, held->fds[i].fd);
    held->fd_count = 0;
    gh_buf_add(&channel->out.bytes, held->bytes.bytes, held->bytes.len);
    queue_done(held);
}

/* Send from out_sent up to the next frame that has a descriptor, or from one with it. */
static ssize_t
send_some(struct gh_channel *channel)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct gh_channel_queue *out = &channel->out;
    bool has_fd = out->fd_count && out->fds[0].offset == channel->out_sent;
    size_t next = has_fd ? 1 : 0;
    size_t end = out->fd_count > next ? out->fds[next].offset : out->bytes.len;
    struct iovec part = {out->bytes.bytes + channel->out_sent, end - channel->out_sent};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (has_fd) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &out->fds[0].fd, sizeof(int));
    }

    ssize_t sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
    if (sent > 0 && has_fd) {
        close(out->fds[0].fd);
        out->fd_count--;
        memmove(out->fds, out->fds + 1, out->fd_count * sizeof out->fds[0]);
    }
    return sent;
}

/* Drop what was sent once it is all, or much; keeps the moving cheap. */
static void
compact(struct gh_channel *channel)
{
    size_t sent = channel->out_sent;

    if (sent == 0 || (sent < channel->out.bytes.len && sent < COMPACT_BYTES))
        return;
    gh_buf_drop(&channel->out.bytes, sent);
    channel->out_sent = 0;
    for (size_t i = 0; i < channel->out.fd_count; i++)
        channel->out.fds[i].offset -= sent;
}

static size_t
unsent(const struct gh_channel *channel)
{
    return channel->out.bytes.len - channel->out_sent;
}

static void
drop_unsent(struct gh_channel *channel)
{
    for (size_t i = 0; i < channel->out.fd_count; i++)
        close(channel->out.fds[i].fd);
    channel->out.fd_count = 0;
    channel->out.bytes.len = channel->out_sent;
}

void
gh_channel_flush(struct gh_channel *channel)
{
    while (!channel->is_broken && unsent(channel) > 0) {
        ssize_t sent = send_some(channel);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == ETOOMANYREFS))
            break;
        if (sent < 0) {
            /* The peer is gone; what it sent before is still to be read. */
            if (errno != EPIPE && errno != ECONNRESET)
                fail(channel, strerror(errno));
            drop_unsent(channel);
            break;
        }
        channel->out_sent += (size_t)sent;
    }
    if (channel->is_broken)
        return;
    compact(channel);
    watch(channel, unsent(channel) ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}
