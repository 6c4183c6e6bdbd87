/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/inbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

static struct gh_inbox in;
static int peer;
static unsigned fds_before;

static void
set_up(void)
{
    int ends[2];

    fds_before = count_fds();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    peer = ends[1];
    gh_inbox_init(&in, ends[0]);
}

/* An inbox lives as long as its process; here its parts are let go by hand. */
static void
tear_down(void)
{
    for (size_t i = in.fd_start; i < in.fd_end; i++)
        close(in.fds[i]);
    close(in.fd);
    if (peer >= 0)
        close(peer);
    free(in.bytes);
    free(in.fds);
    ck_assert_uint_eq(count_fds(), fds_before);
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

static void
peer_write_fd(const void *bytes, size_t len, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)bytes, len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(peer, &message, MSG_NOSIGNAL), (ssize_t)len);
}

static void
assert_next(enum gh_frame_kind kind, uint64_t id, const char *body)
{
    struct gh_frame frame;
    int fd = 99;

    ck_assert(gh_inbox_has_frame(&in));
    ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_OK);
    ck_assert_int_eq(frame.kind, kind);
    ck_assert_uint_eq(frame.call_id, id);
    assert_bytes(frame.body, frame.body_len, body);
    ck_assert_int_eq(fd, -1);
}

static void
assert_none(void)
{
    struct gh_frame frame;
    int fd;

    ck_assert(!gh_inbox_has_frame(&in));
    ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_MORE);
}

START_TEST(frame_is_there_when_its_last_byte_is)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_CALL, 0, 7, "abc", 3);
    assert_none();
    for (size_t i = 0; i < out.len; i++) {
        assert_none();
        ck_assert_int_eq(gh_inbox_read(&in, false), GH_INBOX_MORE);
        peer_write(out.bytes + i, 1);
        ck_assert_int_eq(gh_inbox_read(&in, i % 2), GH_INBOX_OK);
    }
    assert_next(GH_FRAME_CALL, 7, "abc");
    assert_none();
}
END_TEST

START_TEST(many_frames_come_with_one_read)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    for (unsigned i = 0; i < 1000; i++)
        add_frame(&out, GH_FRAME_CALL, 0, i, "text", 4);
    peer_write(out.bytes, out.len);
    ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
    for (unsigned i = 0; i < 1000; i++)
        assert_next(GH_FRAME_CALL, i, "text");
    assert_none();
}
END_TEST

/* More than the first buffer: frames of all sizes up to the limit, read as they fit. */
START_TEST(large_frames_make_room_for_themselves)
{
    static const size_t sizes[] = {200000, 1, 300000, GH_FRAME_BODY_MAX_BYTES, 7, 500000};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        char *body GH_SCOPED(gh_free) = gh_alloc(sizes[i]);
        struct gh_frame frame;
        size_t sent = 0;
        int fd;

        memset(body, (int)i + 1, sizes[i]);
        add_frame(&out, GH_FRAME_CALL, 0, i, body, sizes[i]);
        while (!gh_inbox_has_frame(&in)) {
            ssize_t n =
                sent < out.len ? send(peer, out.bytes + sent, out.len - sent, MSG_DONTWAIT) : 0;
            sent += n > 0 ? (size_t)n : 0;
            ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
        }
        ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_OK);
        ck_assert_uint_eq(frame.body_len, sizes[i]);
        ck_assert_mem_eq(frame.body, body, sizes[i]);
    }
    assert_none();
}
END_TEST

START_TEST(descriptors_come_with_their_frames)
{
    struct gh_frame frame;

    for (unsigned i = 0; i < 30; i++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        int fd = memfd_create("test", MFD_CLOEXEC);
        ck_assert_int_eq(write(fd, &i, sizeof i), sizeof i);
        add_frame(&out, GH_FRAME_CALL, GH_FRAME_HAS_FD, i, "x", 1);
        if (i % 2) { /* the descriptor goes with the first byte, whatever is cut off */
            peer_write_fd(out.bytes, 1, fd);
            peer_write(out.bytes + 1, out.len - 1);
        } else {
            peer_write_fd(out.bytes, out.len, fd);
        }
        close(fd);
        out.len = 0;
        add_frame(&out, GH_FRAME_CANCEL, 0, i, NULL, 0);
        peer_write(out.bytes, out.len);
    }
    for (unsigned i = 0; i < 30; i++) {
        unsigned content = 99;
        int fd;
        while (!gh_inbox_has_frame(&in))
            ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
        ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_OK);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(pread(fd, &content, sizeof content, 0), sizeof content);
        ck_assert_uint_eq(content, i);
        close(fd);
        while (!gh_inbox_has_frame(&in))
            ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
        assert_next(GH_FRAME_CANCEL, i, "");
    }
}
END_TEST

START_TEST(missing_descriptor_is_a_broken_peer)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_frame frame;
    int fd;

    add_frame(&out, GH_FRAME_CALL, GH_FRAME_HAS_FD, 1, "x", 1);
    peer_write(out.bytes, out.len);
    ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
    ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_BROKEN);
}
END_TEST

START_TEST(bad_frame_is_a_broken_peer_after_the_good_ones)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_frame frame;
    int fd;

    add_frame(&out, GH_FRAME_CALL, 0, 1, "x", 1);
    add_frame(&out, (enum gh_frame_kind)99, 0, 1, "x", 1);
    peer_write(out.bytes, out.len);
    ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
    assert_next(GH_FRAME_CALL, 1, "x");
    ck_assert(gh_inbox_has_frame(&in));
    ck_assert_int_eq(gh_inbox_next(&in, &frame, &fd), GH_INBOX_BROKEN);
}
END_TEST

START_TEST(end_of_file_comes_after_what_was_sent)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    add_frame(&out, GH_FRAME_CALL, 0, 1, "last", 4);
    peer_write(out.bytes, out.len);
    close(peer);
    peer = -1;
    ck_assert_int_eq(gh_inbox_read(&in, _i), GH_INBOX_OK);
    assert_next(GH_FRAME_CALL, 1, "last");
    ck_assert_int_eq(gh_inbox_read(&in, _i), GH_INBOX_EOF);
    ck_assert_int_eq(gh_inbox_read(&in, _i), GH_INBOX_EOF);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, frame_is_there_when_its_last_byte_is);
    tcase_add_test(tests, many_frames_come_with_one_read);
    tcase_add_test(tests, large_frames_make_room_for_themselves);
    tcase_add_test(tests, descriptors_come_with_their_frames);
    tcase_add_test(tests, missing_descriptor_is_a_broken_peer);
    tcase_add_test(tests, bad_frame_is_a_broken_peer_after_the_good_ones);
    tcase_add_loop_test(tests, end_of_file_comes_after_what_was_sent, 0, 2);
}

int
main(void)
{
    return run_tests("python_inbox", add);
}
