/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_CAP_BYTES (256u << 10)
#define ROOM_BYTES (64u << 10) /* worth a system call */
#define FDS_PER_READ 253u      /* SCM_MAX_FD of Linux */

static void *
grow(void *memory, size_t bytes)
{
    memory = realloc(memory, bytes);
    if (!memory)
        abort();
    return memory;
}

/* Move the cut frame at the end to the front; grow only when even that leaves too little. */
static void
make_room(struct gh_inbox *in)
{
    size_t kept = in->end - in->start;

    if (kept == 0) {
        in->start = in->end = 0;
    } else if (in->cap - in->end < ROOM_BYTES) {
        memmove(in->bytes, in->bytes + in->start, kept);
        in->start = 0;
        in->end = kept;
    }
    if (in->cap - in->end < ROOM_BYTES) {
        in->cap = in->cap ? 2 * in->cap : FIRST_CAP_BYTES;
        in->bytes = grow(in->bytes, in->cap);
    }
}

void
gh_inbox_init(struct gh_inbox *in, int fd)
{
    *in = (struct gh_inbox){.fd = fd};
    make_room(in);
}

static void
keep_fds(struct gh_inbox *in, const int *fds, size_t count)
{
    if (in->fd_start == in->fd_end)
        in->fd_start = in->fd_end = 0;
    if (in->fd_cap - in->fd_end < count) {
        in->fd_cap = 2 * in->fd_cap + count;
        in->fds = grow(in->fds, in->fd_cap * sizeof *in->fds);
    }
    memcpy(in->fds + in->fd_end, fds, count * sizeof *fds);
    in->fd_end += count;
}

static void
take_fds(struct gh_inbox *in, struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);

    for (; control; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        int fds[FDS_PER_READ];
        size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > FDS_PER_READ)
            abort();
        memcpy(fds, CMSG_DATA(control), count * sizeof(int));
        keep_fds(in, fds, count);
    }
}

enum gh_inbox_status
gh_inbox_read(struct gh_inbox *in, bool wait)
{
    union {
        char bytes[CMSG_SPACE(FDS_PER_READ * sizeof(int))];
        struct cmsghdr align;
    } control;
    ssize_t got;

    make_room(in);
    struct iovec span = {in->bytes + in->end, in->cap - in->end};
    struct msghdr message = {
        .msg_iov = &span,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    do
        got = recvmsg(in->fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (got < 0 && errno == EINTR);

    if (got < 0 && errno == EAGAIN)
        return GH_INBOX_MORE;
    if (got <= 0)
        return GH_INBOX_EOF;
    if (message.msg_controllen)
        take_fds(in, &message);
    in->end += (size_t)got;
    return message.msg_flags & MSG_CTRUNC ? GH_INBOX_BROKEN : GH_INBOX_OK;
}

bool
gh_inbox_has_frame(const struct gh_inbox *in)
{
    struct gh_frame frame;
    size_t used;

    return gh_frame_decode(in->bytes + in->start, in->end - in->start, &frame, &used) !=
           GH_FRAME_MORE;
}

enum gh_inbox_status
gh_inbox_next(struct gh_inbox *in, struct gh_frame *frame_out, int *fd_out)
{
    size_t used;
    enum gh_frame_status status =
        gh_frame_decode(in->bytes + in->start, in->end - in->start, frame_out, &used);

    if (status == GH_FRAME_MORE)
        return GH_INBOX_MORE;
    if (status == GH_FRAME_BROKEN)
        return GH_INBOX_BROKEN;

    *fd_out = -1;
    if (frame_out->flags & GH_FRAME_HAS_FD) {
        if (in->fd_start == in->fd_end)
            return GH_INBOX_BROKEN;
        *fd_out = in->fds[in->fd_start++];
    }
    in->start += used;
    return GH_INBOX_OK;
}
