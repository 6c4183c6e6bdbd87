/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/alloc.h"
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

static void
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

static void
on_broken(struct gh_channel *from, const char *reason)
{
    broken_count++;
    snprintf(why, sizeof why, "%s", reason);
    if (closes_when_broken)
        gh_channel_close(from);
}

static void
on_closed(struct gh_channel *from)
{
    ck_assert_ptr_eq(from, &channel);
    closed_count++;
}

static const struct gh_channel_events events = {on_frame, on_broken, on_closed};

static void
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
static void
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
static void
turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void
add_frame(struct gh_buf *out, enum gh_frame_kind kind, unsigned flags, uint64_t id,
          const void *body, size_t len)
{
    uint8_t head[GH_FRAME_HEAD_BYTES];

    gh_frame_head(head, kind, flags, id, (uint32_t)len);
    gh_buf_add(out, head, sizeof head);
    gh_buf_add(out, body, len);
}

static void
peer_write(const void *bytes, size_t len)
{
    ck_assert_int_eq(send(peer, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Write with COUNT copies of FD attached to the first byte. */
static void
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

static int
memfd_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void
assert_fd_holds(int fd, const char *text)
{
    char content[64];
    ssize_t len = pread(fd, content, sizeof content, 0);

    ck_assert_int_ge(len, 0);
    assert_bytes(content, (size_t)len, text);
}

/* ---- reading ---- */

START_TEST(frame_arrives_when_its_last_byte_does)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_RESULT, 0, 7, "abc", 3);
    add_frame(&out, GH_FRAME_LOG, 0, 8, NULL, 0);
    for (size_t i = 0; i < out.len; i++) {
        peer_write(out.bytes + i, 1);
        turn();
        if (i == GH_FRAME_HEAD_BYTES + 1)
            ck_assert_uint_eq(frames.len, 0);
    }
    assert_slice(frames, "RESULT 7 abc;LOG 8 ;");
    ck_assert_uint_eq(broken_count, 0);
}
END_TEST

START_TEST(frames_of_one_write_arrive_in_order)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};

    for (unsigned i = 0; i < 500; i++) {
        add_frame(&out, GH_FRAME_LOG, 0, i, "text", 4);
        gh_buf_addf(&wanted, "LOG %u text;", i);
    }
    peer_write(out.bytes, out.len);
    turn();
    ck_assert_uint_eq(frames.len, wanted.len);
    ck_assert_mem_eq(frames.bytes, wanted.bytes, wanted.len);
}
END_TEST

START_TEST(frame_may_be_cut_anywhere)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_RESULT, 0, 1, "first", 5);
    add_frame(&out, GH_FRAME_RESULT, 0, 2, "second", 6);
    peer_write(out.bytes, (size_t)_i);
    turn();
    peer_write(out.bytes + _i, out.len - (size_t)_i);
    turn();
    assert_slice(frames, "RESULT 1 first;RESULT 2 second;");
}
END_TEST

START_TEST(body_of_the_limit_arrives)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char *body GH_SCOPED(gh_free) = gh_alloc(GH_FRAME_BODY_MAX_BYTES);
    size_t sent = 0;

    add_frame(&out, GH_FRAME_RESULT, 0, 1, body, GH_FRAME_BODY_MAX_BYTES);
    while (sent < out.len) {
        ssize_t n = send(peer, out.bytes + sent, out.len - sent, MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        turn();
    }
    turn();
    ck_assert_uint_eq(frames.len, GH_FRAME_BODY_MAX_BYTES + strlen("RESULT 1 ;"));
}
END_TEST

START_TEST(descriptor_comes_with_its_frame)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    int fd = memfd_with("content");

    add_frame(&out, GH_FRAME_RESULT, GH_FRAME_HAS_FD, 7, "abc", 3);
    peer_write_fds(out.bytes, (size_t)_i, fd, 1);
    turn();
    if ((size_t)_i < out.len) {
        ck_assert_uint_eq(got_fd_count, 0);
        peer_write(out.bytes + _i, out.len - (size_t)_i);
        turn();
    }
    close(fd);
    ck_assert_uint_eq(got_fd_count, 1);
    ck_assert_int_eq(fcntl(got_fds[0], F_GETFD), FD_CLOEXEC);
    assert_fd_holds(got_fds[0], "content");
    assert_slice(frames, "RESULT 7 abc;");
}
END_TEST

START_TEST(descriptors_keep_the_order_of_their_frames)
{
    for (unsigned i = 0; i < 20; i++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        char text[8];
        snprintf(text, sizeof text, "%u", i);
        int fd = memfd_with(text);
        add_frame(&out, GH_FRAME_RESULT, GH_FRAME_HAS_FD, i, text, strlen(text));
        peer_write_fds(out.bytes, out.len, fd, 1);
        close(fd);
        out.len = 0;
        add_frame(&out, GH_FRAME_LOG, 0, i, NULL, 0); /* has none */
        peer_write(out.bytes, out.len);
    }
    /* A read stops at each descriptor, so it takes a few. */
    for (int i = 0; i < 20 && got_fd_count < 20; i++)
        turn();
    ck_assert_uint_eq(got_fd_count, 20);
    for (unsigned i = 0; i < 20; i++) {
        char text[8];
        snprintf(text, sizeof text, "%u", i);
        assert_fd_holds(got_fds[i], text);
    }
}
END_TEST

START_TEST(missing_descriptor_breaks_the_channel)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_LOG, 0, 1, "x", 1);
    add_frame(&out, GH_FRAME_RESULT, GH_FRAME_HAS_FD, 2, NULL, 0);
    add_frame(&out, GH_FRAME_LOG, 0, 3, "y", 1);
    peer_write(out.bytes, out.len);
    turn();
    assert_slice(frames, "LOG 1 x;");
    ck_assert_uint_eq(broken_count, 1);
    assert_contains(why, "descriptor");
}
END_TEST

/* 64 may wait for their frames; the one after that is too many. All are closed. */
START_TEST(unclaimed_descriptors_have_a_limit)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    int fd = memfd_with("");
    unsigned count = GH_CHANNEL_FDS_MAX + (unsigned)_i;

    add_frame(&out, GH_FRAME_LOG, 0, 1, NULL, 0);
    for (unsigned i = 0; i < count; i++) {
        peer_write_fds(out.bytes, out.len, fd, 1);
        turn();
    }
    close(fd);
    ck_assert_uint_eq(broken_count, (unsigned)_i);
}
END_TEST

START_TEST(many_descriptors_in_one_message_break_the_channel)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    int fd = memfd_with("");

    add_frame(&out, GH_FRAME_RESULT, GH_FRAME_HAS_FD, 1, NULL, 0);
    peer_write_fds(out.bytes, out.len, fd, 40);
    turn();
    close(fd);
    ck_assert_uint_eq(broken_count, 1);
    ck_assert_uint_eq(frames.len, 0);
}
END_TEST

START_TEST(bad_frame_breaks_the_channel_after_the_good_ones)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_LOG, 0, 1, "good", 4);
    if (_i == 0)
        add_frame(&out, (enum gh_frame_kind)99, 0, 2, "bad", 3);
    else if (_i == 1)
        add_frame(&out, GH_FRAME_LOG, 2, 2, "bad", 3);
    else
        gh_frame_head(gh_buf_reserve(&out, 16), GH_FRAME_LOG, 0, 2, GH_FRAME_BODY_MAX_BYTES + 1),
            out.len += 16;
    add_frame(&out, GH_FRAME_LOG, 0, 3, "late", 4);
    peer_write(out.bytes, out.len);
    turn();
    peer_write(out.bytes, GH_FRAME_HEAD_BYTES + 4);
    turn();
    assert_slice(frames, "LOG 1 good;");
    ck_assert_uint_eq(broken_count, 1);
}
END_TEST

START_TEST(end_of_file_is_told_once_after_the_last_frame)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_RESULT, 0, 1, "last", 4);
    add_frame(&out, GH_FRAME_RESULT, 0, 2, "cut", 3);
    peer_write(out.bytes, out.len - 1);
    close(peer);
    peer = -1;
    closes_when_broken = _i;
    for (int i = 0; i < 5; i++)
        turn();
    assert_slice(frames, "RESULT 1 last;");
    ck_assert_uint_eq(broken_count, 1);
    ck_assert_str_eq(why, "end of file");
}
END_TEST

/* ---- writing ---- */

/* All that the channel sends, and the descriptors with the read that each came with: a read may begin
 * before the byte that a descriptor is attached to, and ends with that write. */
struct received {
    struct gh_buf bytes;
    size_t fd_starts[64], fd_ends[64];
    int fds[64];
    size_t fd_count;
};

static void
receive(struct received *in, size_t len)
{
    while (in->bytes.len < len) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(8 * sizeof(int))];
        } control;
        struct iovec part = {gh_buf_reserve(&in->bytes, 4096), 4096};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        turn();
        ssize_t got = recvmsg(peer, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EAGAIN)
            continue;
        ck_assert_int_gt(got, 0);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header) {
            ck_assert_uint_eq(header->cmsg_len, CMSG_LEN(sizeof(int)));
            in->fd_starts[in->fd_count] = in->bytes.len;
            in->fd_ends[in->fd_count] = in->bytes.len + (size_t)got;
            memcpy(&in->fds[in->fd_count++], CMSG_DATA(header), sizeof(int));
        }
        in->bytes.len += (size_t)got;
    }
}

/* The INDEXth descriptor holds TEXT and came with the byte at OFFSET. */
static void
assert_fd_came(const struct received *in, size_t index, size_t offset, const char *text)
{
    ck_assert_uint_lt(index, in->fd_count);
    ck_assert_uint_le(in->fd_starts[index], offset);
    ck_assert_uint_gt(in->fd_ends[index], offset);
    assert_fd_holds(in->fds[index], text);
}

static void
received_done(struct received *in)
{
    for (size_t i = 0; i < in->fd_count; i++)
        close(in->fds[i]);
    gh_buf_done(&in->bytes);
}

START_TEST(send_queues_and_flush_writes)
{
    struct received in GH_SCOPED(received_done) = {0};
    struct iovec parts[] = {{(void *)(uintptr_t) "ab", 2}, {NULL, 0}, {(void *)(uintptr_t) "c", 1}};
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};
    char byte;

    add_frame(&wanted, GH_FRAME_CALL, 0, 5, "abc", 3);
    add_frame(&wanted, GH_FRAME_STOP, 0, 0, NULL, 0);
    gh_channel_send(&channel, GH_FRAME_CALL, 5, parts, 3, -1, false);
    gh_channel_send(&channel, GH_FRAME_STOP, 0, NULL, 0, -1, false);
    ck_assert_uint_eq(gh_channel_backlog(&channel), wanted.len);
    ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);

    gh_channel_flush(&channel);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 0);
    receive(&in, wanted.len);
    ck_assert_mem_eq(in.bytes.bytes, wanted.bytes, wanted.len);
    gh_channel_flush(&channel);
}
END_TEST

/* More than the socket takes, with descriptors in between: each comes with the first byte of its
 * frame, and nothing is lost or doubled however the writes are cut. */
START_TEST(partial_writes_keep_bytes_and_descriptors_together)
{
    struct received in GH_SCOPED(received_done) = {0};
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};
    size_t offsets[64], count = 0;
    int small = 1; /* the kernel raises it to its least */

    setsockopt(channel.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    for (unsigned i = 0; i < 60; i++) {
        size_t len = (size_t)i * 997 % 40000;
        char *body GH_SCOPED(gh_free) = gh_alloc(len);
        memset(body, (int)i, len);
        struct iovec part = {body, len};
        bool has_fd = i % 3 == 0 || i % 7 == 1;
        char text[8];
        snprintf(text, sizeof text, "%zu", count);
        if (has_fd)
            offsets[count++] = wanted.len;
        add_frame(&wanted, GH_FRAME_CALL, has_fd ? GH_FRAME_HAS_FD : 0, i, body, len);
        gh_channel_send(&channel, GH_FRAME_CALL, i, &part, 1, has_fd ? memfd_with(text) : -1,
                        false);
        if (i % 5 == 0)
            gh_channel_flush(&channel);
    }
    ck_assert_uint_gt(gh_channel_backlog(&channel), 0);
    receive(&in, wanted.len);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 0);
    ck_assert_mem_eq(in.bytes.bytes, wanted.bytes, wanted.len);
    ck_assert_uint_eq(in.fd_count, count);
    for (size_t i = 0; i < count; i++) {
        char text[8];
        snprintf(text, sizeof text, "%zu", i);
        assert_fd_came(&in, i, offsets[i], text);
    }
}
END_TEST

START_TEST(large_backlog_drains_while_frames_are_read)
{
    struct received in GH_SCOPED(received_done) = {0};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t len = 300000, total = 12 * (len + GH_FRAME_HEAD_BYTES);
    char *body GH_SCOPED(gh_free) = gh_alloc(len);
    struct iovec part = {body, len};

    for (unsigned i = 0; i < 12; i++)
        gh_channel_send(&channel, GH_FRAME_CALL, i, &part, 1, -1, false);
    gh_channel_flush(&channel);
    ck_assert_uint_gt(gh_channel_backlog(&channel), 0);
    add_frame(&out, GH_FRAME_LOG, 0, 1, "meanwhile", 9);
    peer_write(out.bytes, out.len);
    turn();
    assert_slice(frames, "LOG 1 meanwhile;");
    receive(&in, total);
    ck_assert_uint_eq(in.bytes.len, total);
}
END_TEST

START_TEST(frame_can_be_sent_from_inside_on_frame)
{
    struct received in GH_SCOPED(received_done) = {0};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};

    answers = true;
    for (unsigned i = 0; i < 100; i++) {
        add_frame(&out, GH_FRAME_RESULT, 0, i, "pong", 4);
        add_frame(&wanted, GH_FRAME_CALL, 0, i, "pong", 4);
    }
    peer_write(out.bytes, out.len);
    turn();
    gh_channel_flush(&channel);
    receive(&in, wanted.len);
    ck_assert_mem_eq(in.bytes.bytes, wanted.bytes, wanted.len);
}
END_TEST

/* While the channel holds, frames that may wait stay back and the others go; released, they follow in
 * their order with their descriptors. */
START_TEST(held_frames_follow_those_that_go_first)
{
    struct received in GH_SCOPED(received_done) = {0};
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};
    char byte;

    gh_channel_hold(&channel);
    gh_channel_send(&channel, GH_FRAME_CALL, 2, NULL, 0, -1, true);
    gh_channel_send(&channel, GH_FRAME_CALL, 3, NULL, 0, memfd_with("three"), true);
    gh_channel_flush(&channel);
    ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 2 * GH_FRAME_HEAD_BYTES);

    gh_channel_send(&channel, GH_FRAME_LOAD, 1, NULL, 0, memfd_with("one"), false);
    if (_i)
        gh_channel_flush(&channel);
    gh_channel_release(&channel);
    gh_channel_send(&channel, GH_FRAME_CALL, 4, NULL, 0, -1, true);
    ck_assert_uint_eq(gh_channel_backlog(&channel), (_i ? 3 : 4) * GH_FRAME_HEAD_BYTES);
    gh_channel_flush(&channel);

    add_frame(&wanted, GH_FRAME_LOAD, GH_FRAME_HAS_FD, 1, NULL, 0);
    add_frame(&wanted, GH_FRAME_CALL, 0, 2, NULL, 0);
    add_frame(&wanted, GH_FRAME_CALL, GH_FRAME_HAS_FD, 3, NULL, 0);
    add_frame(&wanted, GH_FRAME_CALL, 0, 4, NULL, 0);
    receive(&in, wanted.len);
    ck_assert_mem_eq(in.bytes.bytes, wanted.bytes, wanted.len);
    ck_assert_uint_eq(in.fd_count, 2);
    assert_fd_came(&in, 0, 0, "one");
    assert_fd_came(&in, 1, 2 * GH_FRAME_HEAD_BYTES, "three");
}
END_TEST

START_TEST(release_without_anything_held_does_nothing)
{
    gh_channel_release(&channel);
    gh_channel_hold(&channel);
    gh_channel_release(&channel);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 0);
}
END_TEST

/* A peer that died: what it said before is still heard, then the end; what was queued for it is
 * dropped with its descriptors, whether it was queued before or after. */
START_TEST(peer_that_left_is_heard_to_the_end)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char *body GH_SCOPED(gh_free) = gh_alloc(1000);
    struct iovec part = {body, 1000};

    add_frame(&out, GH_FRAME_RESULT, 0, 1, "last words", 10);
    peer_write(out.bytes, out.len);
    close(peer);
    peer = -1;
    gh_channel_send(&channel, GH_FRAME_CALL, 1, &part, 1, -1, false);
    gh_channel_send(&channel, GH_FRAME_CALL, 2, &part, 1, memfd_with("x"), false);
    gh_channel_flush(&channel);
    gh_channel_send(&channel, GH_FRAME_CALL, 3, NULL, 0, memfd_with("y"), false);
    gh_channel_flush(&channel);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 0);
    for (int i = 0; i < 3; i++)
        turn();
    assert_slice(frames, "RESULT 1 last words;");
    ck_assert_uint_eq(broken_count, 1);
}
END_TEST

START_TEST(descriptor_of_a_frame_that_cannot_be_sent_is_closed)
{
    unsigned before;

    close(peer);
    peer = -1;
    turn();
    ck_assert_uint_eq(broken_count, 1);
    before = count_fds();
    gh_channel_send(&channel, GH_FRAME_CALL, 1, NULL, 0, memfd_with("x"), false);
    ck_assert_uint_eq(count_fds(), before);
    ck_assert_uint_eq(gh_channel_backlog(&channel), 0);
    gh_channel_flush(&channel);
}
END_TEST

/* tear_down sees what stays open. */
START_TEST(closing_drops_what_is_queued_and_unclaimed)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    int fd = memfd_with("");

    add_frame(&out, GH_FRAME_LOG, 0, 1, NULL, 0);
    peer_write_fds(out.bytes, out.len, fd, 3);
    turn();
    gh_channel_hold(&channel);
    for (unsigned i = 0; i < 9; i++)
        gh_channel_send(&channel, GH_FRAME_CALL, i, NULL, 0, memfd_with("x"), i % 2);
    close(fd);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, frame_arrives_when_its_last_byte_does);
    tcase_add_test(tests, frames_of_one_write_arrive_in_order);
    tcase_add_loop_test(tests, frame_may_be_cut_anywhere, 1, 2 * (int)GH_FRAME_HEAD_BYTES + 11);
    tcase_add_test(tests, body_of_the_limit_arrives);
    tcase_add_loop_test(tests, descriptor_comes_with_its_frame, 1, (int)GH_FRAME_HEAD_BYTES + 4);
    tcase_add_test(tests, descriptors_keep_the_order_of_their_frames);
    tcase_add_test(tests, missing_descriptor_breaks_the_channel);
    tcase_add_loop_test(tests, unclaimed_descriptors_have_a_limit, 0, 2);
    tcase_add_test(tests, many_descriptors_in_one_message_break_the_channel);
    tcase_add_loop_test(tests, bad_frame_breaks_the_channel_after_the_good_ones, 0, 3);
    tcase_add_loop_test(tests, end_of_file_is_told_once_after_the_last_frame, 0, 2);
    tcase_add_test(tests, send_queues_and_flush_writes);
    tcase_add_test(tests, partial_writes_keep_bytes_and_descriptors_together);
    tcase_add_test(tests, large_backlog_drains_while_frames_are_read);
    tcase_add_test(tests, frame_can_be_sent_from_inside_on_frame);
    tcase_add_loop_test(tests, held_frames_follow_those_that_go_first, 0, 2);
    tcase_add_test(tests, release_without_anything_held_does_nothing);
    tcase_add_test(tests, peer_that_left_is_heard_to_the_end);
    tcase_add_test(tests, descriptor_of_a_frame_that_cannot_be_sent_is_closed);
    tcase_add_test(tests, closing_drops_what_is_queued_and_unclaimed);
}

int
main(void)
{
    return run_tests("pool_channel", add);
}
