/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/outbox.h"

#include "wire/call.h"
#include "wire/le.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_CAP_BYTES (64u << 10)
#define KEEP_CAP_BYTES (1u << 20) /* a larger buffer is freed once it is empty */

void
gh_outbox_init(struct gh_outbox *out, int fd)
{
    *out = (struct gh_outbox){.fd = fd, .log_offset = SIZE_MAX};
    pthread_mutex_init(&out->lock, NULL);
    pthread_cond_init(&out->room, NULL);
}

static void *
grow(void *memory, size_t bytes)
{
    memory = realloc(memory, bytes);
    if (!memory)
        abort();
    return memory;
}

static uint8_t *
reserve(struct gh_outbuf *buf, size_t bytes)
{
    if (buf->cap - buf->len < bytes) {
        size_t cap = buf->cap ? buf->cap : FIRST_CAP_BYTES;
        while (cap - buf->len < bytes)
            cap *= 2;
        buf->bytes = grow(buf->bytes, cap);
        buf->cap = cap;
    }
    return buf->bytes + buf->len;
}

static void
add_fd(struct gh_outbuf *buf, int fd)
{
    if (buf->fd_count == buf->fd_cap) {
        buf->fd_cap = buf->fd_cap ? 2 * buf->fd_cap : 8;
        buf->fds = grow(buf->fds, buf->fd_cap * sizeof *buf->fds);
    }
    buf->fds[buf->fd_count].offset = buf->len;
    buf->fds[buf->fd_count++].fd = fd;
}

/* With the lock held. */
static enum gh_outbox_status
may_put(const struct gh_outbox *out)
{
    if (out->fd < 0)
        return GH_OUTBOX_CLOSED;
    return out->fill.len >= GH_OUTBOX_LIMIT_BYTES ? GH_OUTBOX_FULL : GH_OUTBOX_OK;
}

enum gh_outbox_status
gh_outbox_put_fd(struct gh_outbox *out, enum gh_frame_kind kind, uint64_t call_id,
                 const struct gh_part *parts, size_t count, int fd)
{
    size_t body_len = gh_parts_len(parts, count);

    pthread_mutex_lock(&out->lock);
    enum gh_outbox_status status = may_put(out);
    if (status == GH_OUTBOX_OK) {
        uint8_t *frame = reserve(&out->fill, GH_FRAME_HEAD_BYTES + body_len);
        gh_frame_head(frame, kind, fd < 0 ? 0 : GH_FRAME_HAS_FD, call_id, (uint32_t)body_len);
        gh_parts_write(parts, count, frame + GH_FRAME_HEAD_BYTES);
        if (fd >= 0)
            add_fd(&out->fill, fd);
        out->fill.len += GH_FRAME_HEAD_BYTES + body_len;
        out->log_offset = SIZE_MAX;
    }
    pthread_mutex_unlock(&out->lock);
    return status;
}

enum gh_outbox_status
gh_outbox_put(struct gh_outbox *out, enum gh_frame_kind kind, uint64_t call_id,
              const struct gh_part *parts, size_t count)
{
    return gh_outbox_put_fd(out, kind, call_id, parts, count, -1);
}

/* The LOG frame at the end of the buffer, if TEXT may join it. With the lock held. */
static uint8_t *
open_log_frame(struct gh_outbox *out, uint64_t call_id, unsigned stream, size_t len)
{
    if (out->log_offset == SIZE_MAX)
        return NULL;
    uint8_t *frame = out->fill.bytes + out->log_offset;
    if (gh_load_u64(frame + 8) != call_id || frame[GH_FRAME_HEAD_BYTES] != stream)
        return NULL;
    return gh_load_u32(frame) + len <= GH_LOG_TEXT_MAX_BYTES ? frame : NULL;
}

static void
append_log(struct gh_outbox *out, uint64_t call_id, unsigned stream, const char *text, size_t len)
{
    uint8_t *cursor = reserve(&out->fill, GH_FRAME_HEAD_BYTES + GH_LOG_HEAD_BYTES + len);
    uint8_t *frame = open_log_frame(out, call_id, stream, len);

    if (frame) {
        gh_store_u32(frame, gh_load_u32(frame) + (uint32_t)len);
    } else {
        out->log_offset = out->fill.len;
        gh_frame_head(cursor, GH_FRAME_LOG, 0, call_id, (uint32_t)(GH_LOG_HEAD_BYTES + len));
        memcpy(cursor + GH_FRAME_HEAD_BYTES, (uint8_t[GH_LOG_HEAD_BYTES]){(uint8_t)stream},
               GH_LOG_HEAD_BYTES);
        out->fill.len += GH_FRAME_HEAD_BYTES + GH_LOG_HEAD_BYTES;
        cursor = out->fill.bytes + out->fill.len;
    }
    memcpy(cursor, text, len);
    out->fill.len += len;
}

enum gh_outbox_status
gh_outbox_put_log(struct gh_outbox *out, uint64_t call_id, unsigned stream, const char *text,
                  size_t len)
{
    pthread_mutex_lock(&out->lock);
    enum gh_outbox_status status = may_put(out);
    if (status == GH_OUTBOX_OK)
        append_log(out, call_id, stream, text, len);
    pthread_mutex_unlock(&out->lock);
    return status;
}

static void
attach_fd(struct msghdr *message, int fd)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);

    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
}

/* One sendmsg of what drain holds, up to the next frame that has a descriptor. For the sender, no
 * lock needed. Returns OK, UNSENT or CLOSED. */
static enum gh_outbox_status
send_some(struct gh_outbox *out)
{
    struct gh_outbuf *drain = &out->drain;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec span = {drain->bytes + out->drain_sent, drain->len - out->drain_sent};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};

    size_t next_fd = out->drain_fds_sent;
    bool with_fd = next_fd < drain->fd_count && drain->fds[next_fd].offset == out->drain_sent;
    if (with_fd) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        attach_fd(&message, drain->fds[next_fd++].fd);
    }
    if (next_fd < drain->fd_count)
        span.iov_len = drain->fds[next_fd].offset - out->drain_sent;

    ssize_t sent = sendmsg(out->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
        return GH_OUTBOX_OK;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS))
        return GH_OUTBOX_UNSENT;
    if (sent < 0)
        return GH_OUTBOX_CLOSED;

    out->drain_sent += (size_t)sent;
    if (with_fd) {
        close(drain->fds[out->drain_fds_sent].fd);
        out->drain_fds_sent = next_fd;
    }
    return GH_OUTBOX_OK;
}

/* Make drain what fill was. With the lock held, drain all sent. False when there is nothing. */
static bool
next_drain(struct gh_outbox *out)
{
    struct gh_outbuf empty = out->drain;

    empty.len = empty.fd_count = 0;
    out->drain_sent = out->drain_fds_sent = 0;
    if (empty.cap > KEEP_CAP_BYTES) {
        free(empty.bytes);
        empty.bytes = NULL;
        empty.cap = 0;
    }
    out->drain = out->fill;
    out->fill = empty;
    out->log_offset = SIZE_MAX;
    return out->drain.len > 0;
}

static void
wait_writable(int fd, int timeout_ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    poll(&poller, 1, timeout_ms);
}

/* What the sender does until nothing is left. The lock is held on entry and on return. */
static enum gh_outbox_status
send_all(struct gh_outbox *out, bool wait)
{
    enum gh_outbox_status status = GH_OUTBOX_OK;

    while (out->drain_sent < out->drain.len || next_drain(out)) {
        pthread_cond_broadcast(&out->room);
        pthread_mutex_unlock(&out->lock);
        status = send_some(out);
        /* ENOBUFS and ETOOMANYREFS do not show in poll, so look again now and then. */
        if (status == GH_OUTBOX_UNSENT && wait)
            wait_writable(out->fd, 10);
        pthread_mutex_lock(&out->lock);
        if (status == GH_OUTBOX_CLOSED || (status == GH_OUTBOX_UNSENT && !wait))
            return status;
    }
    return GH_OUTBOX_OK;
}

enum gh_outbox_status
gh_outbox_flush(struct gh_outbox *out, bool wait)
{
    enum gh_outbox_status status = GH_OUTBOX_OK;

    pthread_mutex_lock(&out->lock);
    if (out->fd < 0) {
        status = GH_OUTBOX_CLOSED;
    } else if (!out->sending) {
        out->sending = true;
        status = send_all(out, wait);
        out->sending = false;
        pthread_cond_broadcast(&out->room);
    }
    pthread_mutex_unlock(&out->lock);
    return status;
}

bool
gh_outbox_has_unsent(struct gh_outbox *out)
{
    pthread_mutex_lock(&out->lock);
    bool has_unsent = out->fill.len > 0 || out->sending || out->drain_sent < out->drain.len;
    pthread_mutex_unlock(&out->lock);
    return has_unsent;
}

enum gh_outbox_status
gh_outbox_wait_room(struct gh_outbox *out)
{
    enum gh_outbox_status status = gh_outbox_flush(out, true);

    if (status != GH_OUTBOX_OK)
        return status;
    pthread_mutex_lock(&out->lock);
    while (out->fd >= 0 && out->sending && out->fill.len >= GH_OUTBOX_LIMIT_BYTES)
        pthread_cond_wait(&out->room, &out->lock);
    status = out->fd < 0 ? GH_OUTBOX_CLOSED : GH_OUTBOX_OK;
    pthread_mutex_unlock(&out->lock);
    return status;
}

void
gh_outbox_before_fork(struct gh_outbox *out)
{
    pthread_mutex_lock(&out->lock);
}

void
gh_outbox_after_fork(struct gh_outbox *out, bool in_child)
{
    if (in_child)
        out->fd = -1;
    pthread_mutex_unlock(&out->lock);
}
