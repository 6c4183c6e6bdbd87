/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/channel.h: what it writes. */
#include "tests/unit/channel_rig.h"

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
    return run_tests("pool_channel_send", add);
}
