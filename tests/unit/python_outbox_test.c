/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "modules/python/inbox.h"
#include "tests/unit/suite.h"
#include "wire/call.h"
#include "wire/le.h"

/* The daemon's end is read by an inbox, whose own tests stand beside these. */
static struct gh_outbox out;
static struct gh_inbox in;
static int sockets[2];
static unsigned fds_before;

static void
set_up(void)
{
    fds_before = count_fds();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    gh_outbox_init(&out, sockets[0]);
    gh_inbox_init(&in, sockets[1]);
}

static void
buffer_done(struct gh_outbuf *buffer, size_t fds_gone)
{
    for (size_t i = fds_gone; i < buffer->fd_count; i++)
        close(buffer->fds[i].fd);
    free(buffer->bytes);
    free(buffer->fds);
}

static void
tear_down(void)
{
    buffer_done(&out.fill, 0);
    buffer_done(&out.drain, out.drain_fds_sent);
    pthread_mutex_destroy(&out.lock);
    pthread_cond_destroy(&out.room);
    close(sockets[0]);
    if (sockets[1] >= 0)
        close(sockets[1]);
    for (size_t i = in.fd_start; i < in.fd_end; i++)
        close(in.fds[i]);
    free(in.bytes);
    free(in.fds);
    ck_assert_uint_eq(count_fds(), fds_before);
}

static enum gh_outbox_status
put(uint64_t id, const void *body, size_t len)
{
    struct gh_part part = {body, len, false};
    return gh_outbox_put(&out, GH_FRAME_RESULT, id, &part, 1);
}

static enum gh_outbox_status
put_log(uint64_t id, unsigned stream, const char *text)
{
    return gh_outbox_put_log(&out, id, stream, text, strlen(text));
}

/* The next frame that the daemon gets. */
static struct gh_frame
next_frame(int *fd_out)
{
    struct gh_frame frame;

    while (!gh_inbox_has_frame(&in))
        ck_assert_int_eq(gh_inbox_read(&in, true), GH_INBOX_OK);
    ck_assert_int_eq(gh_inbox_next(&in, &frame, fd_out), GH_INBOX_OK);
    return frame;
}

static void
assert_next(enum gh_frame_kind kind, uint64_t id, const char *body)
{
    int fd;
    struct gh_frame frame = next_frame(&fd);

    ck_assert_int_eq(frame.kind, kind);
    ck_assert_uint_eq(frame.call_id, id);
    assert_bytes(frame.body, frame.body_len, body);
    ck_assert_int_eq(fd, -1);
}

static void
assert_next_log(uint64_t id, unsigned stream, const char *text)
{
    int fd;
    struct gh_frame frame = next_frame(&fd);

    ck_assert_int_eq(frame.kind, GH_FRAME_LOG);
    ck_assert_uint_eq(frame.call_id, id);
    ck_assert_uint_ge(frame.body_len, GH_LOG_HEAD_BYTES);
    ck_assert_uint_eq(gh_load_u32(frame.body), stream); /* the other three bytes are zero */
    assert_bytes(frame.body + GH_LOG_HEAD_BYTES, frame.body_len - GH_LOG_HEAD_BYTES, text);
}

START_TEST(frames_are_sent_in_order_when_flushed)
{
    struct gh_part parts[] = {{"a", 1, false}, {"abc", 3, true}};
    char byte;

    ck_assert(!gh_outbox_has_unsent(&out));
    ck_assert_int_eq(gh_outbox_put(&out, GH_FRAME_RESULT, 1, parts, 2), GH_OUTBOX_OK);
    ck_assert_int_eq(put(2, "two", 3), GH_OUTBOX_OK);
    ck_assert_int_eq(gh_outbox_put(&out, GH_FRAME_KEY_GONE, 3, NULL, 0), GH_OUTBOX_OK);
    ck_assert(gh_outbox_has_unsent(&out));
    ck_assert_int_eq(recv(sockets[1], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(gh_outbox_flush(&out, _i), GH_OUTBOX_OK);
    ck_assert(!gh_outbox_has_unsent(&out));
    assert_next(GH_FRAME_RESULT, 1, "a\"YWJj\\n\"");
    assert_next(GH_FRAME_RESULT, 2, "two");
    assert_next(GH_FRAME_KEY_GONE, 3, "");
    ck_assert_int_eq(gh_outbox_flush(&out, _i), GH_OUTBOX_OK);
}
END_TEST

START_TEST(descriptors_go_with_their_frames)
{
    struct gh_part part = {"x", 1, false};

    for (unsigned i = 0; i < 40; i++) {
        int fd = memfd_create("test", MFD_CLOEXEC);
        ck_assert_int_eq(write(fd, &i, sizeof i), sizeof i);
        ck_assert_int_eq(gh_outbox_put_fd(&out, GH_FRAME_RESULT, i, &part, 1, fd), GH_OUTBOX_OK);
        if (i % 3 == 0)
            ck_assert_int_eq(put(1000, "plain", 5), GH_OUTBOX_OK);
    }
    ck_assert_int_eq(gh_outbox_flush(&out, true), GH_OUTBOX_OK);
    for (unsigned i = 0; i < 40; i++) {
        unsigned content = 99;
        int fd = -1;
        struct gh_frame frame = next_frame(&fd);
        ck_assert_uint_eq(frame.call_id, i);
        ck_assert_int_eq(pread(fd, &content, sizeof content, 0), sizeof content);
        ck_assert_uint_eq(content, i);
        close(fd);
        if (i % 3 == 0)
            assert_next(GH_FRAME_RESULT, 1000, "plain");
    }
}
END_TEST

/* ---- logs ---- */

START_TEST(log_text_joins_the_frame_before_it)
{
    put_log(1, GH_STREAM_STDOUT, "a");
    put_log(1, GH_STREAM_STDOUT, "b\n");
    put_log(1, GH_STREAM_STDOUT, "c");
    put_log(1, GH_STREAM_STDERR, "another stream");
    put_log(2, GH_STREAM_STDERR, "another call");
    put_log(1, GH_STREAM_STDOUT, "d");
    put(1, "result", 6);
    put_log(1, GH_STREAM_STDOUT, "late");
    gh_outbox_flush(&out, true);
    put_log(1, GH_STREAM_STDOUT, "after a flush");
    gh_outbox_flush(&out, true);
    assert_next_log(1, GH_STREAM_STDOUT, "ab\nc");
    assert_next_log(1, GH_STREAM_STDERR, "another stream");
    assert_next_log(2, GH_STREAM_STDERR, "another call");
    assert_next_log(1, GH_STREAM_STDOUT, "d");
    assert_next(GH_FRAME_RESULT, 1, "result");
    assert_next_log(1, GH_STREAM_STDOUT, "late");
    assert_next_log(1, GH_STREAM_STDOUT, "after a flush");
}
END_TEST

/* Joined frames stay within the limit, and the text is whole, also when the buffer moves. */
START_TEST(joined_log_frames_have_a_limit)
{
    char *text GH_SCOPED(gh_free) = gh_alloc(1000);
    size_t got = 0, total = 300 * 999;

    memset(text, 'x', 999);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(put_log(1, GH_STREAM_STDOUT, text), GH_OUTBOX_OK);
    gh_outbox_flush(&out, false);
    while (got < total) {
        int fd;
        gh_outbox_flush(&out, false);
        struct gh_frame frame = next_frame(&fd);
        ck_assert_uint_le(frame.body_len, GH_LOG_TEXT_MAX_BYTES);
        for (size_t i = GH_LOG_HEAD_BYTES; i < frame.body_len; i++)
            if (frame.body[i] != 'x') /* no assertion: Check writes each to a file */
                ck_abort_msg("a byte %u among the text", frame.body[i]);
        got += frame.body_len - GH_LOG_HEAD_BYTES;
    }
    ck_assert_uint_eq(got, total);
}
END_TEST

START_TEST(longest_log_text_is_taken)
{
    char *text GH_SCOPED(gh_free) = gh_alloc(GH_LOG_TEXT_MAX_BYTES + 1);

    memset(text, 'y', GH_LOG_TEXT_MAX_BYTES);
    ck_assert_int_eq(put_log(1, GH_STREAM_STDOUT, text), GH_OUTBOX_OK);
    ck_assert_int_eq(put_log(1, GH_STREAM_STDOUT, "more"), GH_OUTBOX_OK);
    gh_outbox_flush(&out, true);
    assert_next_log(1, GH_STREAM_STDOUT, text);
    assert_next_log(1, GH_STREAM_STDOUT, "more");
}
END_TEST

START_TEST(empty_log_text_is_harmless)
{
    gh_outbox_put_log(&out, 1, GH_STREAM_STDOUT, "", 0);
    put_log(1, GH_STREAM_STDOUT, "x");
    gh_outbox_flush(&out, true);
    assert_next_log(1, GH_STREAM_STDOUT, "x");
}
END_TEST

/* ---- back-pressure ---- */

/* Nobody reads: the outbox takes frames up to its limit and then no more, nor a descriptor. */
static unsigned
fill_up(void)
{
    static char body[100000];
    unsigned count = 0;

    while (put(count, body, sizeof body) == GH_OUTBOX_OK) {
        count++;
        gh_outbox_flush(&out, false);
    }
    ck_assert_uint_ge(count, GH_OUTBOX_LIMIT_BYTES / sizeof body);
    ck_assert_uint_le(count, 4 * GH_OUTBOX_LIMIT_BYTES / sizeof body);
    return count;
}

START_TEST(full_outbox_takes_nothing)
{
    fill_up();
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_eq(put(1, "x", 1), GH_OUTBOX_FULL);
    ck_assert_int_eq(put_log(1, GH_STREAM_STDOUT, "x"), GH_OUTBOX_FULL);
    ck_assert_int_eq(gh_outbox_put_fd(&out, GH_FRAME_RESULT, 1, NULL, 0, fd), GH_OUTBOX_FULL);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC); /* still the caller's */
    close(fd);
    ck_assert_int_eq(gh_outbox_flush(&out, false), GH_OUTBOX_UNSENT);
    ck_assert(gh_outbox_has_unsent(&out));
}
END_TEST

static void *
read_frames(void *data)
{
    unsigned count = *(unsigned *)data;

    for (unsigned i = 0; i < count; i++) {
        struct gh_frame frame;
        int fd;
        while (!gh_inbox_has_frame(&in))
            if (gh_inbox_read(&in, true) != GH_INBOX_OK)
                return NULL;
        if (gh_inbox_next(&in, &frame, &fd) != GH_INBOX_OK || frame.call_id != i)
            return NULL;
    }
    return data;
}

START_TEST(waiting_for_room_ends_when_the_daemon_reads)
{
    unsigned count = fill_up();
    pthread_t reader;
    void *result;

    ck_assert_int_eq(pthread_create(&reader, NULL, read_frames, &count), 0);
    ck_assert_int_eq(gh_outbox_wait_room(&out), GH_OUTBOX_OK);
    ck_assert_int_eq(put(count, "x", 1), GH_OUTBOX_OK);
    ck_assert_int_eq(gh_outbox_flush(&out, true), GH_OUTBOX_OK);
    pthread_join(reader, &result);
    ck_assert_ptr_eq(result, &count);
    assert_next(GH_FRAME_RESULT, count, "x");
}
END_TEST

#define WRITERS 4u
#define FRAMES_EACH 500u

static void *
write_frames(void *data)
{
    uint64_t writer = *(uint64_t *)data;
    char body[500];

    memset(body, (int)writer, sizeof body);
    for (uint64_t i = 0; i < FRAMES_EACH; i++) {
        struct gh_part part = {body, (size_t)i % sizeof body, false};
        enum gh_outbox_status status;
        while ((status = gh_outbox_put(&out, GH_FRAME_RESULT, writer << 32 | i, &part, 1)) ==
               GH_OUTBOX_FULL)
            gh_outbox_wait_room(&out);
        if (status != GH_OUTBOX_OK || gh_outbox_flush(&out, i % 7 == 0) == GH_OUTBOX_CLOSED)
            return NULL;
    }
    return gh_outbox_flush(&out, true) == GH_OUTBOX_OK ? data : NULL;
}

START_TEST(threads_do_not_mix_their_frames)
{
    uint64_t names[WRITERS], seen[WRITERS] = {0};
    pthread_t threads[WRITERS];

    for (uint64_t i = 0; i < WRITERS; i++) {
        names[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_frames, &names[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS * FRAMES_EACH; i++) {
        int fd;
        struct gh_frame frame = next_frame(&fd);
        uint64_t writer = frame.call_id >> 32;
        ck_assert_uint_lt(writer, WRITERS);
        ck_assert_uint_eq((uint32_t)frame.call_id, seen[writer]);
        ck_assert_uint_eq(frame.body_len, seen[writer] % 500);
        for (size_t k = 0; k < frame.body_len; k++)
            if (frame.body[k] != writer) /* no assertion: Check writes each to a file */
                ck_abort_msg("a byte of writer %u among those of %u", frame.body[k],
                             (unsigned)writer);
        seen[writer]++;
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, &names[i]);
    }
}
END_TEST

/* ---- ends ---- */

START_TEST(closed_peer_is_found_out)
{
    close(sockets[1]);
    sockets[1] = -1;
    ck_assert_int_eq(put(1, "x", 1), GH_OUTBOX_OK);
    ck_assert_int_eq(gh_outbox_flush(&out, _i), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(gh_outbox_flush(&out, _i), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(gh_outbox_wait_room(&out), GH_OUTBOX_CLOSED);
}
END_TEST

START_TEST(forked_child_swallows_what_is_put_in)
{
    struct gh_part part = {"x", 1, false};

    put(1, "parent's", 8);
    gh_outbox_before_fork(&out);
    gh_outbox_after_fork(&out, true); /* as the child does */
    ck_assert_int_eq(put(2, "x", 1), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(put_log(2, GH_STREAM_STDOUT, "x"), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(gh_outbox_put_fd(&out, GH_FRAME_RESULT, 1, &part, 1, -1), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(gh_outbox_flush(&out, true), GH_OUTBOX_CLOSED);
    ck_assert_int_eq(gh_outbox_wait_room(&out), GH_OUTBOX_CLOSED);

    out.fd = sockets[0];
    gh_outbox_before_fork(&out);
    gh_outbox_after_fork(&out, false); /* and as the parent does */
    ck_assert_int_eq(gh_outbox_flush(&out, true), GH_OUTBOX_OK);
    assert_next(GH_FRAME_RESULT, 1, "parent's");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, frames_are_sent_in_order_when_flushed, 0, 2);
    tcase_add_test(tests, descriptors_go_with_their_frames);
    tcase_add_test(tests, log_text_joins_the_frame_before_it);
    tcase_add_test(tests, joined_log_frames_have_a_limit);
    tcase_add_test(tests, longest_log_text_is_taken);
    tcase_add_test(tests, empty_log_text_is_harmless);
    tcase_add_test(tests, full_outbox_takes_nothing);
    tcase_add_test(tests, waiting_for_room_ends_when_the_daemon_reads);
    tcase_add_test(tests, threads_do_not_mix_their_frames);
    tcase_add_loop_test(tests, closed_peer_is_found_out, 0, 2);
    tcase_add_test(tests, forked_child_swallows_what_is_put_in);
}

int
main(void)
{
    return run_tests("python_outbox", add);
}
