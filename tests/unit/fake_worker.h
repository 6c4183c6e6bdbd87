/* SPDX-License-Identifier: Apache-2.0
 *
 * fake_worker.h - a worker program inside the test program itself, which starts itself again as the
 * daemon starts gatehouse-worker. What it does wrong is chosen by the name of its process (before it
 * is ready) and by the method of a call (afterwards).
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (is_fake_worker(argc, argv))
 *             return fake_worker(argc, argv);
 *         return run_tests(...);
 *     } */
#ifndef GH_TEST_FAKE_WORKER_H
#define GH_TEST_FAKE_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "modules/python/inbox.h"
#include "modules/python/outbox.h"
#include "wire/call.h"
#include "wire/le.h"

struct fake_link {
    struct gh_inbox in;
    struct gh_outbox out;
    const char *process;
    uint64_t hello_id;
};

static inline bool
is_fake_worker(int argc, char **argv)
{
    return argc > 2 && strcmp(argv[1], "--runtime") == 0;
}

static inline const char *
fake_option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return "";
}

static inline void
fake_put(struct fake_link *link, enum gh_frame_kind kind, uint64_t id, const void *head,
         size_t head_len, const void *body, size_t len, int fd)
{
    struct gh_part parts[] = {{head, head_len, false}, {body, len, false}};

    gh_outbox_put_fd(&link->out, kind, id, parts, 2, fd);
    gh_outbox_flush(&link->out, true);
}

static inline void
fake_result(struct fake_link *link, uint64_t id, unsigned status, unsigned outcome,
            const void *body, size_t len, int fd)
{
    uint8_t head[GH_RESULT_HEAD_BYTES] = {0};

    gh_store_u16(head, (uint16_t)status);
    head[2] = (uint8_t)outcome;
    fake_put(link, GH_FRAME_RESULT, id, head, sizeof head, body, len, fd);
}

static inline void
fake_ready(struct fake_link *link, int protocol)
{
    char text[200];
    int len = snprintf(text, sizeof text,
                       "{\"protocol\": %d, \"pid\": %d, \"runtime\": \"fake\", \"version\": "
                       "\"3.99\", \"executable\": \"/fake/python\"}",
                       protocol, (int)getpid());
    fake_put(link, GH_FRAME_READY, link->hello_id, NULL, 0, text, (size_t)len, -1);
}

/* The answer to HELLO, or what this process does instead. */
static inline void
fake_start(struct fake_link *link)
{
    const char *name = link->process;

    if (strcmp(name, "no_start") == 0) {
        fprintf(stderr, "cannot import name\n");
        _exit(4);
    }
    if (strcmp(name, "says_failed") == 0) {
        fake_put(link, GH_FRAME_FAILED, 0, NULL, 0, "no interpreter here", 19, -1);
        _exit(69);
    }
    if (strcmp(name, "says_failed_and_stays") == 0) {
        fake_put(link, GH_FRAME_FAILED, 0, NULL, 0, "no interpreter here", 19, -1);
        pause();
    }
    if (strcmp(name, "wrong_protocol") == 0) {
        fake_ready(link, 99);
        pause();
    }
    if (strcmp(name, "silent") != 0) /* which reads on, and is never ready */
        fake_ready(link, GH_IPC_VERSION);
}

static inline void
fake_memfd_result(struct fake_link *link, uint64_t id, const struct gh_call_head *call,
                  bool is_sealed)
{
    struct gh_part part = {call->data, call->data ? call->data_len : 0, false};
    int fd = is_sealed ? gh_parts_to_memfd(&part, 1) : memfd_create("open", MFD_CLOEXEC);
    fake_result(link, id, 200, GH_OUTCOME_OK, NULL, 0, fd);
}

static inline bool
fake_is(const struct gh_call_head *call, const char *method)
{
    return call->method.len == strlen(method) &&
           memcmp(call->method.bytes, method, call->method.len) == 0;
}

static inline void
fake_call(struct fake_link *link, uint64_t id, const struct gh_call_head *call)
{
    if (fake_is(call, "never"))
        return;
    if (fake_is(call, "kill"))
        raise(SIGKILL);
    if (fake_is(call, "exit")) {
        fprintf(stderr, "first\nlast words");
        _exit(3);
    }
    if (fake_is(call, "close")) {
        close(link->in.fd);
        pause();
    }
    if (fake_is(call, "garbage")) {
        if (write(link->in.fd, "this is no frame at all", 23) < 0)
            _exit(1);
        pause();
    }
    if (fake_is(call, "print")) {
        printf("to stdout\n");
        fprintf(stderr, "%*s\n", 3000, "to stderr");
        fflush(stdout);
    }
    if (fake_is(call, "log")) {
        gh_outbox_put_log(&link->out, id, GH_STREAM_STDOUT, "out", 3);
        gh_outbox_put_log(&link->out, id, GH_STREAM_STDERR, "err", 3);
        gh_outbox_put_log(&link->out, id + 1, GH_STREAM_STDERR, "another's", 9);
    }
    if (fake_is(call, "odd")) { /* what the daemon must not mind */
        fake_result(link, id + (1ull << 32), 200, 0, "stale", 5, -1);
        fake_result(link, UINT64_MAX, 200, 0, "unknown", 7, -1);
        fake_result(link, 0, 200, 0, "zero", 4, -1);
        fake_put(link, GH_FRAME_RESULT, id, NULL, 0, "abc", 3, -1); /* shorter than its head */
        fake_put(link, GH_FRAME_LOG, id, NULL, 0, "abc", 3, -1);
        fake_put(link, GH_FRAME_CALL, id, NULL, 0, "", 0, -1);
        fake_memfd_result(link, id, call, false);
        fake_result(link, id, 42, 0, "odd", 3, -1); /* no HTTP status */
        return;
    }
    if (fake_is(call, "raise"))
        fake_result(link, id, 500, GH_OUTCOME_RAISED, "{\"detail\":\"raised\"}", 19, -1);
    else if (fake_is(call, "env"))
        fake_result(link, id, 200, 0, getenv("RH_TOKEN") ? "leaked" : getenv("GH_TEST_MARK"), 6,
                    -1);
    else if (fake_is(call, "memfd"))
        fake_memfd_result(link, id, call, true);
    else
        fake_result(link, id, 200, GH_OUTCOME_OK, call->data ? call->data : (const void *)"null",
                    call->data ? call->data_len : 4, -1);
}

static inline void
fake_put_key(struct fake_link *link, uint64_t id, const struct gh_call_head *call)
{
    char text[300];
    int len = snprintf(text, sizeof text,
                       "{\"key\": \"%.*s\", \"address\": null, \"visibility\": \"private\", "
                       "\"type\": \"fake\", \"resource\": true}",
                       (int)call->key.len, call->key.bytes);
    fake_put(link, GH_FRAME_KEY_PUT, id, NULL, 0, text, (size_t)len, -1);
    fake_result(link, id, 200, GH_OUTCOME_OK, "null", 4, -1);
}

/* LOAD of what says "bad" is refused; everything else that has a key puts it. */
static inline void
fake_request(struct fake_link *link, const struct gh_frame *frame, const struct gh_call_head *call)
{
    if (frame->kind == GH_FRAME_CALL) {
        fake_call(link, frame->call_id, call);
    } else if (frame->kind == GH_FRAME_LOAD && call->data && strstr((char *)call->data, "bad")) {
        fake_result(link, frame->call_id, 500, GH_OUTCOME_RAISED, "{\"detail\":\"bad\"}", 16, -1);
    } else if (frame->kind == GH_FRAME_DELETE) {
        fake_put(link, GH_FRAME_KEY_GONE, frame->call_id, NULL, 0, call->key.bytes, call->key.len,
                 -1);
        fake_result(link, frame->call_id, 200, GH_OUTCOME_OK, "null", 4, -1);
    } else {
        fake_put_key(link, frame->call_id, call);
    }
}

/* ---- exchanges with apps: what one does is the last part of its path ---- */

static inline void
fake_http(struct fake_link *link, enum gh_frame_kind kind, uint64_t id, const char *bytes,
          size_t len)
{
    fake_put(link, kind, id, NULL, 0, bytes, len, -1);
}

static inline void
fake_start_answer(struct fake_link *link, uint64_t id)
{
    static const char head[] = "\xc9\0\2\0x-a\0b\0connection\0close"; /* 201 */
    fake_http(link, GH_FRAME_HTTP_START, id, head, sizeof head);
}

/* The part of the path behind the last slash; the path is the sixth text. */
static inline const char *
fake_app_of(const struct gh_frame *frame)
{
    const char *text = (const char *)frame->body + 4;

    for (int i = 0; i < 5; i++)
        text += strlen(text) + 1;
    return strrchr(text, '/') + 1;
}

static inline void
fake_app(struct fake_link *link, const struct gh_frame *frame)
{
    static const char odd_head[] = "\xc8\0\1\0a\0x\ny: z"; /* 200, and a line end in a header */
    const char *name = fake_app_of(frame);
    uint64_t id = frame->call_id;

    if (strcmp(name, "die") == 0)
        _exit(9);
    if (strcmp(name, "result") == 0)
        fake_result(link, id, 500, GH_OUTCOME_RAISED, "{}", 2, -1);
    if (strcmp(name, "wait") == 0 || strcmp(name, "result") == 0)
        return;
    if (strcmp(name, "odd") == 0)
        fake_http(link, GH_FRAME_HTTP_START, id, odd_head, sizeof odd_head);
    else if (strcmp(name, "silent") != 0)
        fake_start_answer(link, id);
    fake_http(link, GH_FRAME_HTTP_DATA, id, "hello", 5);
    if (strcmp(name, "twice") == 0)
        fake_start_answer(link, id);
    if (strcmp(name, "die_late") == 0)
        _exit(9);
    if (strcmp(name, "flood") != 0)
        fake_http(link, GH_FRAME_HTTP_END, id, strcmp(name, "broken") == 0 ? "\1" : "\0", 1);
    fake_http(link, GH_FRAME_HTTP_END, id + (1ull << 32), "\0", 1); /* must not be minded */
}

/* Of a body: all is read at once, and the last piece is answered by the number of bytes. */
static inline void
fake_app_more(struct fake_link *link, const struct gh_frame *frame)
{
    static uint32_t total;
    uint8_t count[4];
    char text[24];

    if (frame->kind == GH_FRAME_HTTP_GONE) {
        fake_http(link, GH_FRAME_HTTP_END, frame->call_id, "\1", 1);
    } else if (frame->kind == GH_FRAME_HTTP_SENT) {
        int len = snprintf(text, sizeof text, "sent %u", gh_load_u32(frame->body));
        fake_http(link, GH_FRAME_HTTP_DATA, frame->call_id, text, (size_t)len);
        fake_http(link, GH_FRAME_HTTP_END, frame->call_id, "\0", 1);
    } else if (frame->body[0] == 0) {
        total += frame->body_len - 1;
        gh_store_u32(count, frame->body_len - 1);
        fake_http(link, GH_FRAME_HTTP_READ, frame->call_id, (char *)count, sizeof count);
    } else {
        int len = snprintf(text, sizeof text, "%u", total);
        fake_start_answer(link, frame->call_id);
        fake_http(link, GH_FRAME_HTTP_DATA, frame->call_id, text, (size_t)len);
        fake_http(link, GH_FRAME_HTTP_END, frame->call_id, "\0", 1);
        total = 0;
    }
}

static inline int
fake_worker(int argc, char **argv)
{
    static struct fake_link link;
    int fd = atoi(fake_option(argc, argv, "--fd"));

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    link.process = fake_option(argc, argv, "--process");
    gh_inbox_init(&link.in, fd);
    gh_outbox_init(&link.out, fd);
    while (gh_inbox_read(&link.in, true) == GH_INBOX_OK) {
        struct gh_frame frame;
        struct gh_call_head call;
        int body_fd;

        while (gh_inbox_next(&link.in, &frame, &body_fd) == GH_INBOX_OK) {
            if (frame.kind == GH_FRAME_STOP && strcmp(link.process, "stubborn") != 0)
                _exit(0);
            if (frame.kind == GH_FRAME_STOP)
                continue;
            if (frame.kind == GH_FRAME_HTTP_REQUEST) {
                fake_app(&link, &frame);
                continue;
            }
            if (frame.kind > GH_FRAME_HTTP_REQUEST) {
                fake_app_more(&link, &frame);
                continue;
            }
            if (gh_call_decode(frame.body, frame.body_len, body_fd >= 0, &call) != 0)
                _exit(5);
            if (frame.kind == GH_FRAME_HELLO) {
                link.hello_id = frame.call_id;
                fake_start(&link);
            } else {
                fake_request(&link, &frame, &call);
            }
            if (body_fd >= 0)
                close(body_fd);
        }
    }
    _exit(0);
}

#endif
