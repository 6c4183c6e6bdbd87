/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/environment.h"

#define GRACE_MS 200 /* a worker that closed its socket and does not exit is killed after this */
#define SOCKET_FD 3

static void
on_handle_closed(uv_handle_t *handle)
{
    struct gh_worker *worker = handle->data;

    if (--worker->open_handles > 0)
        return;
    for (unsigned i = 0; i < worker->last_line_count; i++)
        free(worker->last_lines[i]);
    gh_buf_done(&worker->lines[0]);
    gh_buf_done(&worker->lines[1]);
    free(worker->name);
    free(worker);
}

static void
on_channel_closed(struct gh_channel *channel)
{
    struct gh_worker *worker = channel->owner;
    on_handle_closed(&(uv_handle_t){.data = worker});
}

static void
close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void
describe_exit(const struct gh_worker *worker, char *out, size_t size)
{
    const char *abbreviation = sigabbrev_np(worker->exit_signal);

    if (worker->exit_signal)
        snprintf(out, size, "signal %d, SIG%s", worker->exit_signal,
                 abbreviation ? abbreviation : "?");
    else
        snprintf(out, size, "exit code %d", (int)worker->exit_status);
}

static void
keep_last_line(struct gh_worker *worker, const char *line)
{
    if (worker->last_line_count == GH_WORKER_LAST_LINES) {
        free(worker->last_lines[0]);
        worker->last_line_count--;
        memmove(worker->last_lines, worker->last_lines + 1,
                worker->last_line_count * sizeof worker->last_lines[0]);
    }
    worker->last_lines[worker->last_line_count++] = gh_strdup(line);
}

static void
log_line(struct gh_worker *worker, unsigned stream, const uint8_t *bytes, size_t len)
{
    char line[GH_WORKER_LINE_BYTES];
    size_t kept = len < sizeof line ? len : sizeof line - 1;

    memcpy(line, bytes, kept);
    line[kept] = '\0';
    gh_log(GH_LOG_INFO, "worker.output", "process=%s pid=%d stream=%s text=%s",
           gh_log_quote(worker->name), worker->pid, stream ? "stderr" : "stdout",
           gh_log_quote(line));
    if (stream)
        keep_last_line(worker, line);
}

static void
take_lines(struct gh_worker *worker, unsigned stream, bool is_end)
{
    struct gh_buf *buf = &worker->lines[stream];
    size_t used = 0;

    while (used < buf->len) {
        const uint8_t *start = buf->bytes + used;
        const uint8_t *newline = memchr(start, '\n', buf->len - used);
        size_t len = newline ? (size_t)(newline - start) : buf->len - used;
        if (!newline && !is_end && len < GH_WORKER_LINE_BYTES)
            break;
        if (len > 0)
            log_line(worker, stream, start, len);
        used += len + (newline ? 1 : 0);
    }
    gh_buf_drop(buf, used);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct gh_worker *worker = handle->data;
    unsigned stream = handle == (uv_handle_t *)&worker->outputs[1];

    (void)suggested;
    room->base = (char *)gh_buf_reserve(&worker->lines[stream], GH_WORKER_LINE_BYTES);
    room->len = GH_WORKER_LINE_BYTES;
}

static void
on_output(uv_stream_t *pipe, ssize_t got, const uv_buf_t *room)
{
    struct gh_worker *worker = pipe->data;
    unsigned stream = (uv_handle_t *)pipe == (uv_handle_t *)&worker->outputs[1];

    (void)room;
    if (got > 0)
        worker->lines[stream].len += (size_t)got;
    take_lines(worker, stream, got < 0);
    if (got < 0)
        close_handle((uv_handle_t *)pipe);
}

/* What is left in a pipe when the worker is dead; a grandchild may hold the other end for ever. */
static void
drain_output(struct gh_worker *worker, unsigned stream)
{
    uv_os_fd_t fd;

    if (uv_is_closing((uv_handle_t *)&worker->outputs[stream]) ||
        uv_fileno((uv_handle_t *)&worker->outputs[stream], &fd) != 0)
        return;
    for (int reads = 0; reads < 64; reads++) {
        uint8_t *room = gh_buf_reserve(&worker->lines[stream], GH_WORKER_LINE_BYTES);
        ssize_t got = read(fd, room, GH_WORKER_LINE_BYTES);
        if (got <= 0)
            break;
        worker->lines[stream].len += (size_t)got;
        take_lines(worker, stream, false);
    }
    take_lines(worker, stream, true);
    close_handle((uv_handle_t *)&worker->outputs[stream]);
}

static void
join_last_lines(struct gh_worker *worker, struct gh_buf *out)
{
    for (unsigned i = 0; i < worker->last_line_count; i++) {
        gh_buf_add_text(out, i ? "\n" : "");
        gh_buf_add_text(out, worker->last_lines[i]);
    }
}

/* Both the exit status and the end of the socket are known: tell the owner, let go. */
static void
finish(struct gh_worker *worker)
{
    char how[64];
    struct gh_buf last GH_SCOPED(gh_buf_done) = {0};

    drain_output(worker, 0);
    drain_output(worker, 1);
    describe_exit(worker, how, sizeof how);
    join_last_lines(worker, &last);
    worker->events->on_exit(worker, how, gh_buf_text(&last));

    close_handle((uv_handle_t *)&worker->program);
    close_handle((uv_handle_t *)&worker->grace);
    gh_channel_close(&worker->channel);
}

static void
on_grace_over(uv_timer_t *timer)
{
    struct gh_worker *worker = timer->data;

    if (!worker->is_exited) {
        gh_worker_kill(worker);
    } else if (!worker->is_channel_closed) {
        /* A grandchild holds the worker's end of the socket; nothing it says from now on counts. Or this
         * machine is so busy that the loop has not come to what the worker wrote. */
        worker->is_channel_closed = true;
        gh_channel_read_rest(&worker->channel);
        finish(worker);
    }
}

static void
on_broken(struct gh_channel *channel, const char *why)
{
    struct gh_worker *worker = channel->owner;

    if (worker->is_channel_closed)
        return;
    worker->is_channel_closed = true;
    gh_log(GH_LOG_DEBUG, "worker.channel_end", "process=%s pid=%d reason=%s",
           gh_log_quote(worker->name), worker->pid, gh_log_quote(why));
    if (worker->is_exited)
        finish(worker);
    else
        uv_timer_start(&worker->grace, on_grace_over, GRACE_MS, 0);
}

static void
on_program_exit(uv_process_t *program, int64_t status, int term_signal)
{
    struct gh_worker *worker = program->data;

    worker->is_exited = true;
    worker->exit_status = status;
    worker->exit_signal = term_signal;
    if (worker->is_channel_closed)
        finish(worker);
    else /* what it wrote before it died is still to be read, up to end of file */
        uv_timer_start(&worker->grace, on_grace_over, 20, 0);
}

static void
on_frame(struct gh_channel *channel, const struct gh_frame *frame, int fd)
{
    struct gh_worker *worker = channel->owner;
    worker->events->on_frame(worker, frame, fd);
}

static const struct gh_channel_events channel_events = {on_frame, on_broken, on_channel_closed};

/* VARIABLES, an object of strings (or NULL), as "NAME=value" texts that end in NULL. */
static char **
variable_texts(const json_t *variables)
{
    char **texts = gh_alloc((json_object_size(variables) + 1) * sizeof *texts);
    const char *name;
    const json_t *value;
    size_t count = 0;

    json_object_foreach((json_t *)(uintptr_t)variables, name, value) texts[count++] =
        gh_asprintf("%s=%s", name, json_string_value(value));
    return texts;
}

static void
texts_done(char ***texts_of)
{
    for (char **text = *texts_of; text && *text; text++)
        free(*text);
    free(*texts_of);
}

static int
spawn(uv_loop_t *loop, struct gh_worker *worker, const struct gh_worker_program *program,
      int socket_fd)
{
    char fd_text[12];
    const char *args[16];
    size_t count = 0;

    snprintf(fd_text, sizeof fd_text, "%d", SOCKET_FD);
    args[count++] = program->path;
    args[count++] = "--runtime";
    args[count++] = program->runtime;
    args[count++] = "--fd";
    args[count++] = fd_text;
    args[count++] = "--process";
    args[count++] = program->process_name;
    args[count++] = "--module-dir";
    args[count++] = program->module_dir;
    args[count++] = "--cache-dir";
    args[count++] = program->cache_dir;
    if (program->python[0]) {
        args[count++] = "--python";
        args[count++] = program->python;
    }
    args[count] = NULL;

    char **added GH_SCOPED(texts_done) = variable_texts(program->environment);
    char **environment GH_SCOPED(gh_free) = gh_environment(added);
    uv_stdio_container_t stdio[4] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&worker->outputs[0]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&worker->outputs[1]},
        {.flags = UV_INHERIT_FD, .data.fd = socket_fd},
    };
    uv_process_options_t options = {
        .exit_cb = on_program_exit,
        .file = program->path,
        .args = (char **)(uintptr_t)args,
        .env = environment,
        .cwd = program->home,
        .stdio = stdio,
        .stdio_count = 4,
    };
    return uv_spawn(loop, &worker->program, &options);
}

int
gh_worker_start(uv_loop_t *loop, const struct gh_worker_program *program,
                const struct gh_worker_events *events, void *owner, struct gh_worker **worker_out,
                struct gh_err *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return gh_err_set(err, GH_E_SYSTEM, "socketpair: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);

    struct gh_worker *worker = gh_alloc(sizeof *worker);
    worker->events = events;
    worker->owner = owner;
    worker->name = gh_strdup(program->process_name);
    uv_timer_init(loop, &worker->grace);
    uv_pipe_init(loop, &worker->outputs[0], 0);
    uv_pipe_init(loop, &worker->outputs[1], 0);
    worker->grace.data = worker->outputs[0].data = worker->outputs[1].data = worker;
    gh_channel_open(&worker->channel, loop, ends[0], &channel_events, worker);
    worker->program.data = worker;
    worker->open_handles = 5;

    int rc = spawn(loop, worker, program, ends[1]);
    close(ends[1]);
    if (rc != 0) {
        close_handle((uv_handle_t *)&worker->grace);
        close_handle((uv_handle_t *)&worker->outputs[0]);
        close_handle((uv_handle_t *)&worker->outputs[1]);
        close_handle((uv_handle_t *)&worker->program);
        gh_channel_close(&worker->channel);
        return gh_err_set(err, GH_E_SYSTEM, "starting %s: %s", program->path, uv_strerror(rc));
    }

    worker->pid = uv_process_get_pid(&worker->program);
    uv_read_start((uv_stream_t *)&worker->outputs[0], on_alloc, on_output);
    uv_read_start((uv_stream_t *)&worker->outputs[1], on_alloc, on_output);
    *worker_out = worker;
    return GH_OK;
}

void
gh_worker_kill(struct gh_worker *worker)
{
    if (!worker->is_exited)
        uv_process_kill(&worker->program, SIGKILL);
}
