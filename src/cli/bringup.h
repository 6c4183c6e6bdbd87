/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/bringup.h - a node's daemon brought up, down, and up again. What `gatehouse up`, `stop` and
 * `restart` do, and the `runhouse` command of a node.
 *
 * One at a time for each port: STATE_DIR/up-PORT.lock is held meanwhile, so that two that start at once
 * start one daemon. */
#ifndef GH_CLI_BRINGUP_H
#define GH_CLI_BRINGUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/words.h"
#include "cli/cli.h"

struct gh_client;

struct gh_bringup {
    struct gh_words options; /* of gatehoused */
    const char *log_path;    /* NULL: STATE_DIR/gatehoused-PORT.log */
    uint64_t timeout_ms;     /* for the start and for the end, each; 0: as long as is usual */
};

struct gh_brought {
    unsigned port;
    pid_t pid;
    char *url;      /* that it answers at, from this node */
    char *log_path; /* NULL when its output does not go to a file */
    char *unit;     /* that systemd runs it as, or NULL */
    bool was_running;
    bool has_other_options; /* it was running, with other options than those asked for */
};
void gh_brought_done(struct gh_brought *brought);

/* Where its output goes, for people: "log PATH" or "unit NAME". The caller frees it. */
char *gh_brought_output(const struct gh_brought *brought);

/* The version of the client that a daemon of our environment stands in for: rh_version. The caller frees
 * it. */
char *gh_bringup_rh_version(void);

/* The port and the control socket of a daemon started with OPTIONS (and our environment). The socket's
 * path is the caller's to free; it is NULL for port 0, which is always a new daemon.
 * Errors: GH_EXIT_USAGE the options are bad, in gatehoused's own words. */
int gh_bringup_place(const struct gh_words *options, unsigned *port_out, char **socket_out,
                     struct gh_err *err) GH_MUST_USE;

/* Start the daemon unless it runs, and return once it and its first worker answer. Errors: those of
 * gh_launch; GH_EXIT_FAILED when it runs, or ran already, but its workers cannot start (ERR says why). */
int gh_bringup_up(const struct gh_bringup *bringup, struct gh_brought *brought_out,
                  struct gh_err *err) GH_MUST_USE;

/* End the daemon at SOCKET_PATH, through systemd where that runs it, and wait until it has ended. *PID_OUT is which it was.
 * Errors: GH_EXIT_NO_CONNECTION none runs, and those of gh_daemon_end. */
int gh_bringup_down(const char *socket_path, uint64_t timeout_ms, pid_t *pid_out,
                    struct gh_err *err) GH_MUST_USE;

/* End the daemon at SOCKET_PATH and start one with its command line, in its folder (which becomes
 * ours), with its log, and with our environment. One that systemd runs is restarted by it, as its unit says.
 * Errors: those of the two above. */
int gh_bringup_again(const char *socket_path, uint64_t timeout_ms, struct gh_brought *brought_out,
                     struct gh_err *err) GH_MUST_USE;

/* Is the daemon at SOCKET_PATH, if there is one, run by systemd? */
bool gh_bringup_has_unit(const char *socket_path);

/* Ask the daemon of PORT whose state folder is STATE, over its control socket, as any verb does. The client is the
 * caller's to close. */
int gh_bringup_ask(const char *state, unsigned port, struct gh_client **client_out,
                   struct gh_err *err) GH_MUST_USE;

#endif
