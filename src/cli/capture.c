/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/capture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/deadline.h"

#define OUTPUT_MAX_BYTES 65536u
#define READ_BYTES 4096u

static void
become(const char *const *argv, int output)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid(); /* it shall not take our terminal to itself, and dies as a group */
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(argv[0], (char **)(uintptr_t)argv);
    _exit(127);
}

/* All that comes until the end, which has to be before END_MS and OUTPUT_MAX_BYTES: else false. */
static bool
collect(int fd, int64_t end_ms, struct gh_buf *out)
{
    for (size_t taken = 0; taken < OUTPUT_MAX_BYTES;) {
        ssize_t len = gh_deadline_read(fd, gh_buf_reserve(out, READ_BYTES), READ_BYTES, end_ms);
        if (len <= 0)
            return len == 0;
        out->len += (size_t)len;
        taken += (size_t)len;
    }
    return false;
}

/* Outputs can be closed long before a program ends. */
static bool
wait_for(pid_t pid, int64_t end_ms, int *status_out)
{
    static const struct timespec pause = {.tv_nsec = 2000000};

    while (waitpid(pid, status_out, WNOHANG) == 0) {
        if (gh_deadline_now_ms() >= end_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

int
gh_capture(const char *const *argv, unsigned timeout_ms, struct gh_buf *out)
{
    int64_t end_ms = gh_deadline_now_ms() + timeout_ms;
    int pipe_fds[2], status = 0;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, pipe_fds[1]);
    close(pipe_fds[1]);
    bool is_whole = pid > 0 && collect(pipe_fds[0], end_ms, out);
    close(pipe_fds[0]);
    if (pid < 0)
        return -1;
    if (is_whole && wait_for(pid, end_ms, &status))
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}
