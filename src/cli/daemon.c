/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/locate.h"

/* ---- who listens ---- */

/* Hold the process that listens behind the connection FD. */
static int
hold_peer(int fd, struct gh_daemon *daemon, struct gh_err *err)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    struct pollfd connection = {.fd = fd, .events = POLLIN};

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.pid <= 0)
        return gh_err_set(
            err, GH_EXIT_NO_CONNECTION,
            "the process of the daemon cannot be seen from here: it is in another pid "
            "namespace");
    daemon->pid = peer.pid;
    daemon->pidfd = pidfd_open(peer.pid, 0);
    /* It is the listener's number only if that had not ended before: then our connection is closed. */
    if (daemon->pidfd < 0 || (poll(&connection, 1, 0) > 0 && (connection.revents & POLLHUP)))
        return gh_err_set(err, GH_EXIT_NO_CONNECTION, "the daemon, pid %d, has just ended",
                          peer.pid);
    return GH_EXIT_OK;
}

/* ---- what it is ---- */

static void
read_command(struct gh_daemon *daemon)
{
    struct gh_buf text = {0};
    char path[64], chunk[4096];
    ssize_t len;

    snprintf(path, sizeof path, "/proc/%d/cmdline", daemon->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (len = read(fd, chunk, sizeof chunk)) > 0)
        gh_buf_add(&text, chunk, (size_t)len);
    if (fd >= 0)
        close(fd);

    const char *bytes = gh_buf_text(&text);
    for (size_t at = 0; at < text.len; at += strlen(bytes + at) + 1)
        gh_words_add(&daemon->words, bytes + at);
    gh_buf_done(&text);
}

/* Where the link NAME of its /proc folder leads; NULL when it may not be read. */
static char *
read_link(const struct gh_daemon *daemon, const char *name)
{
    char path[64], target[PATH_MAX];

    snprintf(path, sizeof path, "/proc/%d/%s", daemon->pid, name);
    ssize_t len = readlink(path, target, sizeof target - 1);
    return len > 0 ? gh_strndup(target, (size_t)len) : NULL;
}

static bool
is_file(const char *path)
{
    struct stat info;

    return path && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

int
gh_daemon_find(const char *socket_path, struct gh_daemon *daemon_out, struct gh_err *err)
{
    *daemon_out = (struct gh_daemon){.pidfd = -1};
    int fd = gh_locate_connect(socket_path, 0);

    if (fd < 0)
        return gh_err_set(
            err, errno == EACCES || errno == EPERM ? GH_EXIT_NOT_ALLOWED : GH_EXIT_NO_CONNECTION,
            "no daemon answers at %s: %s", socket_path, strerror(errno));
    int rc = hold_peer(fd, daemon_out, err);
    close(fd);
    if (rc != GH_EXIT_OK) {
        gh_daemon_done(daemon_out);
        return rc;
    }
    read_command(daemon_out);
    daemon_out->folder = read_link(daemon_out, "cwd");
    daemon_out->log_path = read_link(daemon_out, "fd/2");
    if (!is_file(daemon_out->log_path))
        gh_free(&daemon_out->log_path);
    daemon_out->is_unit_guessed = !gh_unit_of(daemon_out->pid, &daemon_out->unit);
    return GH_EXIT_OK;
}

void
gh_daemon_done(struct gh_daemon *daemon)
{
    if (daemon->pidfd >= 0)
        close(daemon->pidfd);
    daemon->pidfd = -1;
    gh_words_done(&daemon->words);
    gh_free(&daemon->folder);
    gh_free(&daemon->log_path);
    gh_unit_done(&daemon->unit);
}

void
gh_daemon_options(const struct gh_daemon *daemon, struct gh_words *options)
{
    for (size_t i = 1; i < daemon->words.count; i++) {
        const char *word = daemon->words.list[i];
        if (strcmp(word, "--ready-fd") == 0)
            i++;
        else if (strncmp(word, "--ready-fd=", 11) != 0)
            gh_words_add(options, word);
    }
}

/* ---- its end ---- */

int
gh_daemon_end(struct gh_daemon *daemon, uint64_t timeout_ms, struct gh_err *err)
{
    struct pollfd ended = {.fd = daemon->pidfd, .events = POLLIN};
    int limit_ms = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

    if (pidfd_send_signal(daemon->pidfd, SIGTERM, NULL, 0) != 0 && errno != ESRCH)
        return gh_err_set(err, GH_EXIT_NOT_ALLOWED, "ending the daemon, pid %d: %s", daemon->pid,
                          strerror(errno));
    int count;
    do
        count = poll(&ended, 1, limit_ms);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        return GH_EXIT_OK;
    return gh_err_set(
        err, GH_EXIT_TIMED_OUT,
        "the daemon, pid %d, still runs after %.3g s: it waits for its calls; wait longer "
        "with --timeout-s, or stop it again, which ends it at once",
        daemon->pid, (double)timeout_ms / 1000);
}
