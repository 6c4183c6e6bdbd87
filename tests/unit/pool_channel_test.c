/* SPDX-License-Identifier: Apache-2.0
 *
 * pool/channel.h: what it reads. */
#include "tests/unit/channel_rig.h"

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

/* A descriptor ends a read of the socket early; the rest is read all the same. */
START_TEST(rest_of_a_dead_peer_is_read_at_once)
{
    struct gh_buf first GH_SCOPED(gh_buf_done) = {0}, second GH_SCOPED(gh_buf_done) = {0};
    int fd = memfd_create("rest", MFD_CLOEXEC);

    add_frame(&first, GH_FRAME_LOG, 0, 1, "said", 4);
    add_frame(&second, GH_FRAME_RESULT, GH_FRAME_HAS_FD, 1, "big", 3);
    peer_write(first.bytes, first.len);
    peer_write_fds(second.bytes, second.len, fd, 1);
    close(fd);
    gh_channel_read_rest(&channel);
    assert_slice(frames, "LOG 1 said;RESULT 1 big;");
    ck_assert_uint_eq(got_fd_count, 1);
    ck_assert_uint_eq(broken_count, 0);

    peer_write(first.bytes, first.len);
    close(peer);
    peer = -1;
    gh_channel_read_rest(&channel);
    gh_channel_read_rest(&channel);
    assert_slice(frames, "LOG 1 said;RESULT 1 big;LOG 1 said;");
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
    tcase_add_test(tests, rest_of_a_dead_peer_is_read_at_once);
    tcase_add_loop_test(tests, end_of_file_is_told_once_after_the_last_frame, 0, 2);
}

int
main(void)
{
    return run_tests("pool_channel", add);
}
