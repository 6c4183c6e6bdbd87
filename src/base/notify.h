/* SPDX-License-Identifier: Apache-2.0
 *
 * base/notify.h - tells the service manager how we are, by sd_notify's protocol: one datagram of
 * NAME=VALUE lines to the socket that NOTIFY_SOCKET names. Where none is named, all of this does nothing.
 *
 *     take, start ... ready ... (reloading, ready) ... stopping ... stop
 *
 * While the loop turns it is said so at half the time that WATCHDOG_USEC allows, and, once we are stopping,
 * that we need more time. A loop that is stuck says neither, and the manager ends us.
 *
 * Loop thread only; the texts are short and without newlines (they are cut at one).
 * Source: sd_notify(3), sd_watchdog_enabled(3), systemd 252. */
#ifndef GH_BASE_NOTIFY_H
#define GH_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include "base/err.h"

#define GH_NOTIFY_STOP_BEAT_MS 5000u  /* how often more time is asked for while stopping */
#define GH_NOTIFY_STOP_MORE_MS 20000u /* and how much of it, from then on */

struct gh_notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_len;
    uint64_t watchdog_us; /* longest silence that is put up with; 0: any */
    uv_timer_t beat;
    bool is_started;
    bool is_stopping;
};

/* Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and take them out of the environment, so that no worker
 * speaks in our name. Before there are threads. Errors: GH_E_INPUT for a socket or a time that cannot be,
 * GH_E_SYSTEM; NOTIFY is then one that does nothing. */
int gh_notify_take(struct gh_notify *notify, struct gh_err *err) GH_MUST_USE;

/* From here on the turning loop is told of. */
void gh_notify_start(struct gh_notify *notify, uv_loop_t *loop);

/* We serve, with our pid; the text is shown by `systemctl status`. Also ends a reload. */
void gh_notify_ready(const struct gh_notify *notify, const char *format, ...) GH_PRINTF(2, 3);

/* A reload begins. gh_notify_ready must follow. */
void gh_notify_reloading(const struct gh_notify *notify);

/* We are on our way out; time is asked for until gh_notify_stop. */
void gh_notify_stopping(struct gh_notify *notify, const char *format, ...) GH_PRINTF(2, 3);

void gh_notify_status(const struct gh_notify *notify, const char *format, ...) GH_PRINTF(2, 3);

/* Close it, so that the loop can end. */
void gh_notify_stop(struct gh_notify *notify);

#endif
