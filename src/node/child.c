/* SPDX-License-Identifier: Apache-2.0 */
#include "node/child.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/environment.h"

#define READ_BYTES 16384u
#define OUTPUT_COUNT 2u
#define DRAIN_READS_MAX                                                                            \
    256u /* more than a socket's buffer holds; a grandchild may write for ever */

struct output {
    struct gh_child *child;
    uv_pipe_t pipe;
    struct gh_buf line; /* not ended yet */
    char room[READ_BYTES];
};

struct gh_child {
    const struct gh_child_events *events;
    void *owner;
    uv_process_t process;
    struct output outputs[OUTPUT_COUNT];
    size_t line_max_bytes;
    unsigned open_handles;
    bool is_exited;
};

static void
on_handle_closed(uv_handle_t *handle)
{
    struct gh_child *child = handle->data;

    if (--child->open_handles > 0)
        return;
    for (unsigned i = 0; i < OUTPUT_COUNT; i++)
        gh_buf_done(&child->outputs[i].line);
    free(child);
}

static void
close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void
end_line(struct output *output)
{
    struct gh_child *child = output->child;

    if (output->line.len > 0)
        child->events->on_line(child->owner, gh_buf_text(&output->line), output->line.len);
    output->line.len = 0;
}

static void
take_bytes(struct output *output, const char *bytes, size_t len)
{
    size_t max = output->child->line_max_bytes;

    while (len > 0) {
        size_t part = 0;
        while (part < len && bytes[part] != '\n' && bytes[part] != '\r')
            part++;
        size_t room = max - output->line.len;
        gh_buf_add(&output->line, bytes, part < room ? part : room);
        if (part < len) {
            end_line(output);
            part++;
        }
        bytes += part;
        len -= part;
    }
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct gh_child *child = handle->data;
    struct output *output = &child->outputs[handle == (uv_handle_t *)&child->outputs[1].pipe];

    (void)suggested;
    *room = uv_buf_init(output->room, sizeof output->room);
}

static void
on_output(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    struct gh_child *child = stream->data;
    struct output *output = &child->outputs[stream == (uv_stream_t *)&child->outputs[1].pipe];

    if (got > 0)
        take_bytes(output, room->base, (size_t)got);
    else if (got < 0)
        close_handle((uv_handle_t *)stream);
}

/* What is still in the pipe of a program that has ended. */
static void
drain(struct output *output)
{
    uv_os_fd_t fd;

    if (!uv_is_closing((uv_handle_t *)&output->pipe) &&
        uv_fileno((uv_handle_t *)&output->pipe, &fd) == 0) {
        for (unsigned reads = 0; reads < DRAIN_READS_MAX; reads++) {
            ssize_t got = read(fd, output->room, sizeof output->room);
            if (got <= 0)
                break;
            take_bytes(output, output->room, (size_t)got);
        }
    }
    end_line(output);
    close_handle((uv_handle_t *)&output->pipe);
}

static void
on_process_exit(uv_process_t *process, int64_t status, int term_signal)
{
    struct gh_child *child = process->data;

    child->is_exited = true;
    for (unsigned i = 0; i < OUTPUT_COUNT; i++)
        drain(&child->outputs[i]);
    close_handle((uv_handle_t *)process);
    child->events->on_exit(child->owner, status, term_signal);
}

static int
spawn(uv_loop_t *loop, struct gh_child *child, const struct gh_child_program *program)
{
    char **environment GH_SCOPED(gh_free) = gh_environment(program->added);
    uv_stdio_container_t stdio[1 + OUTPUT_COUNT] = {{.flags = UV_IGNORE}};

    for (unsigned i = 0; i < OUTPUT_COUNT; i++) {
        stdio[1 + i].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[1 + i].data.stream = (uv_stream_t *)&child->outputs[i].pipe;
    }
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = program->argv[0],
        .args = (char **)(uintptr_t)program->argv,
        .env = environment,
        .cwd = program->folder,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = 1 + OUTPUT_COUNT,
    };
    return uv_spawn(loop, &child->process, &options);
}

int
gh_child_start(uv_loop_t *loop, const struct gh_child_program *program,
               const struct gh_child_events *events, void *owner, struct gh_child **child_out,
               struct gh_err *err)
{
    struct gh_child *child = gh_alloc(sizeof *child);

    child->events = events;
    child->owner = owner;
    child->line_max_bytes = program->line_max_bytes;
    child->open_handles = 1 + OUTPUT_COUNT;
    child->process.data = child;
    for (unsigned i = 0; i < OUTPUT_COUNT; i++) {
        child->outputs[i].child = child;
        uv_pipe_init(loop, &child->outputs[i].pipe, 0);
        child->outputs[i].pipe.data = child;
    }

    int rc = spawn(loop, child, program);
    if (rc != 0) {
        close_handle((uv_handle_t *)&child->process);
        for (unsigned i = 0; i < OUTPUT_COUNT; i++)
            close_handle((uv_handle_t *)&child->outputs[i].pipe);
        return gh_err_set(err, GH_E_SYSTEM, "starting %s: %s", program->argv[0], uv_strerror(rc));
    }
    for (unsigned i = 0; i < OUTPUT_COUNT; i++)
        uv_read_start((uv_stream_t *)&child->outputs[i].pipe, on_alloc, on_output);
    *child_out = child;
    return GH_OK;
}

void
gh_child_kill(struct gh_child *child, int signal)
{
    if (!child->is_exited)
        kill(-uv_process_get_pid(&child->process), signal);
}
