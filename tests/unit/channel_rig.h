/* SPDX-License-Identifier: Apache-2.0
 *
 * channel_rig.h - a channel in a loop of its own whose peer is the test. */
#ifndef GH_TEST_CHANNEL_RIG_H
#define GH_TEST_CHANNEL_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "pool/channel.h"
#include "tests/unit/suite.h"

/* One end is the channel's; the test is the other, PEER, a plain blocking socket. */
static uv_loop_t loop;
static struct gh_channel channel;
static int peer;
static struct gh_buf frames; /* "KIND id body;" of each that came */
static int got_fds[200];
static size_t got_fd_count;
static unsigned broken_count, closed_count;
static char why[200];
static bool closes_when_broken, answers;
static unsigned fds_before;

static inline void
on_frame(struct gh_channel *from, const struct gh_frame *frame, int fd)
{
    ck_assert_ptr_eq(from, &channel);
    ck_assert_ptr_eq(from->owner, &peer);
    gh_buf_addf(&frames, "%s %llu ", gh_frame_kind_name(frame->kind),
                (unsigned long long)frame->call_id);
    gh_buf_add(&frames, frame->body, frame->body_len);
    gh_buf_add_byte(&frames, ';');
    if (fd >= 0)
        got_fds[got_fd_count++] = fd;
    if (answers) {
        struct iovec part = {(void *)(uintptr_t)frame->body, frame->body_len};
        gh_channel_send(from, GH_FRAME_CALL, frame->call_id, &part, 1, -1, false);
    }
}

static inline void
on_broken(struct gh_channel *from, const char *reason)
{
    broken_count++;
    snprintf(why, sizeof why, "%s", reason);
    if (closes_when_broken)
        gh_channel_close(from);
}

static inline void
on_closed(struct gh_channel *from)
{
    ck_assert_ptr_eq(from, &channel);
    closed_count++;
}

static const struct gh_channel_events events = {on_frame, on_broken, on_closed};

static inline void
set_up(void)
{
    int ends[2];

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    fds_before = count_fds();
    broken_count = closed_count = 0;
    got_fd_count = 0;
    closes_when_broken = answers = false;
    why[0] = '\0';
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    peer = ends[1];
    gh_channel_open(&channel, &loop, ends[0], &events, &peer);
}

/* Whatever the test did: nothing stays open, on_closed came once. */
static inline void
tear_down(void)
{
    gh_channel_close(&channel);
    gh_channel_close(&channel);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(closed_count, 1);
    ck_assert_uint_le(broken_count, 1);
    if (peer >= 0)
        close(peer);
    for (size_t i = 0; i < got_fd_count; i++)
        close(got_fds[i]);
    gh_buf_done(&frames);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_uint_eq(count_fds(), fds_before);
}

/* What is ready now; AF_UNIX sockets are ready as soon as the peer has written. */
static inline void
turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static inline void
add_frame(struct gh_buf *out, enum gh_frame_kind kind, unsigned flags, uint64_t id,
          const void *body, size_t len)
{
    uint8_t head[GH_FRAME_HEAD_BYTES];

    gh_frame_head(head, kind, flags, id, (uint32_t)len);
    gh_buf_add(out, head, sizeof head);
    gh_buf_add(out, body, len);
}

static inline void
peer_write(const void *bytes, size_t len)
{
    ck_assert_int_eq(send(peer, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Write with COUNT copies of FD attached to the first byte. */
static inline void
peer_write_fds(const void *bytes, size_t len, int fd, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(64 * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)bytes, len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(peer, &message, MSG_NOSIGNAL), (ssize_t)len);
}

static inline int
memfd_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static inline void
assert_fd_holds(int fd, const char *text)
{
    char content[64];
    ssize_t len = pread(fd, content, sizeof content, 0);

    ck_assert_int_ge(len, 0);
    assert_bytes(content, (size_t)len, text);
}

#endif
