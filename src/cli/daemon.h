/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/daemon.h - a gatehoused that runs on this node: found by its control socket, and ended.
 *
 * It is found by who listens at STATE_DIR/control-PORT.sock, as the kernel tells, and held by a pidfd:
 * no process is ever looked for by its name, and none that took over a number is met by a signal. */
#ifndef GH_CLI_DAEMON_H
#define GH_CLI_DAEMON_H

#include <stdint.h>
#include <sys/types.h>

#include "base/unit.h"
#include "base/words.h"
#include "cli/cli.h"

struct gh_daemon {
    pid_t pid;
    int pidfd;             /* readable once it has ended */
    struct gh_words words; /* its command line, as /proc has it */
    char *folder;          /* that it runs in; relative paths of its options count from there */
    char *log_path;        /* the file its standard error goes to; NULL for anything but a file */
    struct gh_unit unit;   /* that systemd runs it as */
    bool is_unit_guessed;  /* by its control group, which may be sshd's too: ask it */
};

/* The daemon that listens at SOCKET_PATH. A socket that nobody listens at is no daemon.
 * Returns GH_EXIT_OK, and the caller releases it with gh_daemon_done; GH_EXIT_NO_CONNECTION when there
 * is none; GH_EXIT_NOT_ALLOWED when it is somebody else's. */
int gh_daemon_find(const char *socket_path, struct gh_daemon *daemon_out, struct gh_err *err)
    GH_MUST_USE;
void gh_daemon_done(struct gh_daemon *daemon);

/* The options it was started with, less what concerned its start only. Appended to OPTIONS. */
void gh_daemon_options(const struct gh_daemon *daemon, struct gh_words *options);

/* SIGTERM, then wait until it has ended: it lets running calls finish for drain_timeout_ms.
 * Returns GH_EXIT_OK; GH_EXIT_TIMED_OUT when it still runs after TIMEOUT_MS; GH_EXIT_NOT_ALLOWED. */
int gh_daemon_end(struct gh_daemon *daemon, uint64_t timeout_ms, struct gh_err *err) GH_MUST_USE;

#endif
