/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/deadline.h"
#include "conf/beside.h"

#ifndef GH_BIN_DIR
#define GH_BIN_DIR "/usr/bin"
#endif
#define READY_FD 3               /* of the daemon */
#define READY_LINE_MAX_BYTES 256 /* {"port": 32300, "pid": 1} */
#define LOG_TAIL_MAX_BYTES 65536
#define SAYS "gatehoused: " /* what begins the line with the reason for which it does not start */

/* ---- the log ---- */

static void
make_folder_of(const char *path)
{
    char *folder GH_SCOPED(gh_free) = gh_strdup(path);

    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder, 0700);
        *slash = '/';
    }
}

static int
open_log(const char *path, struct gh_err *err)
{
    struct stat info;

    make_folder_of(path);
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > GH_LAUNCH_LOG_MAX_BYTES) {
        char *aside GH_SCOPED(gh_free) = gh_asprintf("%s.1", path);
        rename(path, aside);
    }
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        gh_err_set(err, GH_EXIT_FAILED, "the daemon's log %s: %s", path, strerror(errno));
    return fd;
}

/* The last line behind byte FROM of the log that gives a reason, else the last of all; "" for none. The
 * caller frees it. */
static char *
last_words(int log, off_t from)
{
    struct gh_buf text = {0};
    off_t end = lseek(log, 0, SEEK_END);
    char *reason = NULL, *last = NULL;

    if (end - from > LOG_TAIL_MAX_BYTES)
        from = end - LOG_TAIL_MAX_BYTES;
    ssize_t len = pread(log, gh_buf_reserve(&text, LOG_TAIL_MAX_BYTES), LOG_TAIL_MAX_BYTES, from);
    text.len = len > 0 ? (size_t)len : 0;
    gh_buf_text(&text);
    for (char *line = strtok((char *)text.bytes, "\n"); line; line = strtok(NULL, "\n")) {
        last = line;
        if (strncmp(line, SAYS, strlen(SAYS)) == 0)
            reason = line + strlen(SAYS);
    }
    char *words = gh_strdup(reason ? reason : last ? last : "");
    gh_buf_done(&text);
    return words;
}

/* ---- the child ---- */

static void
exec_daemon(const struct gh_words *options, int ready_fd)
{
    char *program = gh_beside("gatehoused", GH_BIN_DIR "/gatehoused");
    struct gh_words words = {0};

    gh_words_add(&words, program);
    gh_words_add_all(&words, options);
    if (ready_fd >= 0)
        gh_words_addf(&words, "--ready-fd=%d", ready_fd);
    execv(program, words.list);
    fprintf(stderr, SAYS "%s: %s\n", program, strerror(errno));
}

/* In the child: nothing of ours is left to it but the environment. */
static void
become_daemon(const struct gh_words *options, int log, int ready)
{
    setsid();
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (ready == READY_FD)
        fcntl(ready, F_SETFD, 0);
    else
        dup2(ready, READY_FD);
    close_range(READY_FD + 1, ~0u, 0);
    exec_daemon(options, READY_FD);
    _exit(EX_UNAVAILABLE);
}

/* ---- waiting ---- */

/* Read the ready line into LINE. False when the daemon closed the pipe, by its end, without one, or when
 * the time was up (*is_late_out). */
static bool
read_ready(int fd, uint64_t timeout_ms, char *line, size_t size, bool *is_late_out)
{
    int64_t end_ms = gh_deadline_now_ms() + (int64_t)(timeout_ms > INT_MAX ? INT_MAX : timeout_ms);
    size_t used = 0;

    *is_late_out = false;
    while (used + 1 < size) {
        ssize_t len = gh_deadline_read(fd, line + used, size - 1 - used, end_ms);
        *is_late_out = len < 0;
        if (len <= 0)
            return false;
        used += (size_t)len;
        line[used] = '\0';
        if (strchr(line, '\n'))
            return true;
    }
    return false;
}

static int
exit_of(int status)
{
    if (!WIFEXITED(status))
        return GH_EXIT_FAILED;
    switch (WEXITSTATUS(status)) {
    case EX_USAGE:
    case EX_CONFIG:
        return GH_EXIT_USAGE;
    case EX_NOPERM:
        return GH_EXIT_NOT_ALLOWED;
    default:
        return GH_EXIT_FAILED;
    }
}

/* It ended, or must end, before it was ready: say why in ERR. */
static int
failed(const struct gh_launch *launch, pid_t pid, bool is_late, int log, off_t log_start,
       struct gh_err *err)
{
    int status = 0;

    if (is_late)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    char *words GH_SCOPED(gh_free) = last_words(log, log_start);
    if (is_late)
        return gh_err_set(err, GH_EXIT_TIMED_OUT,
                          "gatehoused was not ready within %.3g s and was ended; its log %s: %s",
                          (double)launch->timeout_ms / 1000, launch->log_path, words);
    if (WIFSIGNALED(status))
        return gh_err_set(err, GH_EXIT_FAILED,
                          "gatehoused was ended at its start by signal %d (%s); its log %s: %s",
                          WTERMSIG(status), strsignal(WTERMSIG(status)), launch->log_path, words);
    if (!words[0])
        return gh_err_set(err, exit_of(status),
                          "gatehoused ended at its start with status %d; its log %s says nothing",
                          WEXITSTATUS(status), launch->log_path);
    return gh_err_set(err, exit_of(status), "gatehoused does not start: %s", words);
}

static int
take_ready(const char *line, struct gh_launched *out, struct gh_err *err)
{
    json_t *ready = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    json_int_t port = 0, pid = 0;
    int rc = json_unpack(ready, "{s:I, s:I}", "port", &port, "pid", &pid);

    json_decref(ready);
    if (rc != 0)
        return gh_err_set(err, GH_EXIT_FAILED,
                          "gatehoused says it is ready in a form unknown to this program: %s",
                          line);
    *out = (struct gh_launched){.port = (unsigned)port, .pid = (pid_t)pid};
    return GH_EXIT_OK;
}

static int
launch_with_log(const struct gh_launch *launch, int log, struct gh_launched *out,
                struct gh_err *err)
{
    char line[READY_LINE_MAX_BYTES];
    off_t log_start = lseek(log, 0, SEEK_END);
    bool is_late;
    int ready[2];

    if (pipe2(ready, O_CLOEXEC) != 0)
        return gh_err_set(err, GH_EXIT_FAILED, "a pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_daemon(launch->options, log, ready[1]);
    close(ready[1]);
    if (pid < 0) {
        close(ready[0]);
        return gh_err_set(err, GH_EXIT_FAILED, "a process for gatehoused: %s", strerror(errno));
    }
    bool is_ready = read_ready(ready[0], launch->timeout_ms, line, sizeof line, &is_late);
    close(ready[0]);
    return is_ready ? take_ready(line, out, err)
                    : failed(launch, pid, is_late, log, log_start, err);
}

int
gh_launch(const struct gh_launch *launch, struct gh_launched *launched_out, struct gh_err *err)
{
    int log = open_log(launch->log_path, err);

    if (log < 0)
        return GH_EXIT_FAILED;
    int rc = launch_with_log(launch, log, launched_out, err);
    close(log);
    return rc;
}

int
gh_launch_here(const struct gh_words *options, struct gh_err *err)
{
    fflush(NULL);
    exec_daemon(options, -1);
    return gh_err_set(err, GH_EXIT_FAILED, "gatehoused cannot be run");
}
