/* SPDX-License-Identifier: Apache-2.0
 *
 * echo.c - the runtime "echo": answers each call with its data. For tests of the daemon and to
 * measure the IPC alone; it has no interpreter and one thread.
 *
 * Methods that do something else:
 *     sleep   answers after as many milliseconds as the data says, and stalls all else meanwhile
 *     crash   aborts        exit   exits with the status in the data
 *     log     sends the data as a LOG frame too
 *     never   gives no answer */
#include "modules/python/inbox.h"
#include "modules/python/outbox.h"
#include "modules/runtime.h"
#include "wire/call.h"
#include "wire/le.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct echo {
    struct gh_inbox in;
    struct gh_outbox out;
    const struct gh_runtime_options *options;
};

static void
put(struct echo *echo, enum gh_frame_kind kind, uint64_t call_id, const struct gh_part *parts,
    size_t count, int fd)
{
    while (gh_outbox_put_fd(&echo->out, kind, call_id, parts, count, fd) == GH_OUTBOX_FULL)
        gh_outbox_wait_room(&echo->out);
}

static void
put_text(struct echo *echo, enum gh_frame_kind kind, uint64_t call_id, const char *text)
{
    struct gh_part part = {text, strlen(text), false};

    put(echo, kind, call_id, &part, 1, -1);
}

static void
put_result(struct echo *echo, uint64_t call_id, const void *bytes, size_t len, int fd)
{
    uint8_t head[GH_RESULT_HEAD_BYTES] = {0};

    gh_store_u16(head, 200);
    struct gh_part parts[] = {{head, sizeof head, false}, {bytes, len, false}};
    put(echo, GH_FRAME_RESULT, call_id, parts, 2, fd);
}

static void
put_ready(struct echo *echo, uint64_t call_id)
{
    char text[256];

    snprintf(text, sizeof text,
             "{\"protocol\": %d, \"pid\": %ld, \"runtime\": \"echo\", \"version\": \"1\", "
             "\"executable\": \"\"}",
             GH_IPC_VERSION, (long)getpid());
    put_text(echo, GH_FRAME_READY, call_id, text);
}

/* The slice of FD as a new memfd, or FD itself when the slice is all of it. Takes FD. */
static int
slice_of(int fd, uint64_t offset, uint64_t len)
{
    if (offset == 0 && lseek(fd, 0, SEEK_END) == (off_t)len)
        return fd;

    uint8_t *bytes = malloc(len);
    size_t got = 0;
    while (bytes && got < len) {
        ssize_t n = pread(fd, bytes + got, len - got, (off_t)(offset + got));
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    struct gh_part part = {bytes, got, false};
    int slice_fd = bytes ? gh_parts_to_memfd(&part, 1) : -1;
    free(bytes);
    close(fd);
    return slice_fd;
}

static long
number_of(const struct gh_call_head *call)
{
    char text[32] = "";

    if (call->data && call->data_len < sizeof text)
        memcpy(text, call->data, call->data_len);
    return strtol(text, NULL, 10);
}

static bool
method_is(const struct gh_call_head *call, const char *name)
{
    return call->method.len == strlen(name) &&
           memcmp(call->method.bytes, name, call->method.len) == 0;
}

static void
on_call(struct echo *echo, uint64_t call_id, const struct gh_call_head *call, int fd)
{
    if (method_is(call, "crash"))
        abort();
    if (method_is(call, "exit"))
        _exit((int)number_of(call));
    if (method_is(call, "never"))
        return;
    if (method_is(call, "sleep")) {
        gh_outbox_flush(&echo->out, true);
        usleep((useconds_t)(number_of(call) * 1000));
    }
    if (method_is(call, "log") && call->data)
        gh_outbox_put_log(&echo->out, call_id, GH_STREAM_STDOUT, (const char *)call->data,
                          call->data_len);

    if (fd >= 0)
        put_result(echo, call_id, NULL, 0, slice_of(fd, call->data_offset, call->data_len));
    else if (call->data)
        put_result(echo, call_id, call->data, call->data_len, -1);
    else
        put_result(echo, call_id, "null", 4, -1);
}

static void
on_put(struct echo *echo, uint64_t call_id, const struct gh_call_head *call)
{
    char text[512];
    bool is_plain = call->key.len && call->key.len < 256 &&
                    !memchr(call->key.bytes, '"', call->key.len) &&
                    !memchr(call->key.bytes, '\\', call->key.len);
    int len = is_plain ? (int)call->key.len : 4;

    snprintf(text, sizeof text,
             "{\"key\": \"%.*s\", \"address\": null, \"visibility\": null, \"type\": \"echo\", "
             "\"resource\": false}",
             len, is_plain ? call->key.bytes : "echo");
    put_text(echo, GH_FRAME_KEY_PUT, 0, text);
    put_result(echo, call_id, "null", 4, -1);
}

static void
on_delete(struct echo *echo, uint64_t call_id, const struct gh_call_head *call)
{
    struct gh_part key = {call->key.bytes, call->key.len, false};

    put(echo, GH_FRAME_KEY_GONE, 0, &key, 1, -1);
    put_result(echo, call_id, "null", 4, -1);
}

/* False: leave, with *exit_code set. */
static bool
on_frame(struct echo *echo, const struct gh_frame *frame, int fd, int *exit_code)
{
    struct gh_call_head call;

    *exit_code = GH_WORKER_EXIT_OK;
    if (frame->kind == GH_FRAME_STOP)
        return false;
    if (frame->kind == GH_FRAME_CANCEL)
        return true;
    if (gh_call_decode(frame->body, frame->body_len, fd >= 0, &call) < 0 ||
        frame->kind >= GH_FRAME_READY) {
        put_text(echo, GH_FRAME_FAILED, 0, "a request from the daemon could not be decoded");
        *exit_code = GH_WORKER_EXIT_SOFTWARE;
        return false;
    }

    if (frame->kind == GH_FRAME_CALL) {
        on_call(echo, frame->call_id, &call, fd);
        return true;
    }
    if (frame->kind == GH_FRAME_HELLO)
        put_ready(echo, frame->call_id);
    else if (frame->kind == GH_FRAME_PUT_RESOURCE || frame->kind == GH_FRAME_PUT_OBJECT ||
             frame->kind == GH_FRAME_LOAD)
        on_put(echo, frame->call_id, &call);
    else if (frame->kind == GH_FRAME_DELETE)
        on_delete(echo, frame->call_id, &call);
    else
        put_result(echo, frame->call_id, "null", 4, -1);
    if (fd >= 0)
        close(fd);
    return true;
}

static int
run(const struct gh_runtime_options *options)
{
    static struct echo echo;
    enum gh_inbox_status status = GH_INBOX_OK;
    int exit_code;

    fcntl(options->fd, F_SETFD, FD_CLOEXEC);
    gh_inbox_init(&echo.in, options->fd);
    gh_outbox_init(&echo.out, options->fd);
    while (status == GH_INBOX_OK) {
        struct gh_frame frame;
        int fd;

        while ((status = gh_inbox_next(&echo.in, &frame, &fd)) == GH_INBOX_OK) {
            if (!on_frame(&echo, &frame, fd, &exit_code)) {
                gh_outbox_flush(&echo.out, true);
                return exit_code;
            }
        }
        if (status == GH_INBOX_BROKEN)
            return GH_WORKER_EXIT_SOFTWARE;
        if (gh_outbox_flush(&echo.out, true) == GH_OUTBOX_CLOSED)
            return GH_WORKER_EXIT_OK;
        status = gh_inbox_read(&echo.in, true);
    }
    return status == GH_INBOX_EOF ? GH_WORKER_EXIT_OK : GH_WORKER_EXIT_SOFTWARE;
}

const struct gh_runtime *
gh_runtime_v1(void)
{
    static const struct gh_runtime runtime = {GH_RUNTIME_VERSION, "echo", run};

    return &runtime;
}
