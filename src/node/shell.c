/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/environment.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "node/tail.h"

#define READ_BYTES                                                                                 \
    (80u << 10) /* more than a pipe holds: libuv then reads once in a turn of the loop */
#define LINE_MAX_BYTES 65536u /* of a line that does not end; what is longer goes out in pieces */

enum { OUT, ERR };

struct gh_shell {
    struct gh_shell *prev, *next; /* in its shells' list, while it is not told of its end */
    struct gh_shells *shells;
    const struct gh_shell_events *events; /* NULL once it is told */
    void *context;
    uv_process_t program;
    uv_pipe_t pipes[2];
    int pid; /* of the shell, and of the process group */
    bool keeps_output;
    struct gh_tail tails[2];
    struct gh_buf line;    /* of standard output, not yet passed on */
    unsigned running;      /* of the program and its two outputs, those that have not ended */
    unsigned open_handles; /* and those whose memory is still libuv's */
    int code;
};

void
gh_shells_init(struct gh_shells *shells, uv_loop_t *loop, const struct gh_settings *settings)
{
    *shells = (struct gh_shells){.loop = loop, .settings = settings};
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct gh_shell *shell = handle->data;

    if (--shell->open_handles > 0)
        return;
    gh_tail_done(&shell->tails[OUT]);
    gh_tail_done(&shell->tails[ERR]);
    gh_buf_done(&shell->line);
    free(shell);
}

static void
close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void
tell(struct gh_shell *shell, const struct gh_shell_result *result)
{
    const struct gh_shell_events *events = gh_take(shell->events);

    DL_DELETE(shell->shells->first, shell);
    shell->shells->count--;
    events->on_done(shell->context, result);
}

/* How much of the line buffer may go: whole lines; characters of a line that is too long. */
static size_t
ready_len(const struct gh_buf *line, bool is_end)
{
    const uint8_t *newline = line->len ? memrchr(line->bytes, '\n', line->len) : NULL;
    size_t len = line->len;

    if (newline)
        return (size_t)(newline - line->bytes) + 1;
    if (is_end)
        return len;
    if (len < LINE_MAX_BYTES)
        return 0;
    for (int back = 0; back < 3 && (line->bytes[len - 1] & 0xC0) == 0x80; back++)
        len--;
    return (line->bytes[len - 1] & 0xC0) == 0xC0 ? len - 1 : line->len;
}

static void
pass_lines(struct gh_shell *shell, bool is_end)
{
    size_t len;

    while (shell->events && (len = ready_len(&shell->line, is_end)) > 0) {
        shell->events->on_lines(shell->context, (const char *)shell->line.bytes, len);
        gh_buf_drop(&shell->line, len);
    }
}

/* Lines of a result end in a line feed only, as where Python reads text: a carriage return, with or
 * without a line feed behind it, becomes one. */
static void
make_newlines_plain(struct gh_buf *buf)
{
    size_t kept = 0;

    for (size_t i = 0; i < buf->len; i++) {
        uint8_t byte = buf->bytes[i];
        if (byte == '\r' && i + 1 < buf->len && buf->bytes[i + 1] == '\n')
            continue;
        buf->bytes[kept++] = byte == '\r' ? '\n' : byte;
    }
    buf->len = kept;
}

/* The program or one of its outputs has ended. */
static void
on_part_ended(struct gh_shell *shell)
{
    size_t max = shell->shells->settings->command_output_max_bytes;

    if (--shell->running > 0 || !shell->events)
        return;
    pass_lines(shell, true);
    gh_tail_finish(&shell->tails[OUT], max);
    gh_tail_finish(&shell->tails[ERR], max);
    make_newlines_plain(&shell->tails[OUT].kept);
    make_newlines_plain(&shell->tails[ERR].kept);
    const struct gh_buf *out = &shell->tails[OUT].kept, *err = &shell->tails[ERR].kept;
    tell(shell, &(struct gh_shell_result){.code = shell->code,
                                          .out = {(const char *)out->bytes, out->len},
                                          .err = {(const char *)err->bytes, err->len}});
}

static void
on_program_exit(uv_process_t *program, int64_t status, int term_signal)
{
    struct gh_shell *shell = program->data;

    shell->code = term_signal ? -term_signal : (int)status;
    on_part_ended(shell);
    close_handle((uv_handle_t *)program);
}

/* One buffer for all: what is read is used before the next read. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    static char bytes[READ_BYTES];

    (void)handle;
    (void)suggested;
    *room = uv_buf_init(bytes, sizeof bytes);
}

static void
on_output(uv_stream_t *pipe, ssize_t got, const uv_buf_t *room)
{
    struct gh_shell *shell = pipe->data;
    int which = (uv_handle_t *)pipe == (uv_handle_t *)&shell->pipes[OUT] ? OUT : ERR;

    if (got < 0) {
        on_part_ended(shell);
        close_handle((uv_handle_t *)pipe);
        return;
    }
    if (shell->keeps_output)
        gh_tail_add(&shell->tails[which], room->base, (size_t)got,
                    shell->shells->settings->command_output_max_bytes);
    if (which == OUT && shell->events->on_lines) {
        gh_buf_add(&shell->line, room->base, (size_t)got);
        pass_lines(shell, false);
    }
}

void
gh_shells_stop(struct gh_shells *shells)
{
    struct gh_shell *shell, *next;

    DL_FOREACH_SAFE(shells->first, shell, next)
    {
        gh_log(GH_LOG_WARN, "command.killed", "pid=%d reason=\"the node is stopping\"", shell->pid);
        kill(-shell->pid, SIGKILL);
        close_handle((uv_handle_t *)&shell->pipes[OUT]);
        close_handle((uv_handle_t *)&shell->pipes[ERR]);
        tell(shell,
             &(struct gh_shell_result){.failure = "The command was killed: the node is stopping."});
    }
}

static int
spawn(struct gh_shell *shell, const char *command)
{
    const char *args[] = {"/bin/sh", "-c", command, NULL};
    char **environment GH_SCOPED(gh_free) = gh_environment(NULL);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&shell->pipes[OUT]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&shell->pipes[ERR]},
    };
    uv_process_options_t options = {
        .exit_cb = on_program_exit,
        .file = args[0],
        .args = (char **)(uintptr_t)args,
        .env = environment,
        .cwd = gh_home(),
        .flags = UV_PROCESS_DETACHED, /* a session of its own, and so a process group */
        .stdio = stdio,
        .stdio_count = 3,
    };
    return uv_spawn(shell->shells->loop, &shell->program, &options);
}

int
gh_shell_start(struct gh_shells *shells, const char *command, bool keeps_output,
               const struct gh_shell_events *events, void *context, struct gh_err *err)
{
    if (shells->count >= shells->settings->commands_max)
        return gh_err_set(err, GH_E_NO_ROOM, "%u shell commands run already (commands_max).",
                          shells->count);

    struct gh_shell *shell = gh_alloc(sizeof *shell);
    shell->shells = shells;
    shell->context = context;
    shell->keeps_output = keeps_output;
    uv_pipe_init(shells->loop, &shell->pipes[OUT], 0);
    uv_pipe_init(shells->loop, &shell->pipes[ERR], 0);
    shell->program.data = shell->pipes[OUT].data = shell->pipes[ERR].data = shell;
    shell->open_handles = shell->running = 3;

    int rc = spawn(shell, command);
    if (rc != 0) {
        close_handle((uv_handle_t *)&shell->program);
        close_handle((uv_handle_t *)&shell->pipes[OUT]);
        close_handle((uv_handle_t *)&shell->pipes[ERR]);
        return gh_err_set(err, GH_E_SYSTEM, "The command could not be started: %s.",
                          uv_strerror(rc));
    }

    shell->pid = uv_process_get_pid(&shell->program);
    shell->events = events;
    DL_APPEND(shells->first, shell);
    shells->count++;
    uv_read_start((uv_stream_t *)&shell->pipes[OUT], on_alloc, on_output);
    uv_read_start((uv_stream_t *)&shell->pipes[ERR], on_alloc, on_output);
    return GH_OK;
}
